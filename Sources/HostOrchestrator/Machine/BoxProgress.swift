import Shared

/// The build of a box as `step.output` and `step.progress` of the step `machine`.
actor BoxProgress {
    private let progress: any ProgressSink

    init(_ progress: any ProgressSink) { self.progress = progress }

    /// mmdebstrap's stages with a rough share of the work done when each begins; estimates, not measured.
    private static let stages: [(part: String, message: String, fraction: Double)] = [
        ("I: running apt-get update", "reading the archive's indexes", 0.04),
        ("I: downloading packages", "downloading the base system", 0.1),
        ("I: extracting archives", "unpacking the base system", 0.14),
        ("I: installing essential", "installing the base system", 0.18),
        ("I: installing remaining", "installing kernel, SSH and Docker", 0.25),
        ("I: running --customize-hook in shell: 'sh", "customising the system and making its disk", 0.7),
    ]

    /// A line of a tool's output.
    @discardableResult
    func output(_ raw: String) async -> String? {
        guard let line = VagrantPhase.cleaned(raw), VagrantPhase.fraction(line) == nil else { return nil }
        await progress.report(.stepOutput(step: VagrantReporter.step, line: line))
        return line
    }

    /// A line of the box's own mmdebstrap, which tells the stage.
    func take(_ raw: String) async {
        guard let line = await output(raw) else { return }
        if let stage = Self.stages.first(where: { line.hasPrefix($0.part) }) {
            await say("making the box: \(stage.message)", stage.fraction)
        }
    }

    func say(_ message: String, _ fraction: Double) async {
        await progress.report(.stepProgress(step: VagrantReporter.step, fraction: fraction, message: message))
    }
}
