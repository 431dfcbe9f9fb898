import Shared
import Testing

@testable import GuestAgent

@Suite struct ContainerSpecificationTests {
    private let topology = TestMachine.topology()

    private func base(_ name: String, _ address: String, _ port: Int) -> [String] {
        [
            "run", "--detach", "--name", name, "--hostname", name, "--init", "--restart", "unless-stopped",
            "--network", "pgautofailover_cluster_net", "--ip", address, "--stop-timeout", "60",
            "--security-opt", "no-new-privileges", "--cap-drop", "ALL", "--cap-add", "CHOWN", "--cap-add",
            "DAC_OVERRIDE", "--cap-add", "FOWNER", "--cap-add", "KILL", "--cap-add", "SETGID", "--cap-add", "SETUID",
            "--read-only", "--tmpfs", "/run/pgaf:rw,nosuid,nodev,noexec,size=16m",
            "--tmpfs", "/run/postgresql:rw,nosuid,nodev,noexec,size=1m",
            "--tmpfs", "/tmp:rw,nosuid,nodev,noexec,size=64m", "--memory", "4608m", "--pids-limit", "4096",
            "--health-cmd", "pg_isready --quiet", "--health-interval", "30s", "--health-timeout", "30s",
            "--health-start-period", "300s", "--health-retries", "3",
            "--shm-size", "256m", "--volume", "\(name)_data:/var/lib/pgaf", "--publish", "127.0.0.1:\(port):5432",
            "--volume", "/var/lib/pgaf/clusters/pgaf/nodes/\(name)/etc:/etc/pgaf:ro",
            "--volume", "/var/lib/pgaf/clusters/pgaf/nodes/\(name)/secrets:/etc/pgaf-secrets:ro",
            "--label", "pgaf.cluster=pgaf",
        ]
    }

    /// Options, image and command as JSON.
    private func label(_ specification: ContainerSpecification) -> String {
        let arguments = specification.runCommand.arguments
        let image = arguments.firstIndex(of: specification.image) ?? 0
        let options = arguments[2..<(image - 6)]
        return [Array(options), [specification.image], specification.command].map { words in
            "[\(words.map { "\"\($0)\"" }.joined(separator: ","))]"
        }.joined(separator: ",").bracketed
    }

    private static let tls = [
        "--ssl-ca-file", "/run/pgaf/ca.crt", "--server-cert", "/run/pgaf/server.pem", "--server-key",
        "/run/pgaf/server.pem", "--ssl-mode", "verify-full",
    ]

    @Test func theWholeLineOfANode() {
        let specification = topology.nodeContainer(topology.configuration.nodes[1], imageHash: "abc")
        #expect(specification.runCommand.executable == "docker")
        #expect(
            specification.runCommand.arguments == base("pgnode2", "172.30.7.12", 5002) + [
                "--label", "pgaf.role=node", "--label", "pgaf.arguments=\(label(specification))",
                "--label", "pgaf.hash=\(specification.hash)", "--label", "pgaf.image=abc",
                "pgaf/pg_auto_failover:latest", "pg_autoctl", "create", "postgres", "--name", "pgnode2",
                "--hostname", "pgnode2", "--skip-pg-hba", "--monitor",
                "postgresql://autoctl_node@monitor_node:5432/pg_auto_failover?sslmode=verify-full&sslrootcert=/run/pgaf/ca.crt",
                "--candidate-priority", "50", "--replication-quorum", "true",
            ] + Self.tls + ["--run"])
    }

    @Test func theWholeLineOfTheMonitor() {
        let specification = topology.monitorContainer(imageHash: "abc")
        #expect(
            specification.runCommand.arguments == base("monitor_node", "172.30.7.2", 5430) + [
                "--label", "pgaf.role=monitor", "--label", "pgaf.arguments=\(label(specification))",
                "--label", "pgaf.hash=\(specification.hash)", "--label", "pgaf.image=abc",
                "pgaf/pg_auto_failover:latest", "pg_autoctl", "create", "monitor", "--hostname", "monitor_node",
                "--skip-pg-hba",
            ] + Self.tls + ["--run"])
        #expect(specification.runCommand.input == nil && specification.runCommand.environment.isEmpty)
    }

    @Test func configuredHostnamesAndVolumesReachTheContainers() {
        var configuration = Configuration()
        configuration.monitor.hostname = "watcher"
        configuration.monitor.volume = "watched"
        configuration.nodes[0].hostname = "one"
        configuration.nodes[0].volume = "first"
        let topology = TestMachine.topology(configuration)
        let monitor = topology.monitorContainer(imageHash: "abc").runCommand.arguments
        let node = topology.nodeContainer(configuration.nodes[0], imageHash: "abc").runCommand.arguments
        for (arguments, hostname, volume) in [(monitor, "watcher", "watched"), (node, "one", "first")] {
            let pairs = Array(zip(arguments, arguments.dropFirst()))
            #expect(pairs.filter { $0 == ("--hostname", hostname) }.count == 2, "docker's and pg_autoctl's")
            #expect(pairs.contains { $0 == ("--volume", "\(volume):/var/lib/pgaf") })
        }
        #expect(node.contains { $0.hasPrefix("postgresql://autoctl_node@watcher:5432/") })
    }

    @Test func aSlowMachineIsGivenMoreTime() {
        let slow = TestMachine.topology(Configuration(), facts: MachineFacts(isSlow: true))
        let arguments = slow.nodeContainer(slow.configuration.nodes[0], imageHash: "abc").runCommand.arguments
        #expect(zip(arguments, arguments.dropFirst()).contains { $0 == ("--env", "PGCONNECT_TIMEOUT=20") })
        #expect(zip(arguments, arguments.dropFirst()).contains { $0 == ("--health-interval", "300s") })
    }

    @Test func theSameInputsHaveTheSameHash() {
        let node = topology.configuration.nodes[0]
        let again = TestMachine.topology().nodeContainer(node, imageHash: "abc")
        #expect(topology.nodeContainer(node, imageHash: "abc").hash == again.hash)
    }

    static let alterations: [@Sendable (inout ContainerSpecification) -> Void] = [
        { $0.name = "other" }, { $0.hostname = "other" }, { $0.network = "other" },
        { $0.address = IPv4Address(bits: 1) }, { $0.volume = "other" }, { $0.mounts["/x"] = "/y" },
        { $0.publishAddress = "0.0.0.0" }, { $0.publishPort = 1 }, { $0.environment["A"] = "b" },
        { $0.image = "other" }, { $0.imageHash = "other" }, { $0.labels["a"] = "b" }, { $0.command.append("x") },
        { $0.command = [] },
    ]

    @Test func whatAContainerTellsOfItselfTakesNoPartInItsHash() {
        // The labels of containers that are there already: another hash would make every one of them anew.
        let specification = topology.nodeContainer(topology.configuration.nodes[1], imageHash: "abc")
        let arguments = specification.runCommand.arguments
        let own = Set(["pgaf.arguments", "pgaf.hash", "pgaf.image"])
        let kept = arguments.indices.filter { index in
            func isOwn(_ text: String) -> Bool { own.contains(String(text.prefix { $0 != "=" })) }
            let next = index + 1 < arguments.count ? arguments[index + 1] : ""
            return !isOwn(arguments[index]) && !(arguments[index] == "--label" && isOwn(next))
        }.map { arguments[$0] }
        let image = kept.firstIndex(of: specification.image) ?? 0
        let options = kept[2..<image]
        let command = kept[(image + 1)...]
        #expect(specification.hash == ContentHash.of(["container", specification.image, "abc"] + options + command))
    }

    @Test(arguments: alterations.indices)
    func everyInputChangesTheHash(_ index: Int) {
        var specification = topology.nodeContainer(topology.configuration.nodes[0], imageHash: "abc")
        let before = specification.hash
        Self.alterations[index](&specification)
        #expect(specification.hash != before)
    }

    @Test func aWordMovedFromOnePlaceToTheNextChangesTheHash() {
        var one = topology.monitorContainer(imageHash: "abc")
        var other = one
        one.command = ["a", "bc"]
        other.command = ["ab", "c"]
        #expect(one.hash != other.hash)
    }

    @Test func environmentComesSortedAndWhole() {
        var specification = topology.monitorContainer(imageHash: "abc")
        specification.environment = ["B": "2", "A": "1 and more"]
        let arguments = specification.runCommand.arguments
        let first = arguments.firstIndex(of: "--env")
        #expect(first.map { Array(arguments[$0..<($0 + 4)]) } == ["--env", "A=1 and more", "--env", "B=2"])
    }

    /// Each container has what its own programs log in with.
    @Test func passwordFileEscapesItsSeparators() {
        let secrets = ClusterSecrets(
            superuser: Secret(#"a:b\c"#), monitor: Secret(":\u{301}"), replication: Secret("r"), client: Secret("c"))
        for (container, expected) in [
            ("pgnode1", #"*:*:*:autoctl_node:\:"# + "\u{301}\n*:*:*:pgautofailover_replicator:r\n"),
            (topology.configuration.monitor.name, #"*:*:*:postgres:a\:b\\c"# + "\n"),
        ] {
            #expect(Array(topology.passwordFile(container, secrets).revealed.utf8) == Array(expected.utf8))
        }
    }

    @Test func portsAreEveryonesOnlyWhenAsked() {
        func published(_ configuration: Configuration, everywhere: Bool) -> ClusterTopology {
            ClusterTopology(
                configuration: configuration, state: topology.state.reached(by: [], publishingEverywhere: everywhere),
                facts: MachineFacts(), root: "/r")
        }
        #expect(published(Configuration(), everywhere: false).publishAddress == "127.0.0.1")
        let open = published(Configuration(), everywhere: true)
        #expect(open.publishAddress == "0.0.0.0" && open.connections.nodes[0].address == "127.0.0.1")
        var own = Configuration()
        own.access.publishAddress = "192.0.2.7"
        let chosen = published(own, everywhere: true)
        #expect(chosen.publishAddress == "192.0.2.7" && chosen.connections.monitor.address == "192.0.2.7")
    }
}

extension String {
    fileprivate var bracketed: String { "[\(self)]" }
}
