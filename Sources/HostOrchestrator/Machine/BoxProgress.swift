import Shared

/// The build of a box as `step.output` and `step.progress` of the step `machine`.
actor BoxProgress {
    private let progress: any ProgressSink

    init(_ progress: any ProgressSink) { self.progress = progress }

    /// The last share of the work that was told.
    private var fraction = 0.0

    /// What mmdebstrap says when it begins a stage, with the share of the time that had passed then.
    private static let stages: [(part: String, message: String, fraction: Double)] = [
        ("I: running apt-get update", "reading the archive's indexes", 0.16),
        ("I: downloading packages", "downloading the base system", 0.18),
        ("I: extracting archives", "unpacking the base system", 0.19),
        ("I: installing essential", "installing the base system", 0.28),
        ("I: installing remaining", "installing kernel, SSH and Docker", 0.32),
        ("/customize.sh'", "customising the system", 0.55),
        ("/images.sh'", "making the image of the cluster's nodes", 0.56),
        ("/image.sh'", "making its disk", 0.78),
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
        if let stage = Self.stages.first(where: { line.contains($0.part) }) {
            await say("making the box: \(stage.message)", stage.fraction)
        }
    }

    /// Something to know about the box.
    func note(_ text: String) async {
        await progress.report(.stepOutput(step: VagrantReporter.step, line: text))
        await say(text, fraction)
    }

    func say(_ message: String, _ fraction: Double) async {
        self.fraction = fraction
        await progress.report(.stepProgress(step: VagrantReporter.step, fraction: fraction, message: message))
    }
}
