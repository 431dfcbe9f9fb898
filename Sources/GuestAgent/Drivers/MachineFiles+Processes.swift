import Shared

extension MachineFiles {
    /// Numbers of the machine's processes.
    var processes: [Int32] { list("/proc").compactMap { Int32($0) } }

    /// The name that the kernel has of a process's program; nil when it is gone.
    func program(of process: Int32) -> String? { ((try? read("/proc/\(process)/comm")) ?? nil)?.trimmed }

    /// The words of a process's command line, its program first; empty when it is gone.
    func arguments(of process: Int32) -> [String] {
        let line = (try? read("/proc/\(process)/cmdline")) ?? nil
        return (line ?? "").split(separator: "\0").map(String.init)
    }
}
