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
    private let project: PgafProject

    init() throws {
        // Ports of its own, so that forwarding does not depend on what else runs here.
        project = try PgafProject(
            directory: "\(NSTemporaryDirectory())/pgaf-vm-tests",
            yaml: """
                machine:
                  vagrant: {provider: libvirt, name: pgaf-vm-tests, memory: 3072, cpus: 2}
                packages: {source: debian}
                monitor: {port: 18430}
                pooler: {port: 18432}
                nodes:
                  - {name: pgnode1, port: 18001}
                  - {name: pgnode2, port: 18002}
                  - {name: pgnode3, port: 18003}

                """)
    }

    @Test func aMachineAClusterAClientARebootAndTheEnd() async throws {
        // What a killed run left behind.
        _ = try await project.host(["destroy", "--yes"], expecting: nil)
        do {
            try await chapters()
        } catch {
            _ = try await project.host(["destroy", "--yes"], expecting: nil)
            throw error
        }
        try await theEnd()
    }

    private func chapters() async throws {
        let result = try await project.host(["up"], onLine: { print($0) })
        try #require(result.status == 0)
        let state = try await project.state()
        #expect(state.healthy, "\(state.notes)")
        #expect(state.nodes.count { $0.reportedState == "primary" } == 1)

        let groups = try await project.host(["ssh", "--", "id", "-nG"]).standardOutput
        #expect(groups.split(whereSeparator: \.isWhitespace).contains("docker"))

        let value = RunIdentifier.new()
        try await writeAndRead(value, "CREATE TABLE notes (v text); INSERT INTO notes VALUES ('\(value)')")

        // What `up` itself says of a second run; the machine's own steps included.
        #expect(PgafProject.changedSteps(try await project.up()).isEmpty)

        let reload = try await project.command("vagrant", ["reload", "--no-color"], directory: project.directory)
        #expect(reload.succeeded, "\(reload.lastLines())")
        _ = try await project.waitUntilHealthy("a reboot of the machine", upTo: .seconds(900))
        try await writeAndRead(value, "SELECT 1")
    }

    /// Runs SQL on whichever node is primary, then reads the value on every node, all through the forwarded ports.
    private func writeAndRead(_ value: String, _ statement: String) async throws {
        struct Connections: Decodable {
            struct Node: Decodable {
                var name: String
                var uri: String
            }
            var nodes: [Node]
        }
        let listed = try await project.host(["uri", "--json"]).standardOutput
        let ports = try JSONDecoder().decode(Connections.self, from: Data(listed.utf8)).nodes
            .compactMap { URLComponents(string: $0.uri)?.port }
        #expect(ports.count == 3)
        let password = try #require(try project.passwords()["superuser"])
        let write = try await project.sql(statement, ports: ports, password: password, attributes: "read-write")
        #expect(write.succeeded, "\(write.standardError)")
        for port in ports {
            _ = try await Wait(for: "the row through port \(port)", upTo: .seconds(120), every: .seconds(1), hint: "")
                .until {
                    let read = try await project.sql(
                        "SELECT count(*) FROM notes WHERE v = '\(value)'", ports: [port], password: password)
                    return read.trimmedOutput == "1" ? .found(()) : .notYet(read.standardOutput + read.standardError)
                }
        }
    }

    private func theEnd() async throws {
        try await project.host(["destroy", "--yes"])
        let status = try await project.host(["status"], expecting: 69)
        #expect(status.standardError.contains("machine.not-made"))
        #expect(!FileManager.default.fileExists(atPath: "\(project.directory)/Vagrantfile"))
        try FileManager.default.removeItem(atPath: project.directory)
    }
}
