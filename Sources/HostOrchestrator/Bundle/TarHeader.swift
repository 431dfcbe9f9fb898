import Shared

/// The 512 bytes before each file in a tar archive (POSIX ustar), for plain files with short names.
struct TarHeader: Sendable, Equatable {
    static let length = 512
    /// Two blocks of zeros, after the last file.
    static let end = [UInt8](repeating: 0, count: 2 * length)

    /// At most 100 bytes.
    var name: String
    /// Bytes, less than 8 GiB.
    var size: Int

    /// The bytes that fill up the last block of a file of this size.
    var padding: Int { (Self.length - size % Self.length) % Self.length }

    init(name: String, size: Int) {
        self.name = name
        self.size = size
    }

    /// - Returns: nil for what is no header of a plain file: a link, a directory, a long name, damage.
    init?(decoding bytes: [UInt8]) {
        guard bytes.count == Self.length, bytes[257..<262].elementsEqual("ustar".utf8),
            bytes[156] == UInt8(ascii: "0") || bytes[156] == 0, bytes[345] == 0,
            Self.octal(bytes[148..<156]) == Self.sum(bytes), let size = Self.octal(bytes[124..<136])
        else { return nil }
        let name = String(decoding: bytes[..<100].prefix { $0 != 0 }, as: UTF8.self)
        guard !name.isEmpty else { return nil }
        self.init(name: name, size: size)
    }

    func encoded() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.length)
        func put(_ text: String, at place: Int) {
            for (offset, byte) in text.utf8.enumerated() { bytes[place + offset] = byte }
        }
        func number(_ value: Int, _ digits: Int) -> String {
            let text = String(value, radix: 8)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        put(name, at: 0)
        for (place, value) in [(100, 0o644), (108, 0), (116, 0)] { put(number(value, 7), at: place) }
        put(number(size, 11), at: 124)
        put(number(0, 11), at: 136)
        put("0", at: 156)
        put("ustar\000", at: 257)
        put(number(Self.sum(bytes), 6) + "\0 ", at: 148)
        return bytes
    }

    /// The sum of all bytes, those of the sum itself counted as blanks.
    private static func sum(_ bytes: [UInt8]) -> Int {
        bytes.indices.reduce(0) { $0 + ((148..<156).contains($1) ? 32 : Int(bytes[$1])) }
    }

    /// Digits that end with a blank or a zero byte.
    private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
        let digits = field.drop { $0 == 32 }.prefix { $0 != 0 && $0 != 32 }
        return digits.isEmpty ? nil : Int(String(decoding: digits, as: UTF8.self), radix: 8)
    }
}
