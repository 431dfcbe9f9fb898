import Foundation
import Shared

/// Makes the Debian 13 box for libvirt from the Debian archive that this machine uses.
///
/// Kept in a cache by the hash of its inputs and made again only when they change. Root's boxes have the images of the
/// cluster's nodes in Docker's store already; for others Docker cannot run on the box's directory while it is made.
public struct BoxBuilder: Sendable {
    let runner: any CommandRunner
    /// pgaf's own place among the caches of this user.
    let cacheHome: String
    /// What `LibvirtAcceleration` found.
    var accelerationMemory: String { "\(cacheHome)/acceleration.json" }
    /// Finished boxes.
    var cache: String { "\(cacheHome)/boxes" }
    /// `VAGRANT_HOME`.
    let vagrantHome: String
    /// Where the box is put together; for an ordinary user outside of his home, which a user namespace may not enter.
    let scratch: String
    let isRoot: Bool
    /// Path of the agent that makes the images in the box.
    let agent: @Sendable () throws -> String

    public init(
        runner: any CommandRunner = SubprocessRunner(),
        environment: [String: String] = ProcessInfo.processInfo.environment,
        isRoot: Bool = Elevation.isRoot, agent: @escaping @Sendable () throws -> String
    ) {
        self.runner = runner
        self.isRoot = isRoot
        self.agent = agent
        let home = environment["HOME"] ?? NSHomeDirectory()
        let caches = environment["XDG_CACHE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "\(home)/.cache"
        cacheHome = "\(caches)/pgaf"
        vagrantHome = Self.vagrantHome(environment)
        scratch = isRoot ? "\(cacheHome)/boxes" : environment["TMPDIR"] ?? "/var/tmp"
    }

    /// Where Vagrant keeps its boxes and keys.
    static func vagrantHome(_ environment: [String: String]) -> String {
        environment["VAGRANT_HOME"] ?? "\(environment["HOME"] ?? NSHomeDirectory())/.vagrant.d"
    }

    /// The box as Vagrant has unpacked it.
    private var installed: String {
        "\(vagrantHome)/boxes/\(Box.name.replacing("/", with: "-VAGRANTSLASH-"))/0/libvirt"
    }

    /// Kernels for trying out hardware virtualisation, the box's own first.
    func kernels() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/boot")) ?? []
        return ["\(installed)/vmlinuz"] + names.filter { $0.hasPrefix("vmlinuz-") }.sorted().map { "/boot/\($0)" }
    }

    /// Which box a caller is content with.
    public enum Wish: Sendable {
        /// A current one, with or without the images: `up` does not try again and again what failed once.
        case usable
        /// A current one with the images where they can be made.
        case best
        /// A new one.
        case again

        /// What will do if it is in the cache, best first.
        func acceptable(_ best: BoxRecipe) -> [BoxRecipe] {
            switch self {
            case .usable: best.images == nil ? [best] : [best, best.plain]
            case .best: [best]
            case .again: []
            }
        }
    }

    /// Makes the box if there is none as wished, and gives it to Vagrant if it is not there yet.
    ///
    /// - Throws: `box.build-failed`, `packages.archive-unreachable`, `disk.full`, `vagrant.failed`, `agent.missing`.
    public func build(reporting progress: any ProgressSink, _ wish: Wish = .usable) async throws -> Box {
        let best = try await recipe()
        let stages = BoxProgress(progress)
        let cached = wish.acceptable(best).first { FileManager.default.fileExists(atPath: file($0)) }
        let recipe: BoxRecipe
        if let cached { recipe = cached } else { recipe = try await make(best, stages) }
        let box = Box(
            hash: recipe.hash, file: file(recipe), built: cached == nil, images: recipe.images != nil)
        if cached != nil, isInstalled(recipe.hash) { return box }
        await stages.say("adding the box to Vagrant", 0.98)
        try await runner.checked(
            VagrantCommand.addBox(box.file, name: Box.name), code: .vagrantFailed,
            what: "Vagrant did not take the box \(box.file).", remedy: "Run `pgaf-host box build` again with --force."
        ) { await stages.take($0) }
        if box.built { removeFormerBoxes(than: box.file) }
        await stages.say("the box is ready", 1)
        return box
    }

    /// Boxes of former inputs have half a gigabyte each. The latest of them is kept, for whoever goes back to it.
    func removeFormerBoxes(than file: String) {
        let files = FileManager.default
        let former = ((try? files.contentsOfDirectory(atPath: cache)) ?? []).map { "\(cache)/\($0)" }
            .filter { $0.hasPrefix(prefix) && $0.hasSuffix(".box") && $0 != file }
            .map { path in
                (path, (try? files.attributesOfItem(atPath: path)[.modificationDate]) as? Date ?? .distantPast)
            }
            .sorted { $0.1 > $1.1 }
        for (path, _) in former.dropFirst() { try? files.removeItem(atPath: path) }
    }

    private var prefix: String { "\(cache)/pgaf-debian-13-" }

    func file(_ recipe: BoxRecipe) -> String { "\(prefix)\(recipe.hash).box" }

    /// What `build` would do for `up`, in words; nil for nothing. Looks only.
    func outlook() async throws -> String? {
        let build = "build the box \(Box.name) from the Debian archive"
        // Vagrant's own key, which goes into the box, comes with Vagrant's first run; before it there is no box.
        guard FileManager.default.fileExists(atPath: "\(vagrantHome)/insecure_private_key") else { return build }
        do {
            let acceptable = Wish.usable.acceptable(try await recipe())
            let cached = acceptable.first { FileManager.default.fileExists(atPath: file($0)) }
            guard let cached else { return build }
            return isInstalled(cached.hash) ? nil : "add the box \(Box.name) to Vagrant"
        } catch let error as PgafError where error.code == .agentMissing {
            // Nobody can tell which images belong into the box.
            return build
        }
    }

    private func isInstalled(_ hash: String) -> Bool {
        guard let data = FileManager.default.contents(atPath: "\(installed)/metadata.json") else { return false }
        return String(decoding: data, as: UTF8.self).contains("\"\(hash)\"")
    }

    /// What the box is made from on this machine.
    func recipe() async throws -> BoxRecipe {
        let architecture = try await runner.run(Command("dpkg", ["--print-architecture"]))
        guard architecture.trimmedOutput == "amd64" else {
            throw PgafError(
                .machineUnsupported,
                "The box can be built on amd64 only, this machine is "
                    + "\(architecture.trimmedOutput).",
                remedy: "Set machine.vagrant.box to a box for this architecture.")
        }
        var targets = try await runner.run(BoxSources.question(downloaded: true))
        if BoxSources.parse(targets.standardOutput).isEmpty {
            targets = try await runner.run(BoxSources.question(downloaded: false))
        }
        let sources = BoxSources.parse(targets.standardOutput)
        guard !sources.isEmpty else {
            throw PgafError(
                .archiveUnreachable, "This machine's apt configuration names no Debian archive to build the box from.",
                remedy: "Add the Debian archive to /etc/apt/sources.list.d, run `sudo apt-get update`, then try again; "
                    + "or set machine.vagrant.box.",
                output: targets.lastLines(4))
        }
        if !FileManager.default.fileExists(atPath: "\(vagrantHome)/insecure_private_key") {
            // Vagrant copies its well-known key there when it first runs.
            _ = try await runner.run(Command("vagrant", ["box", "list"], deadline: .seconds(120)))
        }
        let key = try await runner.checked(
            BoxCommand.publicKey(vagrantHome: vagrantHome), code: .boxBuildFailed,
            what: "Vagrant's own key could not be read in \(vagrantHome).",
            remedy: "Run `vagrant box list`, then the same command again.")
        return BoxRecipe(
            sources: sources, publicKey: key.trimmedOutput, images: isRoot ? try await imageInputs() : nil)
    }

    private func imageInputs() async throws -> String {
        let agent = try agent()
        let inputs = try await runner.checked(
            BoxCommand.imageInputs(agent: agent), code: .boxBuildFailed,
            what: "The agent \(agent) does not say what its images are made from.",
            remedy: "Build it anew with `make agent`, then run the same command again.")
        return inputs.trimmedOutput
    }
}
