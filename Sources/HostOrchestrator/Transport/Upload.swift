import Shared

/// One file to put on a machine: the two commands that do it there, and what their ends mean.
///
/// Both run `sh -c SCRIPT`; values are its positional parameters and never part of the script.
struct Upload: Sendable, Equatable {
    /// File here.
    var source: String
    /// Absolute path there.
    var destination: String
    var mode: Int
    /// SHA-256 in hexadecimal.
    var digest: String
    var bytes: Int

    init(source: String, destination: String, mode: Int) throws {
        self.source = source
        self.destination = destination
        self.mode = mode
        (digest, bytes) = try FileDigest.sha256(ofFileAt: source)
    }

    /// Prints `same` and sets the mode when the right file is there already, `differs` otherwise.
    var probe: [String] { script(Self.probeScript) }

    /// Takes the file on standard input and puts it in place, or leaves nothing.
    var store: [String] { script(Self.storeScript) }

    private func script(_ text: String) -> [String] {
        ["sh", "-c", text, "pgaf-upload", destination, String(mode, radix: 8), digest, String(bytes)]
    }

    private static let probeScript = """
        set -eu
        if [ -f "$1" ] && sum=$(sha256sum <"$1") && [ "${sum%% *}" = "$3" ]; then
            chmod "$2" "$1"
            echo same
        else
            echo differs
        fi
        """

    /// The temporary file is in the same directory, so that `mv` is atomic, and private until it is complete. What is
    /// hashed is what `tee` writes, while it arrives: a second pass over 150 MB took as long as sending them. The size
    /// tells whether all of it could be written; a full disk is told by what is left of it, since messages differ.
    private static let storeScript = """
        set -eu
        if [ -d "$1" ]; then echo "is a directory" >&2; exit \(Status.isDirectory); fi
        dir=$(dirname -- "$1")
        mkdir -p -- "$dir"
        temporary=$(mktemp "$dir/.pgaf-upload.XXXXXXXX")
        trap 'rm -f -- "$temporary"' EXIT
        trap 'exit 1' HUP INT TERM PIPE
        sum=$(tee -- "$temporary" | sha256sum)
        if [ "$(wc -c <"$temporary")" -ne "$4" ] || [ "${sum%% *}" != "$3" ]; then
            free=$(df -Pk -- "$dir" | awk 'END { print $4 }')
            if [ "${free:-0}" -lt 1024 ]; then exit \(Status.diskFull); fi
            echo "received ${sum%% *}" >&2
            exit \(Status.damaged)
        fi
        chmod "$2" "$temporary"
        mv -f -- "$temporary" "$1"
        """

    /// Exit statuses of the store script that mean something of their own.
    private enum Status {
        static let isDirectory = 81
        static let diskFull = 82
        static let damaged = 83
    }

    /// The error for a script that did not end with 0.
    func failure(_ status: RemoteStatus, on machine: String, output: [String]) -> PgafError {
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
    static func noRoot(on machine: String, output: [String]) -> PgafError {
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
