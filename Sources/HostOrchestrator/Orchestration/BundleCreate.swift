import Shared

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `pgaf-host bundle create`: everything that `up` takes from a network, in one file.
enum BundleCreate {
    struct Options: Sendable, Equatable {
        var choice = ConfigurationChoice()
        /// Relative to the directory in which the command was typed.
        var output = defaultOutput
        /// Leave the box for libvirt out.
        var withoutBox = false
        var progress = ProgressMode.auto
    }

    static let defaultOutput = "pgaf-bundle.tar"

    static func run(_ options: Options, in context: HostContext) async throws {
        let configuration = try BundleSettings.fromDebian(context.loadConfiguration(options.choice).configuration)
        // Images and packages are those of a Linux machine with apt.
        _ = try await LocalMachine().outlook()
        let output = LocalPath.absolute(options.output, in: context.project.path, home: context.environment["HOME"])
        let (manifest, _) = try await RecordedRun.perform("bundle create", progress: options.progress, in: context) {
            active in
            let recorder = active.recorder
            await recorder.report(
                .plan([
                    PlannedStep(id: HostStep.machine.id, title: "Make the bundle", dependencies: [], action: .change)
                ]))
            let manifest = try await recorder.step(.machine) { () async throws -> (BundleManifest, changed: Bool) in
                let agent = try context.agentBinary()
                let box = try await box(configuration, options, recorder, context)
                let maker = BundleMaker(
                    runner: context.runner,
                    commands: BundleCommand(
                        work: context.project.bundleParts, agent: agent,
                        variables: context.environment.keys.filter { $0.hasPrefix("PGAF_") },
                        proxy: configuration.packages[.proxy], isRoot: context.isRoot),
                    configuration: configuration, parts: parts(configuration, box), box: box?.file
                ) { await recorder.report(.stepOutput(step: HostStep.machine.id, line: $0)) }
                return (try await maker.make(output), true)
            }
            return (manifest, RunResult(status: .ok, changed: 1))
        }
        guard options.progress != .json else { return }
        lines(manifest, output).forEach(context.say)
        guard configuration.machine.kind == .vagrant, !options.withoutBox else { return }
        // One with no box of its own is for VirtualBox, or for a box that is named.
        let provider: VagrantProvider = manifest.has(.box) ? .libvirt : .virtualbox
        if let words = manifest.otherBox(configuration.machine.vagrant, provider) { context.say(words) }
    }

    /// The box for the configured machine; nil where that starts from none that pgaf makes.
    private static func box(
        _ configuration: Configuration, _ options: Options, _ recorder: RunRecorder, _ context: HostContext
    ) async throws -> BoxBuild.Made? {
        let vagrant = configuration.machine.vagrant
        guard configuration.machine.kind == .vagrant, !options.withoutBox, vagrant.box == nil,
            try await VagrantProvider.resolve(vagrant.provider, project: context.project, runner: context.runner)
                == .libvirt
        else { return nil }
        return try await context.buildBox(recorder, false)
    }

    /// What goes into the bundle: a box has Docker and psql, and root's has the images of the usual settings as well.
    static func parts(_ configuration: Configuration, _ box: BoxBuild.Made?) -> Set<BundleManifest.Part> {
        guard let box else { return [.images, .packages] }
        var usual = Configuration()
        usual.packages.source = .debian
        let suffices = box.images && BundleSettings.of(configuration) == BundleSettings.of(usual)
        return suffices ? [.box] : [.box, .images]
    }

    static func lines(_ manifest: BundleManifest, _ output: String) -> [String] {
        let size = manifest.members.reduce(0) { $0 + $1.size }
        var lines = ["made the bundle \(output), \(size >> 20) MiB, for \(manifest.architecture)"]
        if manifest.has(.box) { lines.append("it has the box for virtual machines on libvirt") }
        if let packages = manifest.packages {
            lines.append("machines without Docker or psql have to be \(packages.release.name), as this one is")
        }
        return lines + ["use it with: pgaf-host up --bundle \(ShellQuoting.quoteIfNeeded(output))"]
    }
}
