import Foundation
import HostOrchestrator
import Shared
import Testing

extension Tag {
    /// Needs vagrant, libvirt and QEMU, and takes minutes.
    @Tag static var virtualMachine: Self
}

/// A real machine from nothing to nothing.
@Suite(.serialized, .tags(.virtualMachine)) struct VagrantLifeTests {
    private let shared = SharedVirtualMachine.instance

    private func output(_ machine: VagrantMachine, _ arguments: [String]) async throws -> String {
        let connection = try await machine.connect()
        let collector = Collector()
        let status = try await connection.execute(arguments, input: nil) { await collector.add($0) }
        await connection.close()
        #expect(status == .exited(0))
        return await collector.text.trimmed
    }

    @Test func comesUpAndTakesCommands() async throws {
        let machine = try await shared.running()
        #expect(try await output(machine, ["uname", "-s"]) == "Linux")
        #expect(try await output(machine, ["sudo", "-n", "id", "-u"]) == "0")
        #expect(try await output(machine, ["docker", "version", "--format", "{{.Server.Os}}"]) == "linux")
        let sudoless = try await output(machine, ["id", "-nG"])
        #expect(sudoless.split(separator: " ").contains("docker"))
    }

    @Test func aSecondBringUpChangesNothing() async throws {
        _ = try await shared.running()
        // Another value, as in another process: nothing is remembered.
        #expect(try await shared.machine.bringUp(reporting: PrintingSink()) == false)
    }

    @Test func portsAnswerWhereTheEndpointSays() async throws {
        _ = try await shared.running()
        let machine = shared.machine
        let server = """
            use IO::Socket::INET; my $s = IO::Socket::INET->new(Listen => 5, LocalPort => 5001, ReuseAddr => 1);
            while (my $c = $s->accept) { print $c "hello\\n"; close $c }
            """
        _ = try await output(
            machine, ["sudo", "-n", "systemd-run", "--unit=answer", "--expand-environment=no", "perl", "-e", server])
        let endpoint = try await machine.endpoint(forGuestPort: 5001)
        let client = Command("bash", ["-c", "cat < /dev/tcp/$0/$1", endpoint.address, String(endpoint.port)])
        let answer = try await Wait(for: "the guest's server", upTo: .seconds(60), hint: "").until {
            let text = try await SubprocessRunner().run(client).trimmedOutput
            return text.isEmpty ? .notYet("no answer") : .found(text)
        }
        #expect(answer == "hello")
        #expect(endpoint.address == "127.0.0.1")
        let ports = try await [5430, 6432].asyncMap { try await machine.endpoint(forGuestPort: $0).port }
        #expect(Set(ports).count == 2)
    }

    @Test func itsEndLeavesNothing() async throws {
        let machine = try await shared.running()
        #expect(try await machine.destructionSummary().count == 3)
        try await machine.destroy(reporting: PrintingSink())
        #expect(try await shared.machine.destructionSummary().isEmpty)
        await #expect { try await shared.machine.connect() } throws: {
            ($0 as? PgafError)?.code == .machineNotMade
        }
        try FileManager.default.removeItem(atPath: shared.project.path)
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
