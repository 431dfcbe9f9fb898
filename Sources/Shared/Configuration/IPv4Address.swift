/// An IPv4 address; ordered as a number, shown as dotted text.
public struct IPv4Address: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The 32 bits, most significant part first (`10.0.0.1` is `0x0A000001`).
    public let bits: UInt32

    public init(bits: UInt32) { self.bits = bits }

    /// 127.0.0.1: this machine, for itself alone.
    public static let loopback = IPv4Address(bits: 0x7F00_0001)
    /// 0.0.0.0: every address of this machine.
    public static let any = IPv4Address(bits: 0)

    /// Reads four decimal numbers from 0 to 255; leading zeros are refused, because some programs read them as octal.
    public init?(_ text: some StringProtocol) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard let number = smallNumber(part, upTo: 255) else { return nil }
            bits = bits << 8 | UInt32(number)
        }
        self.bits = bits
    }

    public var description: String {
        [24, 16, 8, 0].map { String(bits >> UInt32($0) & 255) }.joined(separator: ".")
    }

    public static func < (left: IPv4Address, right: IPv4Address) -> Bool { left.bits < right.bits }
}

/// A decimal number of up to three ASCII digits without leading zeros, at most `limit`.
func smallNumber(_ digits: some Collection<UInt8>, upTo limit: Int) -> Int? {
    guard (1...3).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
    guard digits.count == 1 || digits.first != 48 else { return nil }
    let value = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
    return value <= limit ? value : nil
}
