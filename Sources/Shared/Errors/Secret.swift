/// A value that must never be shown: it prints as `••••` everywhere, and is deliberately not `Encodable`.
///
/// The only way to the text is `revealed`, so that a search for that word finds every place where a secret leaves.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public let revealed: String

    public init(_ text: String) { revealed = text }

    public var description: String { "••••" }
    public var debugDescription: String { "••••" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }

    /// A new random secret of 32 characters from a 62-letter alphabet: 190 bits, from the system's generator.
    public static func generate() -> Secret {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        var generator = SystemRandomNumberGenerator()
        return Secret(String((0..<32).map { _ in alphabet.randomElement(using: &generator) ?? "x" }))
    }
}
