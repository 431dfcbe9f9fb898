import Shared

extension EventWriter {
    /// Says on which machine the run is.
    func hello(_ facts: MachineFacts) {
        write(
            .hello(
                Hello(
                    agent: PgafVersion.current, protocols: [Event.version], kernel: facts.kernel,
                    architecture: facts.architecture, distribution: facts.prettyName)))
    }

    /// Does the work of a run and writes exactly one result.
    ///
    /// - Parameters:
    ///   - activity: completes "Something unexpected happened while …".
    ///   - work: its result, to which the warnings of the run are added.
    /// - Returns: the process's exit code.
    nonisolated func concluding(
        _ activity: String, _ warnings: Warnings, _ work: () async throws -> RunResult
    ) async -> Int32 {
        var result: RunResult
        do {
            result = try await work()
        } catch {
            let failure = PgafError.wrapping(error, doing: activity)
            result = RunResult(status: failure.code == .cancelled ? .cancelled : .failed, error: failure)
        }
        result.warnings = await warnings.all
        await write(.result(result))
        return result.error?.code.exitCode ?? 0
    }
}
