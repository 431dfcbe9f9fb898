/// A network that a computer reaches by one of its interfaces.
public struct Route: Sendable, Equatable {
    public var interface: String
    public var network: IPv4Network

    public init(interface: String, network: IPv4Network) {
        self.interface = interface
        self.network = network
    }

    /// Those in the text of `/proc/net/route`: the interface, hexadecimal little-endian destination and mask in columns 1,
    /// 2 and 8. The default route is left out, since it overlaps with everything.
    public static func all(inProcNetRoute text: String) -> [Route] {
        text.split(separator: "\n").dropFirst().compactMap { line in
            let columns = line.split(whereSeparator: \.isWhitespace)
            guard columns.count > 7, let destination = UInt32(columns[1], radix: 16),
                let mask = UInt32(columns[7], radix: 16), mask != 0
            else { return nil }
            let network = IPv4Network(
                containing: IPv4Address(bits: destination.byteSwapped), prefixLength: mask.byteSwapped.nonzeroBitCount)
            return Route(interface: String(columns[0]), network: network)
        }
    }
}
