import Shared
import Synchronization

@testable import GuestAgent

/// Answers as Docker, PostgreSQL and pg_auto_failover would, from a small memory of what was made.
final class FakeCluster: Sendable {
    struct Memory: Sendable {
        var engine = true
        var images: [String: [String: String]] = [:]
        var networks: [String: [String: String]] = ["bridge": [:]]
        var volumes: [String: [String: String]] = [:]
        var containers: [String: ContainerStatus] = [:]
        /// Nodes in the order of their registration.
        var registered: [String] = []
        /// Those of them whose pg_autoctl has its monitor out of use.
        var halfRegistered: Set<String> = []
        /// Verifiers by `CONTAINER-KIND/ROLE`; replication carries those of the nodes to all of them.
        var verifiers: [String: String] = [:]
        var databases: Set<String> = []
        var partitionTimeouts: [String: Int] = [:]
        /// Candidate priorities other than 50.
        var priorities: [String: Int] = [:]
        /// Whether the monitor has pgaf's triggers.
        var hasGuard = false
        /// What was set, instead of what the monitor chooses by itself.
        var syncStandbys: Int?
        /// How often settings were reloaded, on any node.
        var reloads = 0
        /// The node that takes writes, where that is not the first that registered.
        var writable: String?
        /// Settings that wait for a restart, by node: name, value in force, value in the file.
        var heldBack: [String: [[String]]] = [:]
        /// Nodes whose PostgreSQL was restarted, in order.
        var restarts: [String] = []
        /// Nodes whose pg_autoctl has an empty configuration file until their containers start again.
        var lostConfigurations: Set<String> = []
        /// pg_autoctl restarts a server and reports an error, as it does where it looks before there is a new process.
        var restartsAreDenied = false
        /// What PostgreSQL says of settings that it cannot take.
        var wrongSettings = ""
        /// Standbys to which the primary sends nothing.
        var unconnected: Set<String> = []
        /// State of the node that takes writes, where there are others.
        var primaryState = "primary"
        /// Nodes in maintenance.
        var maintained: Set<String> = []
        /// Writes of the client through all nodes that fail from now on.
        var refusedWrites = 0
        /// How many more connections the nodes refuse, as a server that still starts does.
        var refusals = 0
        /// Nodes that take no connections, whatever their containers do; the monitor has their rows as they were.
        var silent: Set<String> = []
        /// What a look into a node's volume prints (`NodeRemains`); nothing can be seen of others.
        var remains: [String: String] = [:]
        /// Seconds since each node was assigned its state.
        var sinceAssigned = 1
    }

    private let memory = Mutex(Memory())
    let monitor: String
    let subnet: String

    init(_ topology: ClusterTopology = TestMachine.topology()) {
        monitor = topology.configuration.monitor.name
        subnet = topology.subnet.description
    }

    func change<Value: Sendable>(_ body: @Sendable (inout Memory) -> Value) -> Value {
        memory.withLock { body(&$0) }
    }

    /// A cluster on a machine, as after an `up`.
    static func filled(_ topology: ClusterTopology, on machine: TestMachine) -> FakeCluster {
        let cluster = FakeCluster(topology)
        cluster.install(on: machine)
        cluster.fill(topology)
        return cluster
    }

    /// Has every container run and every node registered, as after an `up`.
    func fill(_ topology: ClusterTopology) {
        change {
            for name in topology.containerNames {
                let role = name == topology.configuration.monitor.name ? "monitor" : "node"
                $0.containers[name] = ContainerStatus(
                    name: name, status: "running", running: true,
                    labels: [Label.cluster: topology.configuration.cluster, Label.role: role])
            }
            $0.registered = topology.configuration.nodes.map(\.name)
        }
    }

    /// Puts the cluster's programs on a machine.
    func install(on machine: TestMachine) {
        let files = machine.files
        machine.runner.on("docker") { command in
            if let script = command.arguments.firstIndex(of: CertificateRequest.script) {
                try Self.sign(Array(command.arguments[(script + 5)...]), TestMachine.topology(), files)
            }
            return self.change { self.docker(command, &$0) }
        }
        machine.runner.on("psql", prints: "1\n")
        machine.runner.on("apt-get")
        machine.runner.on(
            "apt-get", "indextargets", prints: "Debian|main|trixie|http://example.org|http://example.org/debian/\n")
        machine.runner.on("unshare").on("id", status: 1).on("df", prints: "Avail\n40000\n")
        machine.runner.on("uname", prints: "6.12.1-amd64 x86_64\n")
        machine.runner.on("env", "--unset", "PGAF_RUN", "service", "docker", "start") { _ in
            self.change {
                $0.engine = true
                return CommandResult()
            }
        }
    }

    /// What openssl would do in its container.
    private static func sign(_ names: [String], _ topology: ClusterTopology, _ files: MachineFiles) throws {
        for name in ["authority"] + names {
            let path = "\(topology.certificateDirectory)/\(name).pem"
            if name == "authority", files.exists(path) { continue }
            try files.write("PRIVATE KEY of \(name)\n" + SampleCertificate.long, to: path)
        }
    }

    /// What `docker` would do, for a test that looks on.
    func run(_ command: Command) -> CommandResult { change { self.docker(command, &$0) } }

    static func ok(_ text: String = "") -> CommandResult { CommandResult(standardOutput: text + "\n") }
    static let no = CommandResult(status: 1, standardError: "Error: no such object")
}
