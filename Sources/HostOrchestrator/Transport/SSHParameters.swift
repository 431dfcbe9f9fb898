import Shared

/// Where a machine's sshd is and how pgaf proves who it is: all that `SSHConnection.open` needs, as a value.
///
/// No file of the user's own SSH configuration is read besides the ones named here.
public struct SSHParameters: Sendable, Equatable {
    /// Name or address.
    public var host: String
    public var port: Int
    public var user: String
    /// Absolute paths of private key files, tried in this order; all `IdentityFile` lines of `vagrant ssh-config`.
    public var identityFiles: [String]
    /// Whether the keys of a running ssh-agent are tried after the files.
    public var usesAgent: Bool
    /// Absolute path of the machine's own known_hosts file; made on the first contact, directory included.
    public var knownHostsFile: String
    /// A copy of that file from which it would be restored.
    public var knownHostsCopy: String?
    /// `SHA256:…` as `ssh-keygen -l` prints it; when given, any other host key is refused.
    public var expectedHostKey: String?
    /// Upper bound for each of: reaching the port, agreeing on keys, logging in.
    public var connectTimeout: Duration
    /// A question is sent to the server after so much silence of the server, so that a dead link is noticed.
    public var keepaliveInterval: Duration
    /// The link counts as lost when nothing at all came back within this time after such a question.
    public var keepaliveTimeout: Duration

    public init(
        host: String, port: Int = 22, user: String, identityFiles: [String], usesAgent: Bool = false,
        knownHostsFile: String, expectedHostKey: String? = nil, connectTimeout: Duration = .seconds(15),
        keepaliveInterval: Duration = .seconds(10), keepaliveTimeout: Duration = .seconds(20)
    ) {
        self.host = host
        self.port = port
        self.user = user
        self.identityFiles = identityFiles
        self.usesAgent = usesAgent
        self.knownHostsFile = knownHostsFile
        self.expectedHostKey = expectedHostKey
        self.connectTimeout = connectTimeout
        self.keepaliveInterval = keepaliveInterval
        self.keepaliveTimeout = keepaliveTimeout
    }

    /// `user@host:port`, for messages.
    public var display: String { "\(user)@\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}
