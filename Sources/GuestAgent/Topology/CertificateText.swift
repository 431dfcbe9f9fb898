import FoundationEssentials
import Shared

/// A file with a key and a certificate in it (PEM), as far as pgaf reads it.
struct CertificateText: Sendable, Equatable {
    /// The first certificate, PEM, without any key.
    var certificate: String
    /// The same, DER in Base64.
    var encoded: String
    /// Its last second.
    var end: Date

    private static let head = "-----BEGIN CERTIFICATE-----"
    private static let tail = "-----END CERTIFICATE-----"

    /// - Returns: nil when there is no certificate in it.
    init?(_ text: String) {
        guard let start = text.firstRange(of: Self.head),
            let stop = text[start.upperBound...].firstRange(of: Self.tail),
            case let encoded = String(text[start.upperBound..<stop.lowerBound].filter { !$0.isWhitespace }),
            let body = Data(base64Encoded: encoded), let end = Self.end(of: [UInt8](body))
        else { return nil }
        certificate = String(text[start.lowerBound..<stop.upperBound]) + "\n"
        self.encoded = encoded
        self.end = end
    }

    /// `notAfter` of a certificate in DER: the second time within the validity, which follows the issuer.
    ///
    /// Source: RFC 5280, section 4.1.
    private static func end(of bytes: [UInt8]) -> Date? {
        var outer = DERReader(bytes[...])
        guard var certificate = outer.enter(0x30), var body = certificate.enter(0x30) else { return nil }
        if body.isAt(0xA0) { body.skip() }
        for _ in 0..<3 { body.skip() }
        guard var validity = body.enter(0x30) else { return nil }
        validity.skip()
        guard let (tag, content) = validity.next(), let text = String(validating: content, as: UTF8.self),
            text.hasSuffix("Z")
        else { return nil }
        // UTCTime has two digits of the year and means 1950 to 2049, GeneralizedTime has four.
        let century = tag == 0x18 ? "" : text.prefix(2) < "50" ? "20" : "19"
        return date(century + text.dropLast())
    }

    /// Reads YYYYMMDDHHMMSS.
    private static func date(_ digits: String) -> Date? {
        guard digits.utf8.count == 14, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        func part(_ start: Int, _ count: Int) -> Substring { digits.dropFirst(start).prefix(count) }
        return Timestamp.date(
            "\(part(0, 4))-\(part(4, 2))-\(part(6, 2))T\(part(8, 2)):\(part(10, 2)):\(part(12, 2)).000Z")
    }
}

/// Walks over values in DER: a tag, a length, the content.
private struct DERReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    func isAt(_ tag: UInt8) -> Bool { rest.first == tag }

    mutating func next() -> (tag: UInt8, content: ArraySlice<UInt8>)? {
        guard let tag = rest.popFirst(), let first = rest.popFirst() else { return nil }
        var length = Int(first)
        if first & 0x80 != 0 {
            guard (0x81...0x84).contains(first) else { return nil }
            length = 0
            for _ in 0..<(first & 0x7F) {
                guard let byte = rest.popFirst() else { return nil }
                length = length << 8 | Int(byte)
            }
        }
        guard length <= rest.count else { return nil }
        defer { rest = rest.dropFirst(length) }
        return (tag, rest.prefix(length))
    }

    mutating func skip() { _ = next() }

    mutating func enter(_ tag: UInt8) -> DERReader? {
        guard let (found, content) = next(), found == tag else { return nil }
        return DERReader(content)
    }
}
