#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// RFC 3339 times in UTC with milliseconds, as the wire carries them.
public enum Timestamp {
    public static func now() -> String { text(Date()) }

    /// The time after so long from now.
    public static func after(_ duration: Duration) -> String { text(Date(timeIntervalSinceNow: duration.inSeconds)) }

    public static func text(_ date: Date) -> String {
        date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    public static func date(_ text: String) -> Date? {
        try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(text)
    }
}
