/// An IPv4 range such as `172.30.7.0/24`: a network address whose host bits are all zero, and a prefix length.
///
/// Coded as its text.
public struct IPv4Network: Sendable, Hashable, CustomStringConvertible {
    /// The lowest address of the range.
    public let base: IPv4Address
    /// 0 to 32.
    public let prefixLength: Int

    /// Reads `ADDRESS/PREFIX`; nil for anything else, host bits that are set included (`172.30.7.9/24`).
    public init?(_ text: String) {
        guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")),
            let address = IPv4Address(text[..<slash]),
            let prefix = smallNumber(text.utf8[text.utf8.index(after: slash)...], upTo: 32)
        else { return nil }
        self.init(containing: address, prefixLength: prefix)
        guard base == address else { return nil }
    }

    /// The range of that size in which the address lies.
    ///
    /// - Parameter prefixLength: 0 to 32; values outside are brought to the nearest.
    public init(containing address: IPv4Address, prefixLength: Int) {
        let prefix = min(max(prefixLength, 0), 32)
        self.prefixLength = prefix
        self.base = IPv4Address(bits: address.bits & Self.mask(prefix))
    }

    /// The address `offset` places after the network address: 0 is the network itself, 1 usually the gateway.
    ///
    /// Offsets outside of the range are brought to its nearest end.
    public func address(_ offset: Int) -> IPv4Address {
        let place = UInt32(min(max(offset, 0), addressCount - 1))
        return IPv4Address(bits: base.bits + place)
    }

    /// How many addresses the range has, network and broadcast address included.
    public var addressCount: Int { 1 << (32 - prefixLength) }

    /// How many addresses machines can have: all but the network and the broadcast address.
    public var usableAddressCount: Int { max(addressCount - 2, 0) }

    public func contains(_ address: IPv4Address) -> Bool { address.bits & Self.mask(prefixLength) == base.bits }

    /// Whether the two ranges share an address.
    public func overlaps(_ other: IPv4Network) -> Bool { contains(other.base) || other.contains(base) }

    public var description: String { "\(base)/\(prefixLength)" }

    private static func mask(_ prefix: Int) -> UInt32 { prefix == 0 ? 0 : ~UInt32(0) << UInt32(32 - prefix) }
}

extension IPv4Network: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let network = IPv4Network(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no IPv4 range")
        }
        self = network
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
