import Foundation
import Shared
import TestSupport
import Testing

/// The files of examples/, each loaded as `pgaf-host up --config` loads it.
@Suite struct ExamplesTests {
    private static let directory = "\(PgafProject.root)/examples"

    /// How the warnings of each begin.
    static let warnings: [String: [String]] = [
        "seed.yaml": ["access.client_auth is trust: ", "access.internal_auth is trust: "],
        "secure-default.yaml": [], "two-nodes.yaml": [], "five-nodes.yaml": [], "local.yaml": [], "ssh.yaml": [],
    ]

    private func example(_ name: String) throws -> LoadedConfiguration {
        try ConfigurationLoader.load(file: "\(Self.directory)/\(name)")
    }

    @Test func noFileIsForgotten() throws {
        let others: Set = ["pooler"]
        #expect(
            try Set(FileManager.default.contentsOfDirectory(atPath: Self.directory)) == others.union(Self.warnings.keys)
        )
    }

    @Test(arguments: warnings.keys.sorted()) func loadsWithTheWarningsThatItShouldHave(_ name: String) throws {
        let found = try example(name).warnings
        let expected = try #require(Self.warnings[name])
        #expect(found.count == expected.count, "\(found)")
        #expect(zip(found, expected).allSatisfy { $0.hasPrefix($1) }, "\(found)")
    }

    @Test(arguments: warnings.keys.sorted()) func beginsWithItsPurposeAndItsCommand(_ name: String) throws {
        let text = try String(contentsOfFile: "\(Self.directory)/\(name)", encoding: .utf8)
        let head = text.split(separator: "\n", omittingEmptySubsequences: false).prefix { $0.hasPrefix("# ") }
        #expect(head.count >= 2 && head.count <= 4)
        #expect(head.last == "#   pgaf-host up --config examples/\(name)")
    }

    @Test func eachIsWhatItsNameSays() throws {
        #expect(try example("secure-default.yaml").configuration == Configuration())
        #expect(try example("two-nodes.yaml").configuration.nodes == NodeSettings.defaults(count: 2))
        let five = try example("five-nodes.yaml").configuration.nodes
        #expect(five.map(\.candidatePriority) == [100, 90, 50, 0, 0])
        #expect(five.map(\.replicationQuorum) == [true, true, true, true, false])
        let local = try example("local.yaml").configuration
        #expect(local.machine.kind == .local && local.packages.source == .debian)
        let ssh = try example("ssh.yaml").configuration.machine
        #expect(ssh.kind == .ssh && ssh.ssh.host == "db.example.org" && ssh.ssh.hostKey == nil)
    }

    @Test func theSeedHasTheScriptsValues() throws {
        let seed = try example("seed.yaml").configuration
        let machine = seed.machine.vagrant
        #expect(seed.machine.kind == .vagrant && machine.provider == .virtualbox)
        #expect(machine.box == "ubuntu/focal64" && machine.name == "pgAutoFailoverVM-Vagrant")
        #expect(machine.memory == 6144 && machine.cpus == 4)
        #expect(machine.ip == "192.168.56.150" && machine.syncedFolder == ".")
        #expect(seed.packages.source == .pgdg && seed.image.base == "ubuntu:focal")
        #expect(seed.network.name == "pgautofailover_cluster_net")
        #expect(seed.monitor.name == "monitor_node" && seed.monitor.port == 5430)
        #expect(seed.monitor.user == "autoctl_node")
        #expect(seed.nodes.map(\.name) == ["pgnode1", "pgnode2", "pgnode3"])
        #expect(seed.nodes.map(\.port) == [5001, 5002, 5003])
        #expect(seed.pooler.port == 6432)
        #expect(seed.postgres.version == 16 && seed.postgres.database == "myappdb")
        #expect(seed.postgres.packages == ["postgresql-%v-pglogical"])
        #expect(seed.access.clientCIDR == "0.0.0.0/0" && seed.access.clientUser == "postgres")
        #expect(seed.access.clientAuth == .trust && seed.access.internalAuth == .trust)
    }

    /// The values are written out, so that they stay the scripts' when a default changes.
    @Test func theSeedLeansOnNoDefaultForThem() throws {
        let seed = try example("seed.yaml")
        let keys =
            [
                "vagrant.provider", "vagrant.box", "vagrant.name", "vagrant.memory", "vagrant.cpus", "vagrant.ip",
                "vagrant.synced_folder",
            ].map { "machine.\($0)" } + [
                "packages.source", "image.base", "network.name", "monitor.name", "monitor.port", "monitor.user",
                "nodes[0].name", "nodes[0].port", "nodes[2].name", "nodes[2].port", "pooler.port", "postgres.version",
                "postgres.database", "postgres.packages", "access.client_cidr", "access.client_user",
                "access.client_auth",
                "access.internal_auth",
            ]
        for key in keys { #expect(seed.origins[key] != nil, "\(key) is not written") }
    }
}
