import Foundation
import HostOrchestrator
import Shared

/// The one virtual machine of a test run: minutes to make where it is emulated, so every suite uses the same.
///
/// Made by the first that asks, removed by the last test of `VagrantLifeTests`: suites that need it belong before that.
actor SharedVirtualMachine {
    static let instance = SharedVirtualMachine()

    private var starting: Task<VagrantMachine, any Error>?

    /// The project directory; kept below TMPDIR so that a run that was killed can be cleaned up by hand.
    nonisolated let project: ProjectDirectory = {
        let base = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        return ProjectDirectory(path: "\(base)/pgaf-vm-tests-\(ProcessInfo.processInfo.processIdentifier)")
    }()

    nonisolated var machine: VagrantMachine {
        var settings = VagrantSettings()
        settings.provider = .libvirt
        settings.name = "pgaf-test-\(ProcessInfo.processInfo.processIdentifier)"
        settings.memory = 3072
        settings.cpus = 2
        settings.ip = "none"
        return VagrantMachine(
            settings: settings, ports: [5430, 5001, 6432], project: project,
            logFile: project.run("test") + "/vagrant.log")
    }

    func running() async throws -> VagrantMachine {
        if let starting { return try await starting.value }
        let (machine, path) = (machine, project.path)
        let task = Task {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            _ = try await machine.bringUp(reporting: PrintingSink())
            return machine
        }
        starting = task
        return try await task.value
    }
}

/// Prints progress, so that a slow run can be followed; outputs of tools stay in the log file.
struct PrintingSink: ProgressSink {
    private let start = ContinuousClock().now

    func report(_ body: Event.Body) async {
        guard case .stepProgress(_, let fraction, let message) = body else { return }
        let share = fraction.map { " \(Int($0 * 100)) %" } ?? ""
        print("[\((ContinuousClock().now - start).brief)] \(message ?? "")\(share)")
    }
}

/// Collects what a remote command writes.
actor Collector {
    private var bytes: [UInt8] = []

    func add(_ chunk: OutputChunk) {
        if case .standardOutput(let data) = chunk { bytes += data }
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
}
