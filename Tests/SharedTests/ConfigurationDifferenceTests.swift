import Shared
import Testing

@Suite struct ConfigurationDifferenceTests {
    private func lines(_ change: (inout Configuration) -> Void) -> [String] {
        var new = Configuration()
        change(&new)
        return ConfigurationDifference.lines(from: Configuration(), to: new)
    }

    @Test func equalConfigurationsDifferInNothing() {
        #expect(lines { _ in }.isEmpty)
    }

    @Test func keysHaveTheirNamesOfTheFile() {
        #expect(
            lines {
                $0.access.clientCIDR = "10.0.0.0/8"
                $0.machine.vagrant.memory = 8192
                $0.network.subnet = "172.30.9.0/24"
                $0.passwords.superuser = .environment("PW")
            } == [
                "machine.vagrant.memory: 6144 → 8192", "network.subnet: auto → 172.30.9.0/24",
                "access.client_cidr: 0.0.0.0/0 → 10.0.0.0/8", "passwords.superuser: generate → env:PW",
            ])
        #expect(
            lines { $0.postgres.settings = ["work_mem": "8MB"] } == ["postgres.settings: {} → {work_mem: 8MB}"])
    }

    @Test func nodesGoByTheirNames() {
        #expect(
            lines {
                $0.nodes[1].port = 6002
                $0.nodes[1].candidatePriority = 10
                $0.nodes[2] = NodeSettings(name: "other", port: 5003)
            } == [
                "nodes: - pgnode3", "nodes.pgnode2.port: 5002 → 6002", "nodes.pgnode2.candidate_priority: 50 → 10",
                "nodes: + other",
            ])
        #expect(
            lines { $0.nodes.swapAt(0, 1) } == ["nodes, order: pgnode1, pgnode2, pgnode3 → pgnode2, pgnode1, pgnode3"])
    }
}
