import Shared
import TestSupport
import Testing

@testable import GuestAgent

/// A port that the Docker engine holds for a container of this cluster that does not run.
@Suite struct LeakedPortTests {
    private let machine = TestMachine()
    private let port = ListeningPort()
    private let step: PreflightStep
    private let topology: ClusterTopology

    init() throws {
        step = PreflightStep(store: machine.store)
        var configuration = Configuration()
        configuration.nodes = []
        configuration.monitor.port = port.number
        topology = TestMachine.topology(configuration)
        try machine.place("/usr/bin/apt-get")
        machine.runner.on("docker", status: 1).on("df", prints: "Avail\n20000\n")
            .on("docker", "version", prints: "20.10.24\n").on("docker", "ps", "--all", prints: "")
            .on("docker", "ps", "--format", prints: "")
    }

    private func proxy(for address: IPv4Address) throws {
        try machine.place("/proc/4711/comm", "docker-proxy\n")
        let words = [
            "/usr/sbin/docker-proxy", "-proto", "tcp", "-host-ip", "127.0.0.1", "-host-port", "\(port.number)",
            "-container-ip", address.description, "-container-port", "5432", "",
        ]
        try machine.place("/proc/4711/cmdline", words.joined(separator: "\0"))
    }

    @Test func theEngineIsToBeStartedAnew() async throws {
        try proxy(for: topology.monitorAddress)
        let changes = try await step.inspect(machine.context(topology))
        #expect(changes.map(\.subject) == ["engine", "memory"])
        #expect(changes[0].description.contains("port \(port.number) for a container monitor_node that does not run"))
        try machine.place("/run/systemd/system/x")
        machine.runner.on("systemctl", prints: "")
        try await step.apply(changes, machine.context(topology))
        #expect(machine.runner.lines.contains(["systemctl", "restart", "docker"]))
    }

    @Test func notWhereContainersOfOthersRun() async throws {
        try proxy(for: topology.monitorAddress)
        machine.runner.on("docker", "ps", "--format", prints: "theirs\n")
        let error = await #expect(throws: PgafError.self) { try await step.inspect(machine.context(topology)) }
        #expect(error?.code == .portInUse && error?.remedy.contains("theirs") == true)
    }

    @Test func oneOfSomebodyElseIsNoneOfOurs() async throws {
        try proxy(for: topology.subnet.address(99))
        let error = await #expect(throws: PgafError.self) { try await step.inspect(machine.context(topology)) }
        #expect(error?.code == .portInUse && error?.remedy.contains("ss -ltnp") == true)
    }
}
