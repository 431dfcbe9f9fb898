import Shared
import Testing

@testable import GuestAgent

@Suite struct ContainerDifferenceTests {
    private let topology = TestMachine.topology()

    private var node: ContainerSpecification {
        topology.nodeContainer(topology.configuration.nodes[1], imageHash: "0123456789abcdef")
    }

    /// The labels of a container that was made so.
    private func labels(_ specification: ContainerSpecification) -> [String: String] {
        var labels: [String: String] = [:]
        let words = specification.runCommand.arguments
        for (flag, value) in zip(words, words.dropFirst()) where flag == "--label" {
            let parts = value.split(separator: "=", maxSplits: 1).map(String.init)
            labels[parts[0]] = parts[1]
        }
        return labels
    }

    private func lines(_ change: (inout ContainerSpecification) -> Void) -> [String] {
        var wanted = node
        change(&wanted)
        return ContainerDifference.lines(labels(node), wanted)
    }

    @Test func anOptionWithItsOldAndItsNewValue() {
        #expect(lines { _ in }.isEmpty)
        #expect(
            lines { $0.publishPort = 6002 }
                == ["pgnode2, docker run: --publish 127.0.0.1:5002:5432 → 127.0.0.1:6002:5432"])
        #expect(lines { $0.imageHash = "fedcba9876543210" } == ["pgnode2, image: 0123456789ab → fedcba987654"])
        #expect(
            lines { $0.image = "pgaf/pg_auto_failover:two" }
                == ["pgnode2, image: pgaf/pg_auto_failover:latest → pgaf/pg_auto_failover:two"])
    }

    @Test func optionsThatComeAndGo() {
        #expect(lines { $0.mounts["/x"] = "/y" } == ["pgnode2, docker run: + --volume /y:/x:ro"])
        #expect(
            lines {
                $0.mounts = [:]
                $0.environment = ["A": "b"]
            } == [
                "pgnode2, docker run: - --volume /var/lib/pgaf/clusters/pgaf/nodes/pgnode2/etc:/etc/pgaf:ro",
                "pgnode2, docker run: - --volume /var/lib/pgaf/clusters/pgaf/nodes/pgnode2/secrets:/etc/pgaf-secrets:ro",
                "pgnode2, docker run: + --env A=b",
            ])
    }

    @Test func theCommandsOwnOptions() {
        var configuration = topology.configuration
        configuration.nodes[1].candidatePriority = 10
        // Alone it would be no difference: the container is the same.
        let same = TestMachine.topology(configuration).nodeContainer(configuration.nodes[1], imageHash: node.imageHash)
        #expect(same.hash == node.hash && same.runCommand.arguments.contains("10"))
        configuration.nodes[1].hostname = "two"
        let wanted = TestMachine.topology(configuration).nodeContainer(
            configuration.nodes[1], imageHash: node.imageHash)
        #expect(
            ContainerDifference.lines(labels(node), wanted) == [
                "pgnode2, docker run: --hostname pgnode2 → two", "pgnode2, pg_autoctl: --hostname pgnode2 → two",
                "pgnode2, pg_autoctl: --candidate-priority 50 → 10",
            ])
        #expect(lines { $0.command.removeAll { $0 == "--skip-pg-hba" } } == ["pgnode2, pg_autoctl: - --skip-pg-hba"])
    }

    @Test(arguments: ContainerSpecificationTests.alterations.indices)
    func everythingThatChangesTheHashIsTold(_ index: Int) {
        #expect(!lines(ContainerSpecificationTests.alterations[index]).isEmpty)
    }

    @Test func aContainerThatDoesNotSayHowItWasMade() {
        var wanted = node
        wanted.publishPort = 6002
        for text in [nil, "", "[]", "{}", "[[\"--publish\"]]", "\"x\""] {
            #expect(ContainerDifference.lines(text.map { [Label.arguments: $0] } ?? [:], wanted).isEmpty)
        }
    }
}
