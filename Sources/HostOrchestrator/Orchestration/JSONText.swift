import Shared

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Results as `--json` prints them: indented, keys sorted, one object.
enum JSONText {
    static func of(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// `{"error": {…}}`.
    static func of(_ error: PgafError) -> String {
        struct Envelope: Encodable { var error: PgafError }
        return (try? of(Envelope(error: error))) ?? "{\"error\": {\"code\": \"\(error.code.rawValue)\"}}"
    }
}
