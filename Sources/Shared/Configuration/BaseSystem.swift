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

    /// The line of `sources.list` for an archive.
    public static func sourcesLine(_ archive: String) -> String { "deb \(archive) \(suite) main" }

    /// Arguments of mmdebstrap.
    ///
    /// - Parameters:
    ///   - target: path of the tar file to make.
    ///   - source: a line of `sources.list`, or the path of a file with such lines.
    public static func bootstrapArguments(target: String, source: String) -> [String] {
        ["--mode=auto", "--variant=minbase", "--include=\(packages.joined(separator: ","))", suite, target, source]
    }
}
