import Foundation
import Shared

/// Takes a tool's output line by line: log file, `step.output`, `step.progress`, and the last lines for an error.
actor VagrantReporter {
    static let step = "machine"

    private let progress: any ProgressSink
    private let log: FileHandle?
    private var phase = "starting Vagrant"
    private var lastFraction = -1.0
    private(set) var tail: [String] = []

    /// - Parameter logFile: made with the directories above it; output is appended.
    init(_ progress: any ProgressSink, logFile: String) {
        self.progress = progress
        let url = URL(fileURLWithPath: logFile)
        try? FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        if !FileManager.default.fileExists(atPath: logFile) {
            _ = FileManager.default.createFile(atPath: logFile, contents: nil, attributes: [.posixPermissions: 0o600])
        }
        log = try? FileHandle(forWritingTo: url)
        _ = try? log?.seekToEnd()
    }

    deinit { try? log?.close() }

    func take(_ raw: String) async {
        guard let line = VagrantPhase.cleaned(raw) else { return }
        if let fraction = VagrantPhase.fraction(line) {
            // Vagrant draws about ten times a percent.
            guard fraction >= lastFraction + 0.05 || fraction < lastFraction else { return }
            lastFraction = fraction
            return await progress.report(.stepProgress(step: Self.step, fraction: fraction, message: phase))
        }
        try? log?.write(contentsOf: Data((line + "\n").utf8))
        tail = (tail + [line]).suffix(20)
        await progress.report(.stepOutput(step: Self.step, line: line))
        if let next = VagrantPhase.recognise(line), next != phase { await say(next) }
    }

    func say(_ message: String) async {
        phase = message
        lastFraction = -1
        await progress.report(.stepProgress(step: Self.step, fraction: nil, message: message))
    }
}
