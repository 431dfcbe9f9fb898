import Shared

/// What an engine that was killed while it started a container leaves of that: a containerd-shim without a task, or a shim's
/// directory, because of which no start of that container succeeds any more, however often the engine is started (seen
/// with 20.10 and containerd 1.6). Another container on the same volume has another id, and starts.
enum LeakedTask {
    /// The id of the container of which a line of `docker start` tells this; nil for any other line.
    static func container(toldBy line: String) -> String? {
        let from = "Error response from daemon: "
        let hasTask = line.hasPrefix("\(from)task ") && line.hasSuffix(": already exists")
        let hasDirectory =
            line.hasPrefix("\(from)failed to start shim: mkdir ")
            && [": file exists", ": file exists: unknown"].contains(where: line.hasSuffix)
        guard hasTask || hasDirectory else { return nil }
        return line.split { !$0.isHexDigit }.first { $0.utf8.count == 64 }.map(String.init)
    }

    /// Whether a program of this container still runs, beneath its shim: then its volume is in use.
    static func isAtWork(_ container: String, _ files: MachineFiles) -> Bool {
        let processes = files.processes
        let shims = processes.filter { process in
            files.program(of: process)?.hasPrefix("containerd-shim") == true
                && files.arguments(of: process).contains(container)
        }
        return processes.contains { process in
            guard let status = try? files.read("/proc/\(process)/status") else { return false }
            return status.split(separator: "\n").contains { line in shims.contains { line == "PPid:\t\($0)" } }
        }
    }
}
