import Shared

/// `pgaf-host box build`: the box that virtual machines on libvirt start from.
enum BoxBuild {
    struct Options: Sendable, Equatable {
        /// Make it again even when nothing that goes into it has changed.
        var force = false
        var progress = ProgressMode.auto
    }

    /// What a build did.
    struct Made: Sendable, Equatable {
        var built: Bool
        /// The finished box.
        var file: String
        /// Whether the images of the cluster's nodes are in it.
        var images: Bool
    }

    static func run(_ options: Options, in context: HostContext) async throws {
        let (made, _) = try await RecordedRun.perform("box build", progress: options.progress, in: context) {
            active in
            let recorder = active.recorder
            await recorder.report(
                .plan([
                    PlannedStep(
                        id: HostStep.machine.id, title: "Make the Debian 13 box", dependencies: [], action: .change)
                ]))
            let made = try await recorder.step(.machine) {
                let made = try await context.buildBox(recorder, options.force)
                return (made, made.built)
            }
            return (made, RunResult(status: .ok, changed: made.built ? 1 : 0))
        }
        guard options.progress != .json else { return }
        context.say(made.built ? "made the box \(made.file)" : "the box is up to date: \(made.file)")
        context.say(
            made.images
                ? "machines find the image of the cluster's nodes in it (package source debian)"
                : "it lacks the image of the cluster's nodes: each machine makes it by itself")
    }
}
