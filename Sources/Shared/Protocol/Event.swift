#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One line of the agent's standard output: who, when, the how-manieth, and what happened.
///
/// Coded flat as one JSON object a line, at most 64 KiB, keys sorted. Readers ignore unknown types
/// (`Body.unknown`) and keys; another `v` is `protocol.mismatch`.
public struct Event: Sendable, Equatable {
    /// The version of the wire that this program speaks.
    public static let version = 1

    public var run: String
    /// Starts at 1 in each run and has no gaps.
    public var seq: Int
    /// RFC 3339 in UTC with milliseconds.
    public var time: String
    public var body: Body

    public init(run: String, seq: Int, time: String, body: Body) {
        self.run = run
        self.seq = seq
        self.time = time
        self.body = body
    }

    public enum Body: Sendable, Equatable {
        case hello(Hello)
        case plan([PlannedStep])
        case stepStarted(step: String)
        /// `fraction` between 0 and 1 where one is known; `message` in words.
        case stepProgress(step: String, fraction: Double?, message: String?)
        case stepOutput(step: String, line: String)
        case stepFinished(step: String, outcome: StepOutcome, seconds: Double)
        case stepFailed(step: String, error: PgafError, seconds: Double)
        case state(FormationState)
        case heartbeat(Heartbeat)
        case result(RunResult)
        /// A type that a newer agent speaks; kept by name so that a reader can count it and go on.
        case unknown(type: String)

        /// The `type` on the wire.
        public var type: String {
            switch self {
            case .hello: "hello"
            case .plan: "plan"
            case .stepStarted: "step.started"
            case .stepProgress: "step.progress"
            case .stepOutput: "step.output"
            case .stepFinished: "step.finished"
            case .stepFailed: "step.failed"
            case .state: "state"
            case .heartbeat: "heartbeat"
            case .result: "result"
            case .unknown(let type): type
            }
        }
    }
}

/// The agent's first words.
public struct Hello: Sendable, Codable, Equatable {
    public var agent: String
    public var protocols: [Int]
    public var kernel: String
    public var architecture: String
    public var distribution: String

    public init(agent: String, protocols: [Int], kernel: String, architecture: String, distribution: String) {
        self.agent = agent
        self.protocols = protocols
        self.kernel = kernel
        self.architecture = architecture
        self.distribution = distribution
    }
}

/// A step as the plan announces it.
public struct PlannedStep: Sendable, Codable, Equatable {
    public enum Action: String, Sendable, Codable {
        case create, change, none
    }

    public var id: String
    public var title: String
    public var dependencies: [String]
    public var action: Action
    /// What will be done, object by object, in words.
    public var changes: [String]
    /// What moves by itself and is only waited for, in words; nil when there is none. No change: a step that only waits
    /// has the action `none`.
    public var waits: [String]?

    public init(
        id: String, title: String, dependencies: [String], action: Action, changes: [String] = [],
        waits: [String]? = nil
    ) {
        self.id = id
        self.title = title
        self.dependencies = dependencies
        self.action = action
        self.changes = changes
        self.waits = waits
    }
}

public enum StepOutcome: String, Sendable, Codable {
    case changed, unchanged, skipped
}

/// What is being waited for; at most every 10 s while a step waits.
public struct Heartbeat: Sendable, Codable, Equatable {
    public var step: String?
    /// Completes "waiting for …".
    public var awaiting: String
    /// RFC 3339 times.
    public var since: String
    public var until: String?

    public init(step: String?, awaiting: String, since: String, until: String?) {
        self.step = step
        self.awaiting = awaiting
        self.since = since
        self.until = until
    }
}

/// The one last event of a run.
public struct RunResult: Sendable, Codable, Equatable {
    public enum Status: String, Sendable, Codable {
        case ok, failed, cancelled
    }

    public var status: Status
    public var error: PgafError?
    /// How many steps changed something.
    public var changed: Int
    /// Things a user should know, such as open access or a relocated port.
    public var warnings: [String]
    public var connections: ConnectionInfo?
    /// What a switchover, a failover or a maintenance came to.
    public var roles: RoleChange?
    /// What the cluster's stop or start came to.
    public var cluster: ClusterChange?

    public init(
        status: Status, error: PgafError? = nil, changed: Int = 0, warnings: [String] = [],
        connections: ConnectionInfo? = nil, roles: RoleChange? = nil, cluster: ClusterChange? = nil
    ) {
        self.status = status
        self.error = error
        self.changed = changed
        self.warnings = warnings
        self.connections = connections
        self.roles = roles
        self.cluster = cluster
    }
}

/// How clients come in, seen from the machine that runs the cluster; without passwords.
public struct ConnectionInfo: Sendable, Codable, Equatable {
    public struct Endpoint: Sendable, Codable, Equatable {
        public var name: String
        /// Address and port as published on the machine; the host replaces them by forwarded ones.
        public var address: String
        public var port: Int

        public init(name: String, address: String, port: Int) {
            self.name = name
            self.address = address
            self.port = port
        }
    }

    public var user: String
    public var database: String
    public var nodes: [Endpoint]
    public var monitor: Endpoint
    public var monitorUser: String
    /// Who vouches for the servers: a certificate, DER in Base64. Public.
    public var certificateAuthority: String?

    /// The same as the file that clients take (PEM); nil without one, or when it is no Base64.
    public var certificateAuthorityFile: String? {
        guard let certificateAuthority, let bytes = Data(base64Encoded: certificateAuthority), !bytes.isEmpty else {
            return nil
        }
        let text = Array(bytes.base64EncodedString())
        let lines = stride(from: 0, to: text.count, by: 64).map { String(text[$0..<min($0 + 64, text.count)]) }
        return (["-----BEGIN CERTIFICATE-----"] + lines + ["-----END CERTIFICATE-----"]).joined(separator: "\n") + "\n"
    }

    public init(
        user: String, database: String, nodes: [Endpoint], monitor: Endpoint, monitorUser: String,
        certificateAuthority: String? = nil
    ) {
        self.certificateAuthority = certificateAuthority
        self.user = user
        self.database = database
        self.nodes = nodes
        self.monitor = monitor
        self.monitorUser = monitorUser
    }
}

/// A snapshot of the formation as the monitor and Docker see it.
public struct FormationState: Sendable, Codable, Equatable {
    public struct Node: Sendable, Codable, Equatable {
        /// Id on the monitor; nil while the node is not registered.
        public var id: Int?
        public var name: String
        public var host: String
        public var port: Int
        public var reportedState: String?
        public var assignedState: String?
        /// 1 healthy, 0 unhealthy, -1 unknown, as pg_auto_failover counts.
        public var health: Int?
        public var lsn: String?
        /// Bytes behind the primary; nil where unknown.
        public var lag: Int?
        public var timeline: Int?
        public var candidatePriority: Int?
        public var replicationQuorum: Bool?
        /// Docker's word for the container: `running`, `exited`, `missing`, …
        public var container: String?
        /// Port published on the machine.
        public var publishedPort: Int?

        public init(name: String, host: String, port: Int) {
            self.name = name
            self.host = host
            self.port = port
        }
    }

    public var cluster: String
    public var formation: String
    /// Docker's word for the monitor's container.
    public var monitor: String
    public var nodes: [Node]
    /// Whether there is one healthy primary and every other node is a healthy secondary.
    public var healthy: Bool
    /// What is being waited for or wrong, in sentences.
    public var notes: [String]
    /// The same as what one may expect: how long it normally takes, or what to type where it does not come by itself;
    /// nil when all is well, and from agents that do not tell.
    public var awaited: [Awaited]?
    /// What is allowed but should be known, and certificates that end soon, in sentences; nil when there is none, and from
    /// agents that do not tell.
    public var warnings: [String]?

    /// One thing that is not as it should be, and what becomes of it.
    public struct Awaited: Sendable, Codable, Equatable {
        /// The node or the monitor by its name; nil for the formation as a whole.
        public var name: String?
        /// The whole sentence, with seconds and command.
        public var text: String
        /// Seconds after which it has normally happened; nil where that depends on something else.
        public var normally: Seconds?
        /// What to type where nothing happens by itself.
        public var command: String?

        public init(name: String?, text: String, normally: Seconds? = nil, command: String? = nil) {
            self.name = name
            self.text = text
            self.normally = normally
            self.command = command
        }
    }

    /// A time that is never the same.
    public struct Seconds: Sendable, Codable, Equatable {
        public var least: Int
        public var most: Int

        public init(least: Int, most: Int) {
            self.least = least
            self.most = most
        }
    }

    public init(
        cluster: String, formation: String = "default", monitor: String, nodes: [Node], healthy: Bool,
        notes: [String] = [], awaited: [Awaited]? = nil, warnings: [String]? = nil
    ) {
        self.cluster = cluster
        self.formation = formation
        self.monitor = monitor
        self.nodes = nodes
        self.healthy = healthy
        self.notes = notes
        self.awaited = awaited
        self.warnings = warnings
    }
}
