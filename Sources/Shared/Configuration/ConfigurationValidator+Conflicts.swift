/// What must fit together: counts, uniqueness, ranges with room, choices that exclude each other.
extension ConfigurationValidator {
    static func conflicts(in configuration: Configuration) -> [ConfigurationProblem] {
        nodeProblems(configuration) + duplicates(configuration) + networkProblems(configuration)
            + choiceProblems(configuration)
    }

    private static func nodeProblems(_ configuration: Configuration) -> [ConfigurationProblem] {
        let nodes = configuration.nodes
        let limits = ConfigurationKeys.nodeCounts
        if nodes.isEmpty {
            return [
                ConfigurationProblem(
                    .configurationInvalid, "nodes",
                    "nodes asks for zero nodes, but a cluster has at least \(limits.lowerBound); three give one primary and two standbys"
                )
            ]
        }
        if nodes.count > limits.upperBound {
            return [
                ConfigurationProblem(
                    .configurationInvalid, "nodes",
                    "nodes asks for more than \(limits.upperBound) nodes, which is the most that pgaf runs")
            ]
        }
        if nodes.allSatisfy({ $0.candidatePriority == 0 }) {
            return [
                ConfigurationProblem(
                    .configurationConflict, "nodes[0].candidate_priority",
                    "every node has candidate_priority 0, so that none could become primary; give at least one 1 to 100"
                )
            ]
        }
        return []
    }

    /// A value together with the key that it belongs to.
    private typealias Claim = (path: String, value: String)

    private static func duplicates(_ configuration: Configuration) -> [ConfigurationProblem] {
        let nodes = configuration.nodes.enumerated().map { ("nodes[\($0)]", $1) }
        let monitor = configuration.monitor
        let names: [Claim] = [("monitor.name", monitor.name)] + nodes.map { ("\($0).name", $1.name) }
        let hosts: [Claim] =
            [("monitor.hostname", monitor.effectiveHostname.lowercased())]
            + nodes.map { ("\($0).hostname", $1.effectiveHostname.lowercased()) }
        let volumes: [Claim] =
            [("monitor.volume", monitor.effectiveVolume)] + nodes.map { ("\($0).volume", $1.effectiveVolume) }
        let ports: [Claim] =
            [("monitor.port", String(monitor.port)), ("pooler.port", String(configuration.pooler.port))]
            + nodes.map { ("\($0).port", String($1.port)) }
        let sameNames = repeated(names, "name")
        // Equal names make host names and volumes equal too; that is told once.
        let derived =
            sameNames.isEmpty
            ? repeated(hosts, "host name") + repeated(volumes, "volume") + borrowed(hosts, names) : []
        return sameNames + derived + repeated(ports, "port")
    }

    /// Host names that are another container's name: Docker's DNS answers to both, so they would be ambiguous.
    private static func borrowed(_ hosts: [Claim], _ names: [Claim]) -> [ConfigurationProblem] {
        hosts.enumerated().compactMap { index, host in
            names.enumerated().first { $0 != index && $1.value.lowercased() == host.value }.map { _, owner in
                ConfigurationProblem(
                    .configurationConflict, host.path, others: [owner.path],
                    "\(host.path) is \(host.value.shown), but that is \(owner.path); choose another host name")
            }
        }
    }

    private static func repeated(_ claims: [Claim], _ what: String) -> [ConfigurationProblem] {
        var first: [String: String] = [:]
        var problems: [ConfigurationProblem] = []
        for claim in claims {
            if let other = first[claim.value] {
                problems.append(
                    ConfigurationProblem(
                        .configurationConflict, claim.path, others: [other],
                        "\(claim.path) and \(other) are both \(claim.value.shown), but every \(what) must be its own"))
            } else {
                first[claim.value] = claim.path
            }
        }
        return problems
    }

    private static func networkProblems(_ configuration: Configuration) -> [ConfigurationProblem] {
        guard let text = configuration.network.subnet, let subnet = IPv4Network(text) else { return [] }
        var problems: [ConfigurationProblem] = []
        // Gateway, monitor and pooler beside the nodes.
        let needed = configuration.nodes.count + 3
        if subnet.usableAddressCount < needed {
            problems.append(
                ConfigurationProblem(
                    .configurationConflict, "network.subnet", others: ["nodes"],
                    "network.subnet \(subnet) has room for \(subnet.usableAddressCount) addresses, but"
                        + " \(configuration.nodes.count) nodes, monitor, pooler and gateway need \(needed); take a /24")
            )
        }
        if configuration.machine.kind == .vagrant, let address = IPv4Address(configuration.machine.vagrant.ip),
            subnet.contains(address)
        {
            problems.append(
                ConfigurationProblem(
                    .configurationConflict, "network.subnet", others: ["machine.vagrant.ip"],
                    "network.subnet \(subnet) contains machine.vagrant.ip \(address), but the containers' range must be another one"
                ))
        }
        return problems
    }

    private static func choiceProblems(_ configuration: Configuration) -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        if configuration.machine.kind == .ssh, configuration.machine.ssh.host == nil {
            problems.append(
                ConfigurationProblem(
                    .configurationConflict, "machine.kind",
                    "machine.kind is \"ssh\", but machine.ssh.host is not set; write there which machine to use"))
        }
        if configuration.packages.source == .debian, let version = configuration.postgres.version, version != 17 {
            problems.append(
                ConfigurationProblem(
                    .configurationConflict, "postgres.version", others: ["packages.source"],
                    "postgres.version is \(version), but packages.source debian has PostgreSQL 17 only; write 17, or pgdg as source"
                ))
        }
        let failover = configuration.failover
        if let demote = failover.demoteTimeout, let partition = failover.partitionTimeout, demote < partition * 1000 {
            problems.append(
                ConfigurationProblem(
                    .configurationConflict, "failover.demote_timeout", others: ["failover.partition_timeout"],
                    "failover.demote_timeout is \(DurationText.render(demote)), but must be at least"
                        + " failover.partition_timeout (\(DurationText.render(partition * 1000))), or two primaries could write"
                ))
        }
        return problems
    }
}
