/// Paths as people write them.
public enum LocalPath {
    /// The path made absolute: `~/` is the home directory, anything relative belongs to `directory`.
    public static func absolute(_ path: String, in directory: String, home: String?) -> String {
        if path.hasPrefix("/") { return path }
        if path.hasPrefix("~/"), let home { return "\(home)/\(path.dropFirst(2))" }
        return "\(directory)/\(path)"
    }
}
