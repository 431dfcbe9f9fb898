#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Names of runs: start time and randomness, `20261122T213149123Z-4f0a9c21`; they sort by time and are safe in every
/// path.
public enum RunIdentifier {
    public static func new(at date: Date = Date(), random: UInt32 = .random(in: .min ... .max)) -> String {
        let time = Timestamp.text(date).filter { $0.isNumber || $0 == "T" || $0 == "Z" }
        let hexadecimal = String(random, radix: 16)
        return "\(time)-\(String(repeating: "0", count: 8 - hexadecimal.count))\(hexadecimal)"
    }

    /// Whether a name is one that `new` gives.
    public static func isOne(_ name: String) -> Bool {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2 && parts[0].count == 19 && parts[0].hasSuffix("Z") && parts[1].count == 8
            && name.utf8.allSatisfy { ($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 102) || [45, 84, 90].contains($0) }
    }
}
