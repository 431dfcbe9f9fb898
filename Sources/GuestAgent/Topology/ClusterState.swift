import Shared

/// What was chosen once for a cluster and must not change by itself; kept as `state.json`, mode 0600.
public struct ClusterState: Sendable, Codable, Equatable {
    public var source: SoftwareSource
    public var postgresVersion: Int
    public var subnet: IPv4Network
    /// Host offset in the subnet by container name; a node that leaves keeps its place free for its return.
    public var offsets: [String: Int]
    /// Names and addresses of the machine by which clients have come so far; they stay in the certificates.
    public var clientHosts: [String]?
    /// Whether the machine has been found as fast as today's are; from then on it counts as that, since one that is
    /// throttled for a while would make every container anew.
    public var isFast: Bool?

    /// Whether a host has had the ports published on every address, since its clients come by some of them.
    public var publishesEverywhere: Bool?
    /// The base image as it was when this cluster first pulled it by a tag, `NAME[:TAG]@sha256:DIGEST`; nil for one that
    /// has a digest in the configuration, that was made, that lay on the machine already, or that a bundle brought.
    public var base: String?

    public init(source: SoftwareSource, postgresVersion: Int, subnet: IPv4Network, offsets: [String: Int] = [:]) {
        self.source = source
        self.postgresVersion = postgresVersion
        self.subnet = subnet
        self.offsets = offsets
    }

    /// That of a cluster which is not there yet, or of which nothing is known. Its subnet does not matter: whoever takes it
    /// asks for what has no address in it (images, repositories, names), and none of it is remembered.
    ///
    /// - Parameter version: PostgreSQL's; nil for the one that the source usually has.
    static func nominal(_ source: SoftwareSource, postgresVersion version: Int? = nil) -> ClusterState {
        ClusterState(
            source: source, postgresVersion: version ?? source.defaultPostgresVersion,
            subnet: IPv4Network(containing: IPv4Address(bits: 0), prefixLength: 24))
    }

    /// The same with further names of the machine, and with what a host says of its ports.
    ///
    /// - Parameter everywhere: nil where no host says so.
    func reached(by hosts: [String], publishingEverywhere everywhere: Bool?) -> ClusterState {
        var state = self
        if let everywhere, everywhere || publishesEverywhere != nil { state.publishesEverywhere = everywhere }
        let all = Set(clientHosts ?? []).union(hosts)
        if !all.isEmpty { state.clientHosts = all.sorted() }
        return state
    }

    /// The same with a place for the monitor and each node; existing places stay. Offset 1 is the gateway, the
    /// monitor has 2, nodes start at 11 where the subnet has room (room for poolers between), at 3 otherwise.
    public func placing(_ configuration: Configuration) -> ClusterState {
        var state = self
        let first = subnet.usableAddressCount >= 11 + configuration.nodes.count ? 11 : 3
        if state.offsets[configuration.monitor.name] == nil { state.offsets[configuration.monitor.name] = 2 }
        for node in configuration.nodes where state.offsets[node.name] == nil {
            state.offsets[node.name] = state.freeOffset(from: first, for: configuration)
        }
        return state
    }

    /// The next free place; in a full subnet the lowest one that is kept for a node which is no longer wanted.
    private mutating func freeOffset(from first: Int, for configuration: Configuration) -> Int? {
        let taken = Set(offsets.values)
        let last = max(first, subnet.usableAddressCount)
        if let free = (Array(first...last) + (3..<max(first, 3))).first(where: { !taken.contains($0) }) { return free }
        let wanted = Set(configuration.nodes.map(\.name) + [configuration.monitor.name])
        let left = offsets.filter { !wanted.contains($0.key) && $0.value > 2 }.min { $0.value < $1.value }
        if let left { offsets[left.key] = nil }
        return left?.value
    }
}
