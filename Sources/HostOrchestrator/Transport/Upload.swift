import Shared
import SystemPackage

/// One file to put on a machine: the command that does it there, and what its words and its end mean.
///
/// It runs `sh -c SCRIPT`; values are its positional parameters and never part of the script.
struct Upload: Sendable, Equatable {
    /// File here.
    var source: String
    /// Absolute path there.
    var destination: String
    var mode: Int
    /// SHA-256 in hexadecimal.
    var digest: String
    var bytes: Int
    /// The source, open for reading from its beginning: what is sent is the file that was hashed, whatever lies under its
    /// name meanwhile.
    var file: FileDescriptor

    /// Sends a file if the machine does not have it.
    ///
    /// - Parameters:
    ///   - machine: how messages call it.
    ///   - transmit: runs the command there with the file as its standard input, and gathers what it says.
    /// - Returns: whether the file had to be sent.
    static func perform(
        _ source: String, to destination: String, mode: Int, privileged: Bool, over connection: any Connection,
        named machine: String, _ onProgress: (@Sendable (Double) async -> Void)?,
        isolation: isolated (any Actor)? = #isolation,
        _ transmit: (Upload, _ command: [String], OutputGathering) async throws -> RemoteStatus
    ) async throws -> Bool {
        let file = try FileDigest.open(source)
        defer { try? file.close() }
        let (digest, bytes) = try FileDigest.sha256(of: file, at: source)
        let upload = Upload(
            source: source, destination: destination, mode: mode, digest: digest, bytes: bytes, file: file)
        let said = OutputGathering()
        let status = try await transmit(
            upload, privileged ? connection.asRoot(upload.command) : upload.command, said)
        let wasSent = try upload.outcome(status, said, privileged: privileged, on: machine)
        await onProgress?(1)
        return wasSent
    }

    /// Says `same` and sets the mode when the right file is there already; says `send` otherwise, takes the file on
    /// standard input and puts it in place, or leaves nothing. One command, since each costs a round trip or two and the
    /// start of a shell.
    var command: [String] {
        ["sh", "-c", Self.script, "pgaf-upload", destination, String(mode, radix: 8), digest, String(bytes)]
    }

    /// How far the command has come by what it said.
    enum Reply: String {
        /// Not even begun: `sudo` may have refused.
        case nothing = ""
        case begun, same, send
    }

    /// - Parameter output: its standard output so far.
    static func reply(_ output: String) -> Reply {
        output.split(separator: "\n").last.flatMap { Reply(rawValue: String($0)) } ?? .nothing
    }

    /// The temporary file is in the same directory, so that `mv` is atomic, and private until it is complete. What is
    /// hashed is what `tee` writes, while it arrives: a second pass over 150 MB took as long as sending them; and with
    /// OpenSSL where it is, which is three times as fast as a `sha256sum` that does without it (Debian 12's). The size
    /// tells whether all of it could be written; a full disk is told by what is left of it, since messages differ.
    private static let script = """
        set -eu
        echo begun
        if command -v openssl >/dev/null; then
            digest() { openssl dgst -sha256 -r; }
        else
            digest() { sha256sum; }
        fi
        if [ -d "$1" ]; then echo "is a directory" >&2; exit \(Status.isDirectory); fi
        if [ -f "$1" ] && [ "$(wc -c <"$1")" -eq "$4" ] && sum=$(digest <"$1") && [ "${sum%% *}" = "$3" ]; then
            chmod "$2" "$1"
            echo same
            exit 0
        fi
        dir=$(dirname -- "$1")
        mkdir -p -- "$dir"
        temporary=$(mktemp "$dir/.pgaf-upload.XXXXXXXX")
        trap 'rm -f -- "$temporary"' EXIT
        trap 'exit 1' HUP INT TERM PIPE
        echo send
        sum=$(tee -- "$temporary" | digest)
        if [ "$(wc -c <"$temporary")" -ne "$4" ] || [ "${sum%% *}" != "$3" ]; then
            free=$(df -Pk -- "$dir" | awk 'END { print $4 }')
            if [ "${free:-0}" -lt 1024 ]; then exit \(Status.diskFull); fi
            echo "received ${sum%% *}" >&2
            exit \(Status.damaged)
        fi
        chmod "$2" "$temporary"
        mv -f -- "$temporary" "$1"
        """

    /// Exit statuses of the script that mean something of their own.
    private enum Status {
        static let isDirectory = 81
        static let diskFull = 82
        static let damaged = 83
    }

    /// What came of it.
    ///
    /// - Returns: whether the file had to be sent.
    func outcome(_ status: RemoteStatus, _ said: OutputGathering, privileged: Bool, on machine: String) throws -> Bool {
        switch Self.reply(said.standardOutput) {
        case .same where status == .exited(0): return false
        case .send where status == .exited(0): return true
        case .nothing where privileged && status != .exited(0):
            throw Self.noRoot(on: machine, output: said.lastLines)
        default: throw failure(status, on: machine, output: said.lastLines)
        }
    }

    /// The error for a script that did not end with 0.
    private func failure(_ status: RemoteStatus, on machine: String, output: [String]) -> PgafError {
        let cause = "the script there ended with \(status.words)"
        let what = "\(source) could not be put on \(machine) as \(destination)"
        switch status {
        case .exited(Int32(Status.diskFull)):
            return PgafError(
                .diskFull, "\(what): there is no room for its \(bytes) bytes.",
                remedy: "Make room on the file system of \(destination) (`df -h`), then run the same command again.",
                cause: cause, output: output)
        case .exited(Int32(Status.isDirectory)):
            return PgafError(
                .uploadFailed, "\(what): a directory has that name.",
                remedy: "Move the directory away, then run the same command again.", cause: cause)
        case .exited(Int32(Status.damaged)):
            return PgafError(
                .uploadFailed, "\(what): what arrived is not what was sent.",
                remedy: "Leave \(source) unchanged and run the same command again.", cause: cause, output: output)
        default:
            return PgafError(
                .uploadFailed, "\(what).",
                remedy: "Look at the output, correct the cause and run the same command again.",
                cause: cause, output: output)
        }
    }

    /// The error for a machine whose user may not become root without a password.
    private static func noRoot(on machine: String, output: [String]) -> PgafError {
        PgafError(
            .privilegeMissing, "The user on \(machine) may not run programs as root with `sudo -n`.",
            remedy: "Allow it without a password in /etc/sudoers.d there, or log in as root.", output: output)
    }
}

extension RemoteStatus {
    /// For messages.
    public var words: String {
        switch self {
        case .exited(let code): "status \(code)"
        case .signalled(let signal): "signal \(signal)"
        }
    }
}
