import Shared
import TestSupport
import Testing

@testable import GuestAgent

/// What the agent makes of examples/seed.yaml on the machine that it describes, beside what the scripts made.
@Suite struct SeedExampleTests {
    private let topology: ClusterTopology

    init() async throws {
        let configuration = try ConfigurationLoader.load(file: "\(PgafProject.root)/examples/seed.yaml").configuration
        let machine = TestMachine()
        machine.runner.on("docker", status: 1)
        let facts = MachineFacts(distribution: "ubuntu", codename: "focal")
        let state = try await StateChoice(runner: machine.runner, store: machine.store, facts: facts)
            .state(for: configuration, warnings: Warnings())
        topology = ClusterTopology(
            configuration: configuration, state: state.reached(by: [], publishingEverywhere: true), facts: facts,
            root: ClusterStore.defaultRoot)
    }

    @Test func theMachineGetsDockersAndPGDGsPackages() {
        let source = topology.state.source
        #expect(
            source.dockerPackages(distribution: "ubuntu", codename: "focal").starts(with: [
                "docker-ce", "docker-ce-cli", "containerd.io", "docker-compose-plugin",
            ]))
        #expect(source.psqlPackage(version: topology.state.postgresVersion) == "postgresql-client-16")
        #expect(
            topology.repositories.map { "\($0.uri) \($0.suite)" } == [
                "https://download.docker.com/linux/ubuntu focal",
                "https://apt-archive.postgresql.org/pub/repos/apt focal-pgdg-archive",
            ])
    }

    /// In this order, since the server's package makes a cluster of its own before it is told not to.
    @Test func theImageHasEveryLineOfTheScriptsDockerfile() throws {
        let files = topology.imageFiles((topology.imageRepository("focal"), "KEY"))
        var rest = Substring(files.dockerfile)
        for line in [
            "FROM ubuntu:focal\n", "ENV DEBIAN_FRONTEND=noninteractive LANG=", "LC_ALL=", "ca-certificates",
            "COPY pgdg.asc /etc/apt/keyrings/", "COPY pgdg.list /etc/apt/sources.list.d/",
            "create_main_cluster = false",
            " postgresql-16 ", "postgresql-client-16 ", "postgresql-16-auto-failover ", "gosu ",
            "postgresql-16-pglogical ",
            "chown postgres:postgres /var/lib/pgaf\n", "ENV PATH=/usr/lib/postgresql/16/bin:",
            "PG_USER=postgres PG_GROUP=postgres PGDATA=/var/lib/pgaf/data ", "COPY entrypoint.sh ", "RUN chmod 0755 ",
            "ENTRYPOINT [", "CMD [\"pg_autoctl\", \"run\"]\n",
        ] {
            let found = try #require(rest.firstRange(of: line), "\(line) is not there, or not in its place")
            rest = rest[found.upperBound...]
        }
        #expect(topology.configuration.image.reference == "pgaf/pg_auto_failover:latest")
    }

    @Test func theEntrypointOwnsTheVolumeAndLeavesRoot() throws {
        var rest = Substring(topology.imageFiles((topology.imageRepository("focal"), "KEY")).entrypoint)
        for line in [
            "user=\"${PG_USER:-postgres}\"", "group=\"${PG_GROUP:-postgres}\"",
            "chown -R \"$user:$group\" \"/var/lib/pgaf\"", "exec gosu \"$user\" \"$@\"\n",
        ] {
            let found = try #require(rest.firstRange(of: line), "\(line) is not there, or not in its place")
            rest = rest[found.upperBound...]
        }
        #expect(rest.isEmpty)
    }

    @Test func everyNodeHasTheScriptsOpenRules() {
        let subnet = topology.subnet.description
        let rules = topology.nodeFiles["pg_hba.conf"]?.split(separator: "\n").map(String.init) ?? []
        let wanted = [
            "host  all  \"postgres\"  0.0.0.0/0  trust",
            "hostssl  replication,all  pgautofailover_replicator  \(subnet)  trust",
            "hostssl  all  postgres  \(subnet)  scram-sha-256",
        ]
        #expect(rules.filter { wanted.contains($0) } == wanted, "\(rules)")
        let monitor = topology.monitorFiles["pg_hba.conf"]?.split(separator: "\n").map(String.init) ?? []
        #expect(monitor.contains("host  pg_auto_failover  autoctl_node  0.0.0.0/0  trust"))
        #expect(monitor.contains("hostssl  pg_auto_failover  autoctl_node  \(subnet)  trust"))
    }

    @Test(arguments: [("monitor_node", 5430), ("pgnode1", 5001), ("pgnode2", 5002), ("pgnode3", 5003)])
    func eachContainerHasItsNamesPortAndVolume(_ name: String, _ port: Int) throws {
        let nodes = topology.configuration.nodes
        let container =
            nodes.first { $0.name == name }.map { topology.nodeContainer($0, imageHash: "abc") }
            ?? topology.monitorContainer(imageHash: "abc")
        let arguments = container.runCommand.arguments
        func has(_ option: String, _ value: String) -> Bool {
            zip(arguments, arguments.dropFirst()).contains { $0 == (option, value) }
        }
        #expect(has("--name", name) && has("--hostname", name) && has("--network", "pgautofailover_cluster_net"))
        #expect(has("--publish", "0.0.0.0:\(port):5432") && has("--volume", "\(name)_data:/var/lib/pgaf"))
        let image = try #require(arguments.lastIndex(of: "pgaf/pg_auto_failover:latest"))
        let kind = name == "monitor_node" ? "monitor" : "postgres"
        #expect(arguments[(image + 1)...].starts(with: ["pg_autoctl", "create", kind]) && arguments.last == "--run")
        let uri = arguments.last { $0.hasPrefix("postgresql://autoctl_node@monitor_node:5432/pg_auto_failover") }
        #expect((uri != nil) == (kind == "postgres"))
    }
}
