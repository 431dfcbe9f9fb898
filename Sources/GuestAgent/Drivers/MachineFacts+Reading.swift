import FoundationEssentials
import Shared

extension MachineFacts {
    /// Reads `/proc`, os-release and the file system of Docker's data directory, or of where it will be.
    public static func read(runner: any CommandRunner, files: MachineFiles = MachineFiles()) async throws
        -> MachineFacts
    {
        let release = fields(try files.read("/etc/os-release") ?? "")
        let memory =
            (try files.read("/proc/meminfo") ?? "").split(separator: "\n")
            .first { $0.hasPrefix("MemTotal:") }
            .flatMap { $0.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } } ?? 0
        let place = DockerDisk.usualDirectory(files)
        let disk = try await runner.run(Command("df", ["--output=size", "--block-size=1M", place]))
        let machine = try await runner.run(Command("uname", ["-r", "-m"])).trimmedOutput.split(separator: " ")
        return MachineFacts(
            kernel: machine.first.map(String.init) ?? "", architecture: machine.last.map(String.init) ?? "",
            distribution: release["ID"] ?? "unknown", codename: release["VERSION_CODENAME"] ?? "unknown",
            prettyName: release["PRETTY_NAME"] ?? "an unknown Linux", memoryMiB: memory / 1024,
            cpus: ProcessInfo.processInfo.activeProcessorCount,
            diskMiB: disk.standardOutput.split(separator: "\n").last.flatMap { Int($0.trimmed) } ?? 0,
            isSlow: ProcessorSpeed.isSlow())
    }

    /// `KEY=value` or `KEY="value"` lines.
    static func fields(_ text: String) -> [String: String] {
        var result: [String: String] = [:]
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            var value = line[line.index(after: equals)...]
            if value.count >= 2, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
            result[String(line[..<equals])] = String(value)
        }
        return result
    }
}
