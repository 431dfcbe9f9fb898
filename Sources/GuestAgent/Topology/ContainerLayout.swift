/// Paths inside every container; the image, the run arguments and the SQL of the checks agree on them here.
public enum ContainerLayout {
    /// Mount point of the node's volume. PGDATA is a directory below it, and pg_autoctl's own state lies beside it, so
    /// that a container made anew is still the same node.
    public static let volume = "/var/lib/pgaf"
    public static let data = "\(volume)/data"
    public static let stateHome = "\(volume)/share"
    public static let configurationHome = "\(volume)/config"
    /// pg_autoctl's memory of a node; the directory also holds what it notes while it initialises the node.
    public static let keeperState = "\(stateHome)/pg_autoctl\(data)/pg_autoctl.state"
    public static let keeperInitialisation = "\(stateHome)/pg_autoctl\(data)/pg_autoctl.init"
    /// pg_autoctl's own settings of a node.
    public static let keeperConfiguration = "\(configurationHome)/pg_autoctl\(data)/pg_autoctl.cfg"
    /// Where a data directory is moved that a repaired node no longer uses.
    public static let setAside = "\(volume)/data.set-aside"
    /// Read-only mount of the files that pgaf writes for this node.
    public static let configuration = "/etc/pgaf"
    /// Read-only mount of the password file as root has it; the entrypoint copies it for `postgres`.
    public static let secrets = "/etc/pgaf-secrets"
    /// In memory, empty at each start: pid files and the password file that libpq reads.
    public static let runtime = "/run/pgaf"
    public static let passwordFile = "\(runtime)/pgpass"
    /// The server's key and certificate in one file, so that they are never of two kinds; and who vouches for it.
    public static let serverCertificate = "\(runtime)/server.pem"
    public static let authority = "\(runtime)/ca.crt"
    /// Where Debian's PostgreSQL has its sockets; in memory.
    public static let sockets = "/run/postgresql"
    public static let entrypoint = "/usr/local/bin/pgaf-entrypoint"
    public static let port = 5432
}
