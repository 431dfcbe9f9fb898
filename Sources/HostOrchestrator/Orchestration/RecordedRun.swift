import Shared

/// Work that changes something: one at a time in a directory, recorded, shown, cancelled by Ctrl-C, and with last words
/// when it fails.
enum RecordedRun {
    /// A run that has begun: where it tells what it does, where its logs lie, how it is stopped.
    struct Active: Sendable {
        let recorder: RunRecorder
        let directory: RunDirectory
        let control: RunControl
    }

    /// Does the work of a verb.
    ///
    /// - Parameters:
    ///   - waiting: whether another pgaf-host in this directory is waited for.
    ///   - json: whether a failure is left to be printed as JSON.
    ///   - goingOn: what to type after a cancelled run; nil where the same verb goes on.
    ///   - work: reports its steps to the recorder; the result that it returns becomes the last event.
    /// - Returns: the value of the work, and where its logs are.
    /// - Throws: `cluster.locked`, failures to write logs; `ReportedFailure` once any other failure has been shown.
    static func perform<Value: Sendable>(
        _ verb: String, progress: ProgressMode, waiting: Bool = false, json: Bool = false, goingOn: String? = nil,
        in context: HostContext,
        _ work: @escaping @Sendable (Active) async throws -> (Value, RunResult)
    ) async throws -> (Value, log: String) {
        try context.project.prepare()
        let lock = try await ProjectLock.take(context.project, verb: verb, waiting: waiting, say: context.note)
        defer { withExtendedLifetime(lock) {} }
        let directory = try RunDirectory(in: context.project, id: lock.run)
        let display = progress.display(context)
        let recorder = try RunRecorder(directory, display: display)
        let active = Active(recorder: recorder, directory: directory, control: RunControl())
        let value = try await interruptible(
            verb, active.control, recorder, display, json: json, in: context, log: directory.path
        ) {
            try await recorded(verb, recorder, goingOn: goingOn) { _ in try await work(active) }
        }
        return (value, directory.path)
    }

    /// Does work that shows a run, with Ctrl-C answered and failures told.
    ///
    /// - Parameters:
    ///   - json: whether a failure is left to be printed as JSON, and so is thrown as it is.
    ///   - log: where the logs are, if there are any.
    /// - Throws: `ReportedFailure` once a failure has been shown.
    static func interruptible<Value: Sendable>(
        _ verb: String, _ control: RunControl, _ recorder: RunRecorder, _ display: any EventDisplay,
        json: Bool = false, in context: HostContext, log: String?, _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let dialogue = InterruptDialogue(
            verb: verb, context: context, display: display, control: control, leave: { await recorder.leave() })
        do {
            return try await Interrupts.handling(
                decide: dialogue.decide, onSecond: { display.finish() }, { try await display.animating(work) })
        } catch let error as PgafError where !json {
            if error.code == .runDetached {
                context.note("\(error.message) \(error.remedy)")
            } else {
                context.note(
                    TerminalText.cleanLines(error.description) + (log.map { "\n  log: \($0)" } ?? ""))
            }
            throw ReportedFailure(exitCode: error.code.exitCode)
        }
    }

    /// How a program ends that leaves a run which goes on.
    static let detached = PgafError(
        .runDetached, "The run goes on in the machine.", remedy: "Follow it with `pgaf-host attach`.")

    /// Does the work and records its result as the last event, whatever happens.
    ///
    /// - Throws: a `PgafError` without secrets and control characters.
    static func recorded<Value: Sendable>(
        _ verb: String, _ recorder: RunRecorder, goingOn: String? = nil,
        _ work: @Sendable (RunRecorder) async throws -> (Value, RunResult)
    ) async throws -> Value {
        do {
            let (value, result) = try await work(recorder)
            await recorder.report(.result(result))
            return value
        } catch {
            if await recorder.hasLeft { throw detached }
            // A cancelled connection may show itself as any error; what the user did is the reason.
            let reason: any Error = Task.isCancelled ? CancellationError() : error
            let known = await recorder.safe(PgafError.wrapping(reason, doing: "running `pgaf-host \(verb)`"))
            let cancelled = known.code == .cancelled
            let failure =
                cancelled
                ? PgafError(
                    .cancelled, "The run was cancelled; what is done stays as it is.",
                    remedy: goingOn ?? "Run `pgaf-host \(verb)` to go on where it stopped.", cause: known.cause) : known
            await recorder.report(.result(RunResult(status: cancelled ? .cancelled : .failed, error: failure)))
            throw failure
        }
    }
}

/// A failure that has been shown already; only the exit status is left.
struct ReportedFailure: Error, Equatable {
    var exitCode: Int32
}
