import FoundationEssentials
import Shared
import Testing

@Suite struct ConfigurationLoaderTests {
    @Test(arguments: [
        "", "\n", "# nothing\n", "---\n", "\u{FEFF}", "\u{FEFF}# x", "machine:\n", "{}", "~", "machine: {vagrant: }",
    ])
    func nothingWrittenMeansDefaults(_ yaml: String) throws {
        #expect(try load(yaml).configuration == Configuration())
    }

    @Test func noSourceAtAllMeansDefaults() throws {
        let loaded = try ConfigurationLoader.load(file: nil)
        #expect(loaded == LoadedConfiguration(configuration: Configuration(), origins: [:], warnings: []))
    }

    @Test func flagsBeatVariablesBeatFileBeatDefaults() throws {
        let yaml = "monitor: {port: 5431}\npooler: {port: 6431}\nimage: {tag: file}\ncluster: file"
        let loaded = try load(
            yaml, environment: ["PGAF_POOLER_PORT": "6433", "PGAF_IMAGE_TAG": "1.10"],
            overrides: [
                ConfigurationOverride(setting: "image.tag=a"),
                ConfigurationOverride(key: "nodes", value: "2", flag: "--nodes"),
            ])
        let configuration = loaded.configuration
        #expect(configuration.monitor.port == 5431)
        #expect(configuration.pooler.port == 6433)
        #expect(configuration.image.tag == "a")
        #expect(configuration.nodes == NodeSettings.defaults(count: 2))
        #expect(configuration.cluster == "file")
        #expect(loaded.origin(of: "monitor.port")?.description == "pgaf.yaml:1:17")
        #expect(loaded.origin(of: "pooler.port")?.description == "PGAF_POOLER_PORT")
        #expect(loaded.origin(of: "image.tag")?.description == "--set image.tag")
        #expect(loaded.origin(of: "nodes[1].port")?.description == "--nodes")
        #expect(loaded.origin(of: "access.client_user") == nil)
    }

    @Test func readsEveryShapeOfValue() throws {
        let yaml = """
            nodes:
              - name: db1
                candidate_priority: 100
              - {port: 6002, replication_quorum: false, host: auto}
              -
            machine: {ssh: {identity_files: [~/.ssh/a, "b c"]}, vagrant: {box: auto}}
            postgres: {settings: {work_mem: 64MB, max_connections: 200}, version: 17, packages: postgresql-%v-cron}
            failover: {profile: fast, health_check_period: 500ms, unhealthy_after: 1500, demote_timeout: 1min,
                       partition_timeout: 5s, startup_grace: auto}
            passwords: {superuser: "env:PW", client: file:/run/p w, monitor: generate}
            image: {tag: 1.10}
            """
        let configuration = try load(yaml).configuration
        #expect(configuration.nodes.map(\.name) == ["db1", "pgnode2", "pgnode3"])
        #expect(configuration.nodes.map(\.port) == [5001, 6002, 5003])
        #expect(configuration.nodes.map(\.candidatePriority) == [100, 50, 50])
        #expect(configuration.nodes.map(\.replicationQuorum) == [true, false, true])
        #expect(configuration.machine.ssh.identityFiles == ["~/.ssh/a", "b c"])
        #expect(configuration.postgres.settings == ["work_mem": "64MB", "max_connections": "200"])
        #expect(configuration.postgres.packages == ["postgresql-%v-cron"])
        #expect(configuration.failover.healthCheckPeriod == 500)
        #expect(configuration.failover.unhealthyAfter == 1500)
        #expect(configuration.failover.demoteTimeout == 60_000)
        #expect(configuration.failover.partitionTimeout == 5)
        #expect(configuration.failover.startupGrace == nil)
        #expect(configuration.passwords.superuser == .environment("PW"))
        #expect(configuration.passwords.client == .file("/run/p w"))
        #expect(configuration.image.tag == "1.10")
    }

    @Test func variablesAndFlagsTakeListsAsYAMLAndScalarsAsTheyAre() throws {
        let configuration = try load(
            "postgres: {settings: {work_mem: 1MB, a.b: c}}",
            environment: [
                "PGAF_MACHINE_SSH_IDENTITY_FILES": "[a, b]", "PGAF_ACCESS_CLIENT_CIDR": "fd00::/8",
                "PGAF_POSTGRES_SETTINGS": "{work_mem: 2MB}", "PGAF_NODES": "[{name: x}]",
            ],
            overrides: [
                ConfigurationOverride(setting: "postgres.settings.work_mem=4MB"),
                ConfigurationOverride(setting: "passwords.client=file:/a: b #c"),
                ConfigurationOverride(setting: "image.tag='7'"),
            ]
        ).configuration
        #expect(configuration.machine.ssh.identityFiles == ["a", "b"])
        #expect(configuration.access.clientCIDR == "fd00::/8")
        #expect(configuration.postgres.settings == ["work_mem": "4MB", "a.b": "c"])
        #expect(configuration.nodes.map(\.name) == ["x"])
        #expect(configuration.passwords.client == .file("/a: b #c"))
        #expect(configuration.image.tag == "7")
    }

    @Test func allProblemsComeAtOnceEachWithItsOrigin() throws {
        let error = try #require(
            failure {
                try load(
                    "machin: 1\nmonitor: {port: x}\n", environment: ["PGAF_POOLER_PORT": "1", "PGAF_NODES": ""],
                    overrides: [
                        ConfigurationOverride(setting: "image.tga=x"),
                        ConfigurationOverride(key: "machine.kind", value: "ship", flag: "--machine"),
                        ConfigurationOverride(setting: "machine=local"),
                        ConfigurationOverride(setting: "machine.ssh.identity_files=[a"),
                    ])
            })
        #expect(error.code == .configurationUnknownKey)
        let lines = error.message.split(separator: "\n")
        #expect(lines.count == 8)
        #expect(lines[0] == "pgaf.yaml:1:1: unknown key \"machin\"; did you mean machine?")
        #expect(lines[1].hasPrefix("pgaf.yaml:2:17: monitor.port is \"x\", but must be a whole number"))
        #expect(lines[2].hasPrefix("PGAF_NODES: nodes is empty"))
        #expect(lines[3] == "--set image.tga: unknown key \"image.tga\"; did you mean image.tag?")
        #expect(lines[4].hasPrefix("--machine: machine.kind is \"ship\", but must be vagrant, ssh or local"))
        #expect(
            lines[5] == "--set machine: unknown key \"machine\"; set its keys one by one, for instance machine.kind")
        #expect(
            lines[6].hasPrefix(
                "--set machine.ssh.identity_files: the value of machine.ssh.identity_files: this is not YAML"))
        #expect(lines[7].hasPrefix("PGAF_POOLER_PORT: pooler.port is 1, but must be"))
        #expect(error.remedy.contains("8 places"))
    }

    @Test func aLiteralPasswordIsNeverShown() throws {
        let secret = "hunter2!"
        for yaml in [
            "passwords: {client: \(secret)}", "passwords: {client: '\(secret)'}", "passwords: {client: [\(secret)]}",
            "passwords: \(secret)", "passwords: [\(secret)]", "passwords: {client: \"env:\(secret)\"}",
            "passwords:\n  client: |\n    \(secret)", "passwords: {client: &a \(secret)}",
            "passwords: {client: \"\(secret)",
        ] {
            let error = try #require(failure { try load(yaml) }, "accepted: \(yaml)")
            #expect(!error.description.contains("hunter2"), "\(error)")
        }
        let said = try #require(failure { try load("passwords: {client: \(secret)}") })
        #expect(said.message.contains("env:NAME") && said.message.contains("file:PATH"))
        let variable = try #require(failure { try load("", environment: ["PGAF_PASSWORDS_CLIENT": secret]) })
        #expect(variable.message.hasPrefix("PGAF_PASSWORDS_CLIENT: "))
        #expect(!variable.description.contains("hunter2"))
        let flag = try #require(
            failure { try load("", overrides: [ConfigurationOverride(setting: "passwords.client=\(secret)")]) })
        #expect(!flag.description.contains("hunter2"))
        let noEquals = try #require(failure { try ConfigurationOverride(setting: "passwords.client:\(secret)") })
        #expect(noEquals.code == .usage && !noEquals.description.contains("hunter2"))
    }

    @Test func warnsOfOpenDoorsAndStrayVariables() throws {
        #expect(try load("").warnings.isEmpty)
        let warnings = try load(
            "access: {client_auth: trust, internal_auth: trust}\nnodes: 1\npasswords: {client: 'env:PGAF_MINE'}",
            environment: ["PGAF_MACHINE_KINDS": "x", "PGAF_MINE": "secret", "HOME": "/"]
        ).warnings
        #expect(warnings.count == 4)
        #expect(warnings[0] == "The variable \"PGAF_MACHINE_KINDS\" belongs to no key; did you mean PGAF_MACHINE_KIND?")
        #expect(warnings[1].contains("client_auth is trust") && warnings[2].contains("internal_auth is trust"))
        #expect(warnings[3].contains("one node"))
        let quorum = try load("nodes: [{replication_quorum: false}, {candidate_priority: 0}]").warnings
        #expect(quorum.count == 2)
    }

    @Test func filesThatCannotBeReadSaySo() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("pgaf-\(UUID())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let missing = try #require(failure { try ConfigurationLoader.load(file: "\(directory)/none.yaml") })
        #expect(missing.code == .configurationNotReadable && missing.remedy.contains("existing file"))
        let folder = try #require(failure { try ConfigurationLoader.load(file: directory) })
        #expect(folder.code == .configurationNotReadable)
        // A sparse file of 100 MB: refused from its size.
        let huge = "\(directory)/huge.yaml"
        #expect(FileManager.default.createFile(atPath: huge, contents: Data()))
        #expect(SparseFile.extend(huge, to: 100_000_000))
        let large = try #require(failure { try ConfigurationLoader.load(file: huge) })
        #expect(large.code == .configurationNotReadable && large.message.contains("100000000 bytes"))
        let good = "\(directory)/good.yaml"
        try Data("cluster: x\n".utf8).write(to: URL(fileURLWithPath: good))
        #expect(try ConfigurationLoader.load(file: good).configuration.cluster == "x")
        let endless = try #require(failure { try ConfigurationLoader.load(file: "/dev/zero") })
        #expect(endless.code == .configurationNotReadable)
    }
}
