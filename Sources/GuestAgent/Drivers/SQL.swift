/// The one place that puts values into SQL text.
public enum SQL {
    /// A string literal; right for every string without NUL under `standard_conforming_strings = on`, PostgreSQL's
    /// default, and independent of that setting when there is a backslash (`E''`).
    public static func literal(_ text: String) -> String {
        let doubled = text.replacingScalar("'", with: "''")
        guard doubled.unicodeScalars.contains("\\") else { return "'\(doubled)'" }
        return "E'" + doubled.replacingScalar("\\", with: "\\\\") + "'"
    }

    /// A quoted identifier.
    public static func identifier(_ name: String) -> String {
        "\"" + name.replacingScalar("\"", with: "\"\"") + "\""
    }
}
