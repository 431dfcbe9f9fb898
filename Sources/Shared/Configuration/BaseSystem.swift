/// The Debian system on which the nodes' image is built when no registry is used.
///
/// The agent makes it on the machine; a box may carry it, made with the same command on the host, since making it takes
/// minutes in an emulated machine.
public enum BaseSystem {
    /// The first release with pg_auto_failover 2.2 and PostgreSQL 17.
    public static let suite = "trixie"
    public static let packages = ["ca-certificates"]
    /// The reference that the base image gets.
    public static let image = "pgaf/base:\(suite)"
    /// Where a box carries it.
    public static let prepared = "/var/cache/pgaf/base-\(suite).tar"

    /// Debian's own keys: apt needs them, so that each Debian system has them there, also one that is being made.
    public static let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

    /// A line of `sources.list`. Only Debian may sign what comes from there: the machine's apt believes every key that
    /// somebody has put among its trusted ones.
    public static func source(_ archive: String, _ suite: String) -> String {
        "deb [signed-by=\(keyring)] \(archive) \(suite) main"
    }

    /// Lines of `sources.list`.
    ///
    /// - Parameters:
    ///   - archive: base address of a Debian archive.
    ///   - security: base address of the archive of Debian's security updates; nil for none.
    public static func sources(_ archive: String, security: String? = nil) -> [String] {
        [source(archive, suite)] + (security.map { [source($0, "\(suite)-security")] } ?? [])
    }

    /// Arguments of mmdebstrap.
    ///
    /// - Parameters:
    ///   - target: path of the tar file to make.
    ///   - sources: lines of `sources.list`, or paths of files with such lines.
    public static func bootstrapArguments(target: String, sources: [String]) -> [String] {
        ["--mode=auto", "--variant=minbase", "--include=\(packages.joined(separator: ","))", suite, target] + sources
    }
}
