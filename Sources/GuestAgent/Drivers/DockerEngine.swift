import Shared

/// The Docker engine as a service of the machine: whether it is there, and how it is started.
struct DockerEngine: Sendable {
    let runner: any CommandRunner
    let files: MachineFiles

    var isInstalled: Bool { ["/usr/sbin/dockerd", "/usr/bin/dockerd"].contains { files.exists($0) } }

    /// Whether there is none on the machine, nor one elsewhere that its client speaks to.
    func isLacking() async throws -> Bool {
        guard !isInstalled else { return false }
        return try await Docker(runner: runner).engineVersion() == nil
    }

    var hasSystemd: Bool { files.exists("/run/systemd/system") }

    /// The wait for `isReady` after `launch`.
    static let readiness = Wait(
        for: "the Docker engine to answer", upTo: .seconds(120), hint: remedy, code: .dockerUnavailable)

    private static let remedy =
        "Read `journalctl -u docker` or /var/log/docker.log on the machine, then run the same command again."

    func isReady() async throws -> Wait.Observation<String> {
        try await Docker(runner: runner).engineVersion().map { .found($0) }
            ?? .notYet("`docker version` finds no server")
    }

    /// Whether an engine answers, after starting the one that is installed: only a running one tells what it holds.
    ///
    /// - Parameter events: told what is waited for.
    /// - Returns: false where no engine is installed.
    /// - Throws: `docker.unavailable` when it is installed and does not start.
    func isAvailable(_ events: EventWriter? = nil) async throws -> Bool {
        if case .found = try await isReady() { return true }
        guard isInstalled else { return false }
        try await launch()
        if let events {
            _ = try await events.wait(Self.readiness, step: nil) { try await isReady() }
        } else {
            _ = try await Self.readiness.until { try await isReady() }
        }
        return true
    }

    /// Starts the engine and does not wait until it answers.
    ///
    /// - Throws: `docker.unavailable`.
    func launch() async throws {
        try await Apt(runner: runner).finishIfInterrupted { _ in }
        if hasSystemd {
            try await checked("systemctl", ["enable", "--now", "docker"])
            return
        }
        try removeStalePidFiles()
        // The engine belongs to no run: it must outlive them all.
        let unmarked = ["--unset", AbandonedWork.mark]
        if try await !runner.run(Command("env", unmarked + ["service", "docker", "start"])).succeeded {
            // The init script fails where it may not raise its own limits; the engine itself does not need that.
            let program = "exec dockerd </dev/null >>/var/log/docker.log 2>&1"
            try await checked("env", unmarked + ["setsid", "--fork", "sh", "-c", program])
        }
    }

    /// Starts a running engine anew, and waits until it answers; containers that nobody stopped come back with it.
    ///
    /// - Throws: `docker.unavailable`.
    func restart(_ events: EventWriter) async throws {
        if hasSystemd {
            try await checked("systemctl", ["restart", "docker"])
        } else {
            let number = try files.read(Self.pidFiles[0].0)?.trimmed ?? ""
            try await checked("kill", [number])
            let wait = Wait(
                for: "the Docker engine to end", upTo: .seconds(120), hint: Self.remedy, code: .dockerUnavailable)
            try await events.wait(wait, step: nil) {
                files.exists("/proc/\(number)") ? .notYet("process \(number) is there") : .found(())
            }
            try await launch()
        }
        _ = try await events.wait(Self.readiness, step: nil) { try await isReady() }
    }

    private func checked(_ program: String, _ arguments: [String]) async throws {
        try await runner.checked(
            Command(program, arguments), code: .dockerUnavailable, remedy: Self.remedy)
    }

    static let pidFiles = [
        ("/var/run/docker.pid", "dockerd"), ("/var/run/docker/containerd/containerd.pid", "containerd"),
    ]

    /// Removes pid files of an engine that was killed: when another process has its number by now, a new engine takes
    /// that for a running one and does not start.
    private func removeStalePidFiles() throws {
        for (path, program) in Self.pidFiles {
            guard let number = (try files.read(path)?.trimmed).flatMap({ Int32($0) }) else { continue }
            if files.program(of: number) != program { try files.remove(path) }
        }
    }
}

extension PgafError {
    /// Of whoever only looks at the engine.
    static let engineIsSilent = PgafError(
        .dockerUnavailable, "The Docker engine does not answer.",
        remedy:
            "Right after the machine's start it comes by itself within a minute; `pgaf-host start` or"
            + " `pgaf-host up` starts it (the agent alone: `pgaf-agent up`).")
}
