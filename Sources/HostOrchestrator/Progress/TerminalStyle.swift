/// How to draw on this terminal: colours or none, Unicode or plain letters.
struct TerminalStyle: Sendable, Equatable {
    var colour: Bool
    var unicode: Bool

    /// - Parameter environment: `NO_COLOR` (any value but the empty one) turns colours off; `LC_ALL`, `LC_CTYPE`, `LANG`,
    ///   the first one that is set, say whether the terminal takes UTF-8.
    init(environment: [String: String]) {
        colour = environment["NO_COLOR", default: ""].isEmpty
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let folded = locale.lowercased()
        unicode = folded.contains("utf-8") || folded.contains("utf8")
    }

    init(colour: Bool, unicode: Bool) {
        self.colour = colour
        self.unicode = unicode
    }

    enum Paint: String {
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
    }

    func paint(_ text: String, _ paint: Paint) -> String {
        colour && !text.isEmpty ? "\u{1b}[\(paint.rawValue)m\(text)\u{1b}[0m" : text
    }

    var done: String { unicode ? "✔" : "+" }
    var same: String { "=" }
    var failed: String { unicode ? "✖" : "x" }
    var ellipsis: String { unicode ? "…" : "..." }
    var separator: String { unicode ? "·" : "-" }

    /// The spinner's picture at so many seconds.
    func spinner(_ seconds: Double) -> String {
        let pictures = unicode ? ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] : ["|", "/", "-", "\\"]
        return pictures[Int(max(seconds, 0) * 10) % pictures.count]
    }

    /// A bar of so many columns for a fraction between 0 and 1.
    func bar(_ fraction: Double, _ columns: Int) -> String {
        let filled = Int((fraction * Double(columns)).rounded())
        return String(repeating: unicode ? "━" : "#", count: filled)
            + String(repeating: unicode ? "╌" : ".", count: columns - filled)
    }
}
