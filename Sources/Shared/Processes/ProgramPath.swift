/// Where programs are looked for.
public enum ProgramPath {
    private static let system = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]

    /// The same with all places of the system's own at its end: an ordinary user's path has no `mkfs.ext4` and no `dockerd`,
    /// and whoever became root by `su` or by a sudo of his own making brings it along.
    public static func withSystemPrograms(_ path: String?) -> String {
        let given = (path ?? "").split(separator: ":").map(String.init)
        return (given + system.filter { !given.contains($0) }).joined(separator: ":")
    }
}
