import Foundation
import Shared

/// One process of this machine, containers' among them, as the kernel tells of it; nothing where it is gone.
struct MachineProcess: CustomStringConvertible {
    let number: pid_t

    static var all: [MachineProcess] {
        MachineFiles().list("/proc").compactMap { pid_t($0) }.map(MachineProcess.init)
    }

    private func text(_ file: String) -> String { (try? MachineFiles().read("/proc/\(number)/\(file)")) ?? "" }

    private func words(_ file: String) -> [String] { text(file).split(separator: "\0").map(String.init) }

    /// The program's name; a script's is its own.
    var name: String { text("comm").trimmed }
    var arguments: [String] { words("cmdline") }

    /// The run that has started it, or a program above it.
    var run: String? {
        let mark = "PGAF_RUN="
        return words("environ").first { $0.hasPrefix(mark) }.map { String($0.dropFirst(mark.count)) }
    }

    /// Where something is mounted, as it sees that itself.
    var mountPoints: [String] {
        text("mountinfo").split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            return fields.count > 4 ? String(fields[4]) : nil
        }
    }

    var description: String { "\(number) \(arguments.isEmpty ? name : arguments.joined(separator: " "))" }
}
