import Shared

/// A machine that carries the cluster: made by Vagrant, reached by SSH, or this one.
///
/// Each kind is one implementation; nothing above this protocol asks which it is.
public protocol Machine: Sendable {
    /// One line for people: `virtual machine "pgAutoFailoverVM-Vagrant" (libvirt, emulated)`.
    var description: String { get }

    /// What `bringUp` would do now; looks only, starts and writes nothing.
    ///
    /// - Throws: what `bringUp` would refuse.
    func outlook() async throws -> MachineOutlook

    /// Makes the machine or starts it if that is needed; one that runs already is started anew only where its settings
    /// want that, after `rest`.
    ///
    /// Reports itself as the step `machine`: `step.output` for each line of a tool, `step.progress` for each phase. The
    /// caller sends `step.started` and `step.finished`.
    /// - Parameter rest: brings the cluster in a running machine to rest; nil means that such a machine is left running.
    /// - Returns: whether anything had to be done.
    func bringUp(reporting progress: any ProgressSink, rest: (@Sendable () async throws -> Void)?) async throws -> Bool

    /// Opens a connection to the running machine.
    ///
    /// - Throws: `machine.not-made`, `machine.unreachable`, `ssh.login-refused`, `ssh.host-key-changed`.
    func connect() async throws -> any Connection

    /// Where a port that the machine publishes answers from here; follows Vagrant's `auto_correct`.
    func endpoint(forGuestPort port: Int) async throws -> Endpoint

    /// Names and addresses by which the machine is reached from here, beside this host's own loopback.
    func hosts() async throws -> [String]

    /// The address from which the servers see clients of this host that come through forwarded ports; nil where there
    /// are none, or it is not known yet.
    func clientAddress() async -> IPv4Address?

    /// What is allowed with this machine but should be known, in sentences.
    func warnings() async -> [String]

    /// The command that runs `remote` on the machine in this program's place (empty: a login shell).
    ///
    /// - Parameter terminal: whether it gets a terminal there; without one its output comes byte for byte.
    func interactiveCommand(_ remote: [String], terminal: Bool) async throws -> Command

    /// Shuts the machine down if pgaf made it, after its cluster was stopped; `bringUp` starts it again.
    ///
    /// - Returns: whether there was a machine to shut down.
    func halt(reporting progress: any ProgressSink) async throws -> Bool

    /// What `destroy` would remove, one line a thing.
    func destructionSummary() async throws -> [String]

    /// Removes the machine if pgaf made it; leaves a machine that it did not make.
    func destroy(reporting progress: any ProgressSink) async throws
}

extension Machine {
    public func hosts() async throws -> [String] { [] }

    public func clientAddress() async -> IPv4Address? { nil }

    public func warnings() async -> [String] { [] }

    public func halt(reporting progress: any ProgressSink) async throws -> Bool { false }
}

/// An address and port that can be reached from the host.
public struct Endpoint: Sendable, Equatable, Encodable {
    public var address: String
    public var port: Int

    public init(address: String, port: Int) {
        self.address = address
        self.port = port
    }
}
