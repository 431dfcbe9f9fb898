import Shared

extension IPv4Network {
    /// Where Docker takes the addresses of containers that are not the cluster's: the upper half. Otherwise a pooler that
    /// comes back before the monitor would have its address, the lowest that is free then, and keep it out.
    ///
    /// nil in a subnet whose lower half has no room for gateway, monitor and 16 nodes from the eleventh place on.
    var guestRange: IPv4Network? {
        guard addressCount >= 64 else { return nil }
        return IPv4Network(containing: address(addressCount / 2), prefixLength: prefixLength + 1)
    }
}

/// Finds a /24 for the cluster's network that nothing on the machine uses.
public enum SubnetChoice {
    /// The first free /24 in 172.30.0.0/16, else in 10.213.0.0/16; nil when all are taken.
    ///
    /// - Parameter taken: networks of the machine's routes and of Docker's other networks.
    public static func free(avoiding taken: [IPv4Network]) -> IPv4Network? {
        for prefix in ["172.30", "10.213"] {
            for third in 0..<256 {
                if let candidate = IPv4Network("\(prefix).\(third).0/24"),
                    !taken.contains(where: { $0.overlaps(candidate) })
                {
                    return candidate
                }
            }
        }
        return nil
    }
}
