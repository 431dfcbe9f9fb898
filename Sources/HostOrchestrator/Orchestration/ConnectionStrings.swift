import Shared

/// The connection strings of a cluster, on the addresses and ports that answer from the host.
struct ConnectionStrings: Sendable, Equatable {
    struct Target: Sendable, Equatable {
        var name: String
        var endpoint: Endpoint
    }

    var nodes: [Target]
    var monitor: Target
    var user: String
    var database: String
    var monitorUser: String
    /// File with the certificate that vouches for the servers; nil before the first `up` is over.
    var authority: String?

    /// The database in which pg_auto_failover keeps its state.
    static let monitorDatabase = "pg_auto_failover"

    /// Without the certificate a client takes any server for the cluster's, and may tell it a password.
    ///
    /// - Throws: `certificate.failed` where nothing vouches for the servers.
    func requireAuthority(_ project: ProjectDirectory) throws {
        guard authority == nil else { return }
        throw PgafError(
            .certificateFailed,
            "\(project.certificateAuthority), by which clients know the cluster's servers, is not there.",
            remedy: "Run `pgaf-host up`, which puts it there.")
    }

    /// Asks the machine where each published port answers.
    static func resolve(_ configuration: Configuration, on machine: any Machine, _ project: ProjectDirectory)
        async throws -> ConnectionStrings
    {
        func endpoint(_ port: Int) async throws -> Endpoint {
            var endpoint = try await machine.endpoint(forGuestPort: port)
            // Ports published on one address of this machine answer there only, not on its loopback.
            if configuration.machine.kind == .local, let address = configuration.access.publishAddress,
                address != "0.0.0.0", address != "::"
            {
                endpoint.address = address
            }
            return endpoint
        }
        var nodes: [Target] = []
        for node in configuration.nodes {
            nodes.append(Target(name: node.name, endpoint: try await endpoint(node.port)))
        }
        let monitor = Target(
            name: configuration.monitor.name, endpoint: try await endpoint(configuration.monitor.port))
        return ConnectionStrings(
            nodes: nodes, monitor: monitor, user: configuration.access.clientUser,
            database: configuration.postgres.database, monitorUser: configuration.monitor.user,
            authority: MachineFiles().exists(project.certificateAuthority) ? project.certificateAuthority : nil)
    }

    /// All nodes; libpq finds the primary among them, also after a failover.
    func cluster(password: Secret? = nil) -> String {
        uri(
            user, password, nodes.map(\.endpoint), database,
            security + [("target_session_attrs", "read-write")])
    }

    /// One node, whatever its role.
    func node(_ target: Target, password: Secret? = nil) -> String {
        uri(user, password, [target.endpoint], database, security)
    }

    func monitor(password: Secret? = nil) -> String {
        uri(monitorUser, password, [monitor.endpoint], Self.monitorDatabase, security)
    }

    /// The servers have to prove who they are, once there is something to prove it by.
    private var security: [(String, String)] {
        authority.map { [("sslmode", "verify-full"), ("sslrootcert", $0)] } ?? [("sslmode", "require")]
    }

    /// The same as the agent's result tells them, with the host's addresses.
    var information: ConnectionInfo {
        func endpoint(_ target: Target) -> ConnectionInfo.Endpoint {
            ConnectionInfo.Endpoint(name: target.name, address: target.endpoint.address, port: target.endpoint.port)
        }
        return ConnectionInfo(
            user: user, database: database, nodes: nodes.map(endpoint), monitor: endpoint(monitor),
            monitorUser: monitorUser)
    }

    /// The password that belongs to `user`: clients log in as `postgres` with the superuser's, as another with their own.
    static func clientPassword(_ secrets: ClusterSecrets, user: String) -> Secret {
        user == "postgres" ? secrets.superuser : secrets.client
    }

    private func uri(
        _ user: String, _ password: Secret?, _ endpoints: [Endpoint], _ database: String,
        _ parameters: [(String, String)]
    ) -> String {
        let secret = password.map { ":" + Self.percentEncoded($0.revealed) } ?? ""
        let hosts = endpoints.map { "\(Self.host($0.address)):\($0.port)" }.joined(separator: ",")
        // A path stays readable: "/" may stand in a query as it is.
        let query = parameters.map { name, value in
            let parts = value.split(separator: "/", omittingEmptySubsequences: false)
            return "\(name)=" + parts.map { Self.percentEncoded(String($0)) }.joined(separator: "/")
        }.joined(separator: "&")
        return "postgresql://\(Self.percentEncoded(user))\(secret)@\(hosts)/\(Self.percentEncoded(database))?\(query)"
    }

    /// An IPv6 address needs brackets; anything that is no plain host name or address is encoded.
    private static func host(_ address: String) -> String {
        address.contains(":") ? "[\(address)]" : percentEncoded(address)
    }

    /// Percent-encodes all but RFC 3986's unreserved characters, which no part of a URI can misread.
    static func percentEncoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return result
    }
}
