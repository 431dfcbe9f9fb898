import Foundation
import Shared
import TestSupport
import Testing

/// The machine with its cluster, and those who use it from this machine and in it.
extension WholePathTests {
    func theMachineAndItsCluster() async throws {
        say("looking at the machine and its cluster")
        let state = try await project.state()
        #expect(state.healthy, "\(state.notes)")
        #expect(state.nodes.count { $0.reportedState == "primary" } == 1)

        let groups = try await project.host(["ssh", "--", "id", "-nG"]).standardOutput
        #expect(groups.split(whereSeparator: \.isWhitespace).contains("docker"))
        let names = try await project.host(["ssh", "--", "docker", "ps", "--format", "{{.Names}}"]).standardOutput
        #expect(names.split(separator: "\n").map(String.init).sorted() == ["monitor_node"] + Self.nodes)
    }

    func clientsOfThisMachine() async throws {
        say("writing and reading through the forwarded ports")
        let ports = try await ports()
        #expect(ports.prefix(2) == configured.prefix(2))
        #expect(ports[2] != taken.number, "a port that is in use cannot be forwarded")
        let password = try #require(try project.passwords()["superuser"])
        let write = try await project.sql(
            "CREATE TABLE notes (v text); INSERT INTO notes VALUES ('\(value)')", ports: ports, password: password,
            attributes: "read-write")
        #expect(write.succeeded, "\(write.standardError)")
        try await expectRows(1, through: ports)
        let psql = try await project.host(["psql", "--", "-XAtc", "SELECT v FROM notes"])
        #expect(psql.trimmedOutput == value)
        let refused = try await project.sql("SELECT 1", ports: [ports[0]], password: "wrong")
        #expect(refused.standardError.contains("password authentication failed"))
        try await whereTheyComeFrom(ports[0])
    }

    /// What README says under "Change something", for who sets `access.client_cidr`.
    private func whereTheyComeFrom(_ port: Int) async throws {
        let password = try #require(try project.passwords()["superuser"])
        let seen = try await project.sql("SELECT host(inet_client_addr())", ports: [port], password: password)
        // `vnet0  52:54:00:00:00:01  ipv4  192.168.121.153/24`
        let own = try await virsh(["domifaddr", domain]).split(separator: "\n")
            .compactMap { $0.split(separator: " ").last?.prefix { $0 != "/" } }.map(String.init)
        #expect(own.contains(seen.trimmedOutput), "\(seen.standardOutput)\(seen.standardError), the machine: \(own)")
        #expect(seen.trimmedOutput.hasPrefix("192.168.121."))
    }

    /// The connection string of the scripts' manual, typed in the machine, without the password that it has there.
    func aClientInTheMachine() async throws {
        say("connecting in the machine")
        let words = configured.prefix(2).map { "\"postgresql://postgres@localhost:\($0)/myappdb\"" }
        let line =
            "read -r PGPASSWORD && export PGPASSWORD && for one in \(words.joined(separator: " ")); do"
            + " psql -XAtwc 'SELECT current_user, current_database()' \"$one\" </dev/null || exit; done"
        let password = try #require(try project.passwords()["superuser"])
        let result = try await project.runner.run(
            Command(
                "\(PgafProject.root)/.build/debug/pgaf-host", ["ssh", "--", "sh", "-c", line],
                input: Secret("\(password)\n"), workingDirectory: project.directory, deadline: .seconds(300)))
        #expect(result.succeeded, "\(result.standardError)")
        #expect(result.standardOutput == "postgres|myappdb\npostgres|myappdb\n")
    }

    /// Whoever listens there in the machine serves clients of this one. Here that is systemd's relay to a node; a real
    /// pooler is tried on real Docker, with the same port published.
    func whoeverListensOnThePoolersPort() async throws {
        say("connecting through the pooler's port")
        let unit = "pgaf-vm-tests-pooler"
        try await project.host(
            ["ssh", "--", "sudo", "systemd-run", "--quiet", "--collect", "--unit", unit, "systemd-socket-activate"]
                + ["--listen=0.0.0.0:\(Self.poolerPort)", "/usr/lib/systemd/systemd-socket-proxyd"]
                + ["127.0.0.1:\(configured[0])"])
        let password = try #require(try project.passwords()["superuser"])
        try await Wait(for: "an answer through the pooler's port", upTo: .seconds(120), every: .seconds(1), hint: "")
            .until {
                let read = try await project.sql(
                    "SELECT v FROM notes", ports: [Self.poolerPort], password: password)
                return read.trimmedOutput == value
                    ? .found(()) : .notYet(read.standardOutput + read.standardError)
            }
        try await project.host(["ssh", "--", "sudo", "systemctl", "stop", unit])
    }

    /// What `uri` prints.
    struct Connections: Decodable {
        struct Node: Decodable {
            var name: String
            var uri: String
            /// 0 when it names none.
            var port: Int { URLComponents(string: uri)?.port ?? 0 }
        }

        var nodes: [Node]
        var monitor: Node
    }

    /// The ports on this machine, as pgaf shows them; forwards that have ended are begun again by the question.
    func connections() async throws -> Connections {
        let listed = try await project.host(["uri", "--json"]).standardOutput
        let connections = try JSONDecoder().decode(Connections.self, from: Data(listed.utf8))
        #expect(connections.nodes.map(\.name) == Self.nodes)
        return connections
    }

    func ports() async throws -> [Int] { try await connections().nodes.map(\.port) }

    /// That of the clients' chapter and the two of the manual's, whatever has happened since.
    func theFirstRows() async throws { try await expectRows(3, through: try await ports()) }

    /// Waits until so many rows of the table `notes` are read on every node, on all of them at once.
    func expectRows(_ count: Int, through ports: [Int]) async throws {
        let password = try #require(try project.passwords()["superuser"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for port in ports {
                group.addTask {
                    try await Wait(
                        for: "\(count) rows through port \(port)", upTo: .seconds(120), every: .seconds(1), hint: ""
                    ).until {
                        let read = try await project.sql(
                            "SELECT count(*) FROM notes WHERE v = '\(value)'", ports: [port], password: password)
                        return read.trimmedOutput == "\(count)"
                            ? .found(()) : .notYet(read.standardOutput + read.standardError)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
