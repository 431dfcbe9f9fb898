import Shared

/// A run that belongs to nobody's terminal or connection: its own systemd unit, or its own session where there is no
/// systemd, with its input closed.
public struct DetachedRun: Sendable {
    let runner: any CommandRunner
    let store: ClusterStore
    /// Absolute path of the agent's executable.
    let program: String

    public init(runner: any CommandRunner, store: ClusterStore, program: String) {
        self.runner = runner
        self.store = store
        self.program = program
    }

    /// Starts the run that a request asks for; one that was begun already is left alone, so that a host which does not
    /// know whether its request arrived can send it again.
    ///
    /// - Returns: where to follow it.
    /// - Throws: `file.failed`, `disk.full`, `agent.died` when the process could not be started.
    public func start(_ request: Request) async throws -> RunPlace {
        let place = RunPlace(id: request.run, store: store)
        guard !place.exists else { return place }
        try place.prepare()
        try store.files.write(try request.encoded().revealed, to: place.request)
        let hasSystemd = store.files.exists("/run/systemd/system")
        let result = try await runner.run(
            Self.command(program, place, systemd: hasSystemd, hiding: request.configuration.passwords.variables))
        guard result.succeeded else {
            try store.files.remove(place.request)
            throw PgafError(
                .agentDied, "The run \(request.run) could not be started (status \(result.status)).",
                remedy: "Correct what the last lines name, then run `up` again.", output: result.lastLines())
        }
        return place
    }

    /// The command that starts the working process and ends at once; the request lies in a file.
    ///
    /// - Parameter variables: hold passwords, which the working process has from the request: its environment is there
    ///   to be read for as long as it lives. A unit of systemd does not inherit any.
    static func command(
        _ program: String, _ place: RunPlace, systemd: Bool, hiding variables: [String] = []
    ) -> Command {
        let work = [program, "work", place.id]
        if systemd {
            return Command(
                "systemd-run",
                [
                    "--quiet", "--collect", "--unit", "pgaf-run-\(place.id)", "--description", "pgaf run \(place.id)",
                    // A cancelled run ends at its next step boundary, which may be minutes away.
                    "--property", "KillMode=mixed", "--property", "TimeoutStopSec=900",
                    "--property", "StandardError=append:\(place.log)", "--setenv", "\(AbandonedWork.mark)=\(place.id)",
                    "--",
                ] + work, deadline: .seconds(120))
        }
        let script = "exec \"$0\" \"$@\" </dev/null >/dev/null 2>>\"$PGAF_LOG\""
        let cleaned = variables.isEmpty ? [] : ["env"] + variables.map { "--unset=\($0)" }
        return Command(
            "setsid", ["--fork"] + cleaned + ["sh", "-c", script] + work,
            environment: ["PGAF_LOG": place.store.files.place(place.log), AbandonedWork.mark: place.id],
            deadline: .seconds(60))
    }
}
