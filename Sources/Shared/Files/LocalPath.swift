/// Paths as people write them.
public enum LocalPath {
    /// The path made absolute: `~`, alone or before a `/`, is the home directory; anything relative belongs to
    /// `directory`.
    public static func absolute(_ path: String, in directory: String, home: String?) -> String {
        if path.hasPrefix("/") { return path }
        if let home, path == "~" || path.hasPrefix("~/") { return home + path.dropFirst() }
        return "\(directory)/\(path)"
    }
}
