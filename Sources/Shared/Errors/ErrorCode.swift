/// The stable codes of every failure that pgaf reports; each maps to one exit code.
///
/// A code that a newer agent sends and that this program does not know decodes as `internal.error`.
public enum ErrorCode: String, Sendable, Codable, CaseIterable {
    case usage = "usage"
    case configurationNotReadable = "configuration.not-readable"
    case configurationSyntax = "configuration.syntax"
    case configurationUnknownKey = "configuration.unknown-key"
    case configurationInvalid = "configuration.invalid"
    case configurationConflict = "configuration.conflict"
    case secretUnavailable = "secret.unavailable"

    case vagrantMissing = "vagrant.missing"
    case vagrantFailed = "vagrant.failed"
    case vagrantfileForeign = "vagrant.foreign-vagrantfile"
    case providerMissing = "vagrant.provider-missing"
    case boxBuildFailed = "box.build-failed"
    case bundleFailed = "bundle.failed"
    case bundleInvalid = "bundle.invalid"
    case bundleDamaged = "bundle.damaged"
    case bundleUnfit = "bundle.unfit"

    case machineUnreachable = "machine.unreachable"
    case machineUnsupported = "machine.unsupported"
    case machineNotMade = "machine.not-made"
    case linkLost = "ssh.link-lost"
    case loginRefused = "ssh.login-refused"
    case hostKeyChanged = "ssh.host-key-changed"
    case uploadFailed = "ssh.upload-failed"
    case agentMissing = "agent.missing"
    case agentDied = "agent.died"
    case privilegeMissing = "agent.no-root"
    case protocolMismatch = "protocol.mismatch"
    case protocolViolation = "protocol.violation"

    case diskFull = "disk.full"
    case portInUse = "port.in-use"
    case archiveUnreachable = "packages.archive-unreachable"
    case packagesFailed = "packages.failed"
    case dockerUnavailable = "docker.unavailable"
    case dockerFailed = "docker.failed"
    case imageBuildFailed = "image.build-failed"
    case certificateFailed = "certificate.failed"
    case foreignObject = "docker.foreign-object"
    case networkConflict = "network.conflict"

    case monitorFailed = "monitor.failed"
    case nodeFailed = "node.failed"
    case accessFailed = "access.failed"
    case verifyFailed = "verify.failed"
    case failoverRefused = "failover.refused"
    case clusterNotFound = "cluster.not-found"
    case clusterLocked = "cluster.locked"
    case runNotFound = "run.not-found"
    case runDetached = "run.detached"
    case dataWouldBeLost = "data.would-be-lost"

    case timeout = "timeout"
    case cancelled = "cancelled"
    case commandFailed = "command.failed"
    case commandNotFound = "command.not-found"
    case fileFailed = "file.failed"
    case fileUnsafe = "file.unsafe"
    case internalError = "internal.error"

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        self = ErrorCode(rawValue: text) ?? .internalError
    }

    /// Whether what was asked for cannot be, whenever it is asked again.
    public var isRefusal: Bool { exitCode == ErrorCode.configurationInvalid.exitCode || self == .networkConflict }

    /// The process exit code for this failure.
    public var exitCode: Int32 {
        switch self {
        case .usage: 64
        case .configurationNotReadable, .configurationSyntax, .configurationUnknownKey, .configurationInvalid,
            .configurationConflict, .secretUnavailable, .dataWouldBeLost, .vagrantfileForeign, .foreignObject,
            .bundleInvalid, .bundleDamaged, .bundleUnfit:
            78
        case .clusterLocked, .runDetached, .failoverRefused: 75
        case .protocolMismatch, .protocolViolation: 76
        case .loginRefused, .hostKeyChanged, .privilegeMissing, .fileUnsafe: 77
        case .cancelled: 130
        case .internalError: 70
        case .vagrantMissing, .vagrantFailed, .providerMissing, .boxBuildFailed, .bundleFailed,
            .machineUnreachable,
            .machineUnsupported, .machineNotMade, .linkLost, .uploadFailed, .agentMissing, .agentDied, .diskFull,
            .portInUse, .archiveUnreachable, .packagesFailed, .dockerUnavailable, .dockerFailed,
            .imageBuildFailed, .certificateFailed, .networkConflict, .monitorFailed, .nodeFailed, .accessFailed,
            .verifyFailed,
            .clusterNotFound, .runNotFound, .timeout, .commandFailed, .commandNotFound, .fileFailed:
            69
        }
    }
}
