import Shared

/// Everything that can be wrong with the machine, looked at before anything is changed; and the cluster's memory.
struct PreflightStep: Step {
    let id = "preflight"
    let title = "the machine's fitness"
    let dependencies: [String] = []
    let store: ClusterStore
    /// Whether the cluster that there is will be gone: the ports that it has and the room that it takes are free then.
    var isReplacing = false

    /// The least free disk for Docker, the images and four small databases, in MiB.
    static let neededDisk = 3 * 1024

    func inspect(_ context: AgentContext) async throws -> [Change] {
        let facts = context.topology.facts
        guard context.files.exists("/usr/bin/apt-get") else {
            throw PgafError(
                .machineUnsupported, "The machine runs \(facts.prettyName), which has no apt-get.",
                remedy: "Use a Debian or Ubuntu machine; `machine.vagrant.box` names one for Vagrant.")
        }
        if !isReplacing {
            try await FormerNames.refuseMonitor(context)
            try await checkDisk(context)
        }
        let leaked = try await checkPorts(context)
        let memory = try store.differences(context.topology, context.secrets)
        return leaked.map { name, port in
            Change(
                .change, Self.engine,
                "start the Docker engine anew: it holds port \(port) for a container \(name) that does not run")
        } + memory.map { Change(.change, "memory", $0) }
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        try store.save(context.topology, context.secrets)
        if changes.contains(where: { $0.subject == Self.engine }) {
            try await DockerEngine(runner: context.runner, files: context.files).restart(context.events)
        }
    }

    private static let engine = "engine"

    private func checkDisk(_ context: AgentContext) async throws {
        let space = try await DockerDisk(runner: context.runner, files: context.files).space()
        let hasImage = try await context.docker.imageIdentifier(context.configuration.image.reference) != nil
        // Once the image is there, a running cluster needs little more than it has.
        let needed = hasImage ? 512 : Self.neededDisk
        guard let space, space.freeMiB < needed else { return }
        throw PgafError(
            .diskFull, "Only \(space.freeMiB) MiB are free in \(space.directory) for Docker; \(needed) MiB are needed.",
            remedy: "Make room on that file system, then run `up` again.")
    }

    /// - Returns: containers with their ports that the engine holds although they do not run.
    private func checkPorts(_ context: AgentContext) async throws -> [(String, Int)] {
        let topology = context.topology
        let address = IPv4Address(topology.publishAddress) ?? IPv4Address("0.0.0.0")
        let wanted =
            [(context.configuration.monitor.name, context.configuration.monitor.port)]
            + context.configuration.nodes.map { ($0.name, $0.port) }
        var leaked: [(String, Int)] = []
        each: for (name, port) in wanted {
            if let address, PortProbe.isFree(address, port) { continue }
            // A running container of this cluster holds its own port, but another one only if somebody else does.
            if let own = try await running(name, context), publishes(own, port) ?? true { continue }
            for other in try await others(than: name, wanted.map(\.0), context) {
                guard let sibling = try await running(other, context), publishes(sibling, port) == true else {
                    continue
                }
                if isReplacing { continue each }
                throw Self.refusal(port, name, other, isFormer: !wanted.contains { $0.0 == other })
            }
            if LeakedPort.isHeld(port, for: topology.address(name), context.files) {
                try await refuseGuests(port, name, context)
                leaked.append((name, port))
                continue
            }
            throw PgafError(
                .portInUse, "Port \(port) of \(name) is in use on the machine (address \(topology.publishAddress)).",
                remedy:
                    "End what listens there (`ss -ltnp sport = :\(port)` shows it), or choose another port in pgaf.yaml."
            )
        }
        return leaked
    }

    /// Containers of others would stop for a moment with the engine: that is theirs to say.
    private func refuseGuests(_ port: Int, _ name: String, _ context: AgentContext) async throws {
        let guests = try await context.docker.running(notOf: context.configuration.cluster)
        guard !guests.isEmpty else { return }
        throw PgafError(
            .portInUse,
            "The Docker engine holds port \(port) for a container \(name) that does not run, as after a crash.",
            remedy: "Start the engine anew on the machine (`systemctl restart docker`) when that suits the containers"
                + " \(guests.joined(separator: ", ")), which pgaf did not make; then run `up` again.")
    }

    /// - Parameter isFormer: whether the one who has the port is not in the configuration any more, as after a renaming.
    private static func refusal(_ port: Int, _ name: String, _ other: String, isFormer: Bool) -> PgafError {
        let now = "Port \(port), which \(name) is to have, is that of \(other) of the same cluster"
        guard isFormer else {
            return PgafError(
                .portInUse, "\(now) now.",
                remedy: "To swap ports give one of them a free port first, run `up`, then the one that is wanted.")
        }
        return PgafError(
            .portInUse, "\(now), which the configuration does not have any more.",
            remedy: "Keep the name \(other); or give \(name) a free port first and run `up`, with which \(other)"
                + " leaves, then give it the port that is wanted and run `up` again.")
    }

    /// A container of this cluster that runs.
    private func running(_ name: String, _ context: AgentContext) async throws -> ContainerStatus? {
        guard let found = try await context.docker.container(name), found.running,
            found.labels[Label.cluster] == context.configuration.cluster
        else { return nil }
        return found
    }

    /// Whose port it may be besides: the others that are wanted, and those that there are under other names.
    private func others(
        than name: String, _ wanted: [String], _ context: AgentContext
    ) async throws -> [String] {
        let hasEngine = try await context.docker.engineVersion() != nil
        let there =
            hasEngine ? try await context.docker.labelled("container", cluster: context.configuration.cluster) : []
        return (wanted + there.filter { !wanted.contains($0) }).filter { $0 != name }
    }

    /// Whether a container was made with this port; nil for one that does not say.
    private func publishes(_ container: ContainerStatus, _ port: Int) -> Bool? {
        container.labels[Label.arguments]?.contains(":\(port):\(ContainerLayout.port)\"")
    }
}
