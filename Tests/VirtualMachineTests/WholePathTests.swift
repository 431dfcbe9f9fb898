import Foundation
import Shared
import TestSupport
import Testing

extension Tag {
    /// Needs vagrant, libvirt and QEMU, and takes many minutes where the machine is emulated.
    @Tag static var virtualMachine: Self
}

/// The whole path on real things: `pgaf-host up` makes a virtual machine with `vagrant up` and a cluster in it, clients
/// of this machine use it, it comes back after a reboot, and everything goes.
///
/// One test, since the machine is made once and each chapter needs the one before.
@Suite(.serialized, .tags(.virtualMachine)) struct WholePathTests {
    private static let machine = "pgaf-vm-tests"
    private let project: PgafProject
    /// Somebody else's: the third node's port has to move out of its way.
    private let taken = ListeningPort()
    private let configured: [Int]

    init() throws {
        // Ports of its own, so that forwarding does not depend on what else runs here.
        configured = [18001, 18002, taken.number]
        project = try PgafProject(
            directory: "\(NSTemporaryDirectory())/\(Self.machine)",
            yaml: """
                machine:
                  vagrant: {provider: libvirt, name: \(Self.machine), memory: 3072, cpus: 2}
                packages: {source: debian}
                monitor: {port: 18430}
                pooler: {port: 18432}
                nodes:
                  - {name: pgnode1, port: \(configured[0])}
                  - {name: pgnode2, port: \(configured[1])}
                  - {name: pgnode3, port: \(configured[2])}

                """)
    }

    @Test func aMachineAClusterAClientARebootAndTheEnd() async throws {
        // What a killed run left behind.
        _ = try await project.host(["destroy", "--yes"], expecting: nil)
        do {
            try await theMachineAndItsCluster()
            try await clientsOfThisMachine()
            try await aSecondUp()
            try await aReboot()
        } catch {
            _ = try await project.host(["destroy", "--yes"], expecting: nil)
            throw error
        }
        try await theEnd()
    }

    private func theMachineAndItsCluster() async throws {
        let result = try await project.host(["up"], onLine: { print($0) })
        try #require(result.status == 0)
        let state = try await project.state()
        #expect(state.healthy, "\(state.notes)")
        #expect(state.nodes.count { $0.reportedState == "primary" } == 1)

        let groups = try await project.host(["ssh", "--", "id", "-nG"]).standardOutput
        #expect(groups.split(whereSeparator: \.isWhitespace).contains("docker"))
        let names = try await project.host(["ssh", "--", "docker", "ps", "--format", "{{.Names}}"]).standardOutput
        #expect(names.split(separator: "\n").sorted() == ["monitor_node", "pgnode1", "pgnode2", "pgnode3"])
    }

    /// Another row for each chapter, read on every node.
    private let value = RunIdentifier.new()

    private func clientsOfThisMachine() async throws {
        let ports = try await ports()
        #expect(ports.prefix(2) == configured.prefix(2))
        #expect(ports[2] != taken.number, "a port that is in use cannot be forwarded")
        try await writeAndRead("CREATE TABLE notes (v text); INSERT INTO notes VALUES ('\(value)')", count: 1)
        let psql = try await project.host(["psql", "--", "-XAtc", "SELECT v FROM notes"])
        #expect(psql.trimmedOutput == value)
        let refused = try await project.sql("SELECT 1", ports: [ports[0]], password: "wrong")
        #expect(refused.standardError.contains("password authentication failed"))
    }

    private func aSecondUp() async throws {
        // What `up` itself says of it; the machine's own steps included.
        #expect(PgafProject.changedSteps(try await project.up()).isEmpty)
    }

    private func aReboot() async throws {
        let reload = try await project.command("vagrant", ["reload", "--no-color"], directory: project.directory)
        #expect(reload.succeeded, "\(reload.lastLines())")
        _ = try await project.waitUntilHealthy("a reboot of the machine", upTo: .seconds(900))
        try await writeAndRead("INSERT INTO notes VALUES ('\(value)')", count: 2)
    }

    /// The ports on this machine, as pgaf shows them.
    private func ports() async throws -> [Int] {
        struct Connections: Decodable {
            struct Node: Decodable {
                var name: String
                var uri: String
            }
            var nodes: [Node]
        }
        let listed = try await project.host(["uri", "--json"]).standardOutput
        let nodes = try JSONDecoder().decode(Connections.self, from: Data(listed.utf8)).nodes
        #expect(nodes.map(\.name) == ["pgnode1", "pgnode2", "pgnode3"])
        return nodes.compactMap { URLComponents(string: $0.uri)?.port }
    }

    /// Runs SQL on whichever node is primary, then counts the rows on every node, all through the forwarded ports.
    private func writeAndRead(_ statement: String, count: Int) async throws {
        let ports = try await ports()
        let password = try #require(try project.passwords()["superuser"])
        let write = try await project.sql(statement, ports: ports, password: password, attributes: "read-write")
        #expect(write.succeeded, "\(write.standardError)")
        for port in ports {
            _ = try await Wait(for: "the row through port \(port)", upTo: .seconds(120), every: .seconds(1), hint: "")
                .until {
                    let read = try await project.sql(
                        "SELECT count(*) FROM notes WHERE v = '\(value)'", ports: [port], password: password)
                    return read.trimmedOutput == "\(count)"
                        ? .found(()) : .notYet(read.standardOutput + read.standardError)
                }
        }
    }

    private func theEnd() async throws {
        try await project.host(["destroy", "--yes"])
        let status = try await project.host(["status"], expecting: 69)
        #expect(status.standardError.contains("machine.not-made"))
        let domains = try await project.command("virsh", ["--connect", "qemu:///system", "list", "--all", "--name"])
        #expect(domains.succeeded && !domains.standardOutput.contains(Self.machine))
        #expect(!FileManager.default.fileExists(atPath: "\(project.directory)/Vagrantfile"))
        try FileManager.default.removeItem(atPath: project.directory)
    }
}
