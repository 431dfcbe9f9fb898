import Shared

/// Work that changes something: one at a time in a directory, recorded, shown, cancelled by Ctrl-C, and with last words
/// when it fails.
enum RecordedRun {
    /// Does the work of a verb.
    ///
    /// - Parameter work: reports its steps to the recorder; the result that it returns becomes the last event.
    /// - Returns: the value of the work, and where its logs are.
    /// - Throws: `cluster.locked`, failures to write logs; `ReportedFailure` once any other failure has been shown.
    static func perform<Value: Sendable>(
        _ verb: String, progress: ProgressMode, in context: HostContext,
        _ work: @escaping @Sendable (RunRecorder) async throws -> (Value, RunResult)
    ) async throws -> (Value, log: String) {
        try context.project.prepare()
        let lock = try ProjectLock(context.project, verb: verb)
        defer { withExtendedLifetime(lock) {} }
        let directory = try RunDirectory(in: context.project)
        let display = progress.display(context)
        let recorder = try RunRecorder(directory, display: display)
        do {
            let value = try await Interrupts.cancelling(
                onFirst: {
                    display.say(
                        "stopping; press Ctrl-C again to end at once (`pgaf-host \(verb)` goes on later)",
                        elsewhere: context.errorOutput)
                },
                onSecond: { display.finish() },
                { try await display.animating { try await recorded(verb, recorder, work) } })
            return (value, directory.path)
        } catch let error as PgafError {
            context.note("\(error.description)\n  log: \(directory.path)")
            throw ReportedFailure(exitCode: error.code.exitCode)
        }
    }

    /// Does the work and records its result as the last event, whatever happens.
    ///
    /// - Throws: a `PgafError` without secrets and control characters.
    static func recorded<Value: Sendable>(
        _ verb: String, _ recorder: RunRecorder,
        _ work: @Sendable (RunRecorder) async throws -> (Value, RunResult)
    ) async throws -> Value {
        do {
            let (value, result) = try await work(recorder)
            await recorder.report(.result(result))
            return value
        } catch {
            // A cancelled connection may show itself as any error; what the user did is the reason.
            let reason: any Error = Task.isCancelled ? CancellationError() : error
            let known = await recorder.safe(PgafError.wrapping(reason, doing: "running `pgaf-host \(verb)`"))
            let cancelled = known.code == .cancelled
            let failure =
                cancelled
                ? PgafError(
                    .cancelled, "The run was cancelled; what is done stays as it is.",
                    remedy: "Run `pgaf-host \(verb)` to go on where it stopped.") : known
            await recorder.report(.result(RunResult(status: cancelled ? .cancelled : .failed, error: failure)))
            throw failure
        }
    }
}

/// A failure that has been shown already; only the exit status is left.
struct ReportedFailure: Error, Equatable {
    var exitCode: Int32
}
