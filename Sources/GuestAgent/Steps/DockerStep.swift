import Shared

/// The Docker engine: installed, running, started at boot, pulling through the proxy, usable by the `vagrant` user.
struct DockerStep: Step {
    let id = "docker"
    let title = "Docker"
    let dependencies = ["repositories"]

    /// The account that Vagrant's boxes have.
    private static let machineUser = "vagrant"

    func inspect(_ context: AgentContext) async throws -> [Change] {
        var changes: [Change] = []
        if try await context.docker.engineVersion() == nil {
            if !engine(context).isInstalled {
                let packages = packages(context).joined(separator: ", ")
                changes.append(Change(.create, "packages", "install \(packages)"))
            }
            changes.append(Change(.create, "engine", "start the Docker engine"))
        }
        if engine(context).hasSystemd, let change = try proxy(context).change(isNew: changes.has("packages")) {
            changes.append(change)
        }
        if engine(context).hasSystemd, engine(context).isInstalled,
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
        // Before the installation, which starts the engine.
        if changes.has(EngineProxy.subject) { try await proxy(context).apply() }
        if changes.has("packages") {
            try await BundleParts.apt(context).install(packages(context), onLine: context.output(id))
        }
        if changes.has("engine") {
            try await engine(context).launch()
            _ = try await context.wait(DockerEngine.readiness, step: id) { try await engine(context).isReady() }
        }
        if changes.has("boot") || changes.has("packages"), engine(context).hasSystemd {
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
        let facts = context.topology.facts
        return context.topology.state.source.dockerPackages(
            distribution: facts.distribution, codename: facts.codename)
    }

    /// Only of a machine that Vagrant made: elsewhere somebody else may have that name, and the group is as good as root.
    private func lacksGroup(_ context: AgentContext) async throws -> Bool {
        guard context.configuration.machine.kind == .vagrant else { return false }
        let groups = try await context.runner.run(Command("id", ["--name", "--groups", Self.machineUser]))
        return groups.succeeded && !groups.trimmedOutput.split(separator: " ").contains("docker")
    }

    private func engine(_ context: AgentContext) -> DockerEngine {
        DockerEngine(runner: context.runner, files: context.files)
    }

    private func proxy(_ context: AgentContext) -> EngineProxy {
        EngineProxy(runner: context.runner, files: context.files, proxy: context.configuration.packages[.proxy])
    }
}
