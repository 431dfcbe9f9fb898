import Shared

/// The Docker engine: installed, running, started at boot, usable by the `vagrant` user.
struct DockerStep: Step {
    let id = "docker"
    let title = "Docker"
    var dependencies = ["preflight"]

    /// The account that Vagrant's boxes have.
    private static let machineUser = "vagrant"

    func inspect(_ context: AgentContext) async throws -> [Change] {
        var changes: [Change] = []
        if try await context.docker.engineVersion() == nil {
            if !isInstalled(context) {
                let packages = packages(context).joined(separator: ", ")
                changes.append(Change(.create, "packages", "install \(packages)"))
            }
            changes.append(Change(.create, "engine", "start the Docker engine"))
        }
        if hasSystemd(context), isInstalled(context),
            try await !context.runner.run(Command("systemctl", ["is-enabled", "--quiet", "docker"])).succeeded
        {
            changes.append(Change(.change, "boot", "start the Docker engine at boot"))
        }
        if try await lacksGroup(context) {
            changes.append(Change(.change, "group", "add the user \(Self.machineUser) to the group docker"))
        }
        return changes
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        if changes.has("packages") {
            let repositories = context.topology.state.source.machineRepositories(facts: context.topology.facts)
            try await AptRepositories(runner: context.runner, files: context.files)
                .add(repositories, onLine: context.output(id))
            try await Apt(runner: context.runner).install(packages(context), onLine: context.output(id))
        }
        if changes.has("engine") { try await start(context) }
        if changes.has("boot") || changes.has("packages"), hasSystemd(context) {
            try await context.runner.checked(
                Command("systemctl", ["enable", "docker"]), code: .dockerUnavailable,
                remedy: "Run `systemctl status docker` on the machine to see why.")
        }
        if try await lacksGroup(context) {
            try await context.runner.checked(
                Command("usermod", ["--append", "--groups", "docker", Self.machineUser]),
                remedy: "Run the same command on the machine to see why.")
        }
        try await context.runner.checked(
            Command("docker", ["info", "--format", "{{.ServerVersion}}"]), code: .dockerUnavailable,
            what: "The `docker` command does not work although the engine runs.", remedy: Docker.remedy)
    }

    private func packages(_ context: AgentContext) -> [String] {
        context.topology.state.source.dockerPackages(codename: context.topology.facts.codename)
    }

    private func isInstalled(_ context: AgentContext) -> Bool {
        ["/usr/sbin/dockerd", "/usr/bin/dockerd"].contains { context.files.exists($0) }
    }

    private func hasSystemd(_ context: AgentContext) -> Bool { context.files.exists("/run/systemd/system") }

    private func lacksGroup(_ context: AgentContext) async throws -> Bool {
        let groups = try await context.runner.run(Command("id", ["--name", "--groups", Self.machineUser]))
        return groups.succeeded && !groups.trimmedOutput.split(separator: " ").contains("docker")
    }

    /// Removes pid files of an engine that was killed: when another process has its number by now, a new engine takes
    /// that for a running one and does not start.
    private func removeStalePidFiles(_ context: AgentContext) throws {
        for (path, program) in Self.pidFiles {
            guard let number = try context.files.read(path)?.trimmed, Int(number) != nil else { continue }
            if try context.files.read("/proc/\(number)/comm")?.trimmed != program { try context.files.remove(path) }
        }
    }

    static let pidFiles = [
        ("/var/run/docker.pid", "dockerd"), ("/var/run/docker/containerd/containerd.pid", "containerd"),
    ]

    private func start(_ context: AgentContext) async throws {
        let remedy = "Read `journalctl -u docker` or /var/log/docker.log on the machine, then run `up` again."
        if hasSystemd(context) {
            try await context.runner.checked(
                Command("systemctl", ["enable", "--now", "docker"]), code: .dockerUnavailable, remedy: remedy)
            try await awaitEngine(context, remedy)
            return
        }
        try removeStalePidFiles(context)
        // The engine belongs to no run: it must outlive them all.
        if try await !context.runner.run(Command("env", ["--unset", AbandonedWork.mark, "service", "docker", "start"]))
            .succeeded
        {
            // The init script fails where it may not raise its own limits; the engine itself does not need that.
            try await context.runner.checked(
                Command(
                    "env",
                    [
                        "--unset", AbandonedWork.mark, "setsid", "--fork", "sh", "-c",
                        "exec dockerd </dev/null >>/var/log/docker.log 2>&1",
                    ]),
                code: .dockerUnavailable, remedy: remedy)
        }
        try await awaitEngine(context, remedy)
    }

    private func awaitEngine(_ context: AgentContext, _ remedy: String) async throws {
        let wait = Wait(
            for: "the Docker engine to answer", upTo: .seconds(120), hint: remedy, code: .dockerUnavailable)
        _ = try await context.wait(wait, step: id) {
            try await context.docker.engineVersion().map { .found($0) } ?? .notYet("`docker version` finds no server")
        }
    }
}
