import Shared

/// What an engine that was killed while it started a container leaves of that: a containerd-shim without a task, because of
/// which no start of that container succeeds any more, however often the engine is started (seen with 20.10 and
/// containerd 1.6). Another container on the same volume has another id, and starts.
enum LeakedTask {
    /// The id of the container of which a line of `docker start` tells this; nil for any other line.
    static func container(toldBy line: String) -> String? {
        let words = line.split(separator: " ")
        guard line.hasPrefix("Error response from daemon: task "), words.count == 8,
            words.suffix(2) == ["already", "exists"], words[5].last == ":"
        else { return nil }
        let id = words[5].dropLast()
        return id.utf8.count == 64 && id.allSatisfy(\.isHexDigit) ? String(id) : nil
    }

    /// Whether a program of this container still runs, beneath its shim: then its volume is in use.
    static func isAtWork(_ container: String, _ files: MachineFiles) -> Bool {
        let processes = files.processes
        let shims = processes.filter { process in
            guard files.program(of: process)?.hasPrefix("containerd-shim") == true,
                let line = try? files.read("/proc/\(process)/cmdline")
            else { return false }
            return line.split(separator: "\0").contains { $0 == container }
        }
        return processes.contains { process in
            guard let status = try? files.read("/proc/\(process)/status") else { return false }
            return status.split(separator: "\n").contains { line in shims.contains { line == "PPid:\t\($0)" } }
        }
    }
}
