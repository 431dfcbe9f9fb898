import Shared

/// Gathers what goes into a bundle, by the same steps as `up`, and packs it.
struct BundleMaker: Sendable {
    let runner: any CommandRunner
    let commands: BundleCommand
    let configuration: Configuration
    /// What is packed beside the agent.
    let parts: Set<BundleManifest.Part>
    /// A finished box, when that is one of the parts.
    var box: String?
    /// Told what is done, and what tools say.
    let say: @Sendable (String) async -> Void

    private let files = MachineFiles()
    private let tar = TarWriter()

    init(
        runner: any CommandRunner, commands: BundleCommand, configuration: Configuration,
        parts: Set<BundleManifest.Part>, box: String?, say: @escaping @Sendable (String) async -> Void
    ) {
        self.runner = runner
        self.commands = commands
        self.configuration = configuration
        self.parts = parts
        self.box = box
        self.say = say
    }

    /// Makes the bundle; it has its name only when it is whole.
    ///
    /// - Throws: `bundle.failed`, `packages.archive-unreachable`, `disk.full`, `file.failed`.
    func make(_ output: String) async throws -> BundleManifest {
        try files.remove(commands.work)
        try files.makeDirectory(commands.work)
        defer { try? files.remove(commands.work) }
        let settings = BundleSettings.of(configuration)
        if parts.contains(.images) {
            await say("making the images, if they are not there")
            try await checked(
                commands.prepare(settings + BundleSettings.places(configuration)), "The images could not be made.",
                telling: true)
        }
        let machine = try await supplies()
        let inputs = try await checked(
            commands.inputs(settings), "The agent does not say what its images are made from.")
        var manifest = BundleManifest(
            made: Timestamp.now(), architecture: machine.architecture, settings: settings,
            inputs: inputs.trimmedOutput, members: [])
        var sources = [(BundleManifest.Part.agent, commands.agent)]
        if parts.contains(.images) {
            guard let images = machine.images else { throw Self.failed("The images are not there.", []) }
            await say("saving the images")
            try await checked(
                commands.save([configuration.baseImage, configuration.image.reference]),
                "The images could not be saved.")
            manifest.images = images
            sources.append((.images, "\(commands.work)/images.tar.gz"))
        }
        if parts.contains(.packages) {
            manifest.packages = .init(release: machine.release, names: try await packages(settings))
            sources.append((.packages, "\(commands.work)/packages.tar"))
        }
        if let box { sources.append((.box, box)) }
        for (part, path) in sources {
            let (digest, size) = try await tar.digest(path)
            manifest.members.append(.init(name: part.rawValue, size: size, sha256: digest))
        }
        await say("writing \(output)")
        let text = Array((try JSONText.indented(manifest) + "\n").utf8)
        let members = sources.map { TarWriter.Member($0.rawValue, .file($1)) }
        try await tar.write([TarWriter.Member(BundleManifest.name, .bytes(text))] + members, to: output)
        return manifest
    }

    private func supplies() async throws -> MachineSupplies {
        let question = commands.supplies(base: configuration.baseImage, image: configuration.image.reference)
        return MachineSupplies(try await checked(question, "This machine does not say what it is.").standardOutput)
    }

    /// Downloads the packages and packs them with their index.
    ///
    /// - Returns: the names of those that are wanted.
    private func packages(_ settings: [String]) async throws -> [String] {
        let listed = try await checked(commands.packageNames(settings), "The agent does not list its packages.")
        let names = listed.standardOutput.split(whereSeparator: \.isWhitespace).map(String.init)
        try files.makeDirectory("\(commands.packages)/partial")
        try files.write("", to: "\(commands.work)/status")
        await say("downloading \(names.joined(separator: ", ")) with what they need")
        if try await !runner.run(commands.download(names), onLine: say).succeeded {
            try await checked(
                commands.update, "A package archive of this machine does not answer.", .archiveUnreachable,
                telling: true)
            try await checked(commands.download(names), "The packages could not be downloaded.", telling: true)
        }
        var index: [PackageIndex.Package] = []
        var members: [TarWriter.Member] = []
        for file in files.list(commands.packages) where file.hasSuffix(".deb") {
            let control = try await checked(commands.control(file), "\(file) is no package.").standardOutput
            let (digest, size) = try await tar.digest("\(commands.packages)/\(file)")
            let name = PackageIndex.fileName(file)
            index.append(.init(control: control, file: name, size: size, digest: digest))
            members.append(TarWriter.Member(name, .file("\(commands.packages)/\(file)")))
        }
        let text = Array(PackageIndex.text(index).utf8)
        try await tar.write([TarWriter.Member("Packages", .bytes(text))] + members, to: "\(commands.work)/packages.tar")
        return names
    }

    /// - Parameter telling: whether the tool's lines are for people, and not an answer.
    @discardableResult
    private func checked(
        _ command: Command, _ what: String, _ code: ErrorCode = .bundleFailed, telling: Bool = false
    ) async throws -> CommandResult {
        let result = try await runner.run(command, onLine: telling ? say : nil)
        guard result.succeeded else { throw Self.failed(what, result.lastLines(), code) }
        return result
    }

    private static func failed(_ what: String, _ output: [String], _ code: ErrorCode = .bundleFailed) -> PgafError {
        let isFull = output.contains {
            $0.contains("No space left on device") || $0.contains("no space left on device")
        }
        return PgafError(
            isFull ? .diskFull : code, isFull ? "The disk ran full while the bundle was made." : what,
            remedy: isFull
                ? "Make room (1.5 GB), then run `pgaf-host bundle create` again."
                : "Correct what the last lines name, then run `pgaf-host bundle create` again.", output: output)
    }
}

extension Configuration {
    /// Reference of the image on which the nodes' one is built, from the Debian archive.
    var baseImage: String { image.base ?? BaseSystem.image }
}
