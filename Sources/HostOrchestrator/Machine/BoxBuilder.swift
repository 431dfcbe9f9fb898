import Foundation
import Shared

/// Makes the Debian 13 box for libvirt from the Debian archive that this machine uses.
///
/// Kept in a cache by the hash of its inputs and made again only when they change. Needs about 2 GB of disk while it
/// builds and 300 MB afterwards, in the cache and again in Vagrant's home.
public struct BoxBuilder: Sendable {
    let runner: any CommandRunner
    /// Finished boxes.
    let cache: String
    /// `VAGRANT_HOME`.
    let vagrantHome: String
    /// Where the box is put together; for an ordinary user outside of his home, which a user namespace may not enter.
    let scratch: String

    public init(
        runner: any CommandRunner = SubprocessRunner(),
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.runner = runner
        let home = environment["HOME"] ?? NSHomeDirectory()
        let cacheHome = environment["XDG_CACHE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "\(home)/.cache"
        cache = "\(cacheHome)/pgaf/boxes"
        vagrantHome = environment["VAGRANT_HOME"] ?? "\(home)/.vagrant.d"
        scratch = NSUserName() == "root" ? cache : environment["TMPDIR"] ?? "/var/tmp"
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

    /// Makes the box if its inputs changed (or `force`), and gives it to Vagrant if it is not there yet.
    ///
    /// - Throws: `box.build-failed`, `packages.archive-unreachable`, `disk.full`, `vagrant.failed`.
    public func build(reporting progress: any ProgressSink, force: Bool = false) async throws -> Box {
        let recipe = try await recipe()
        let stages = BoxProgress(progress)
        let file = file(recipe)
        let cached = FileManager.default.fileExists(atPath: file)
        if cached, !force, isInstalled(recipe.hash) { return Box(hash: recipe.hash, file: file, built: false) }
        if !cached || force { try await make(recipe, into: file, stages) }
        await stages.say("adding the box to Vagrant", 0.95)
        try await runner.checked(
            VagrantCommand.addBox(file, name: Box.name), code: .vagrantFailed,
            what: "Vagrant did not take the box \(file).", remedy: "Run `pgaf-host box build` again with --force."
        ) { await stages.take($0) }
        await stages.say("the box is ready", 1)
        return Box(hash: recipe.hash, file: file, built: !cached || force)
    }

    private func file(_ recipe: BoxRecipe) -> String { "\(cache)/pgaf-debian-13-\(recipe.hash).box" }

    /// What `build` would do, in words; nil for nothing. Looks only.
    func outlook() async throws -> String? {
        let build = "build the box \(Box.name) from the Debian archive"
        // Vagrant's own key, which goes into the box, comes with Vagrant's first run; before it there is no box.
        guard FileManager.default.fileExists(atPath: "\(vagrantHome)/insecure_private_key") else { return build }
        let recipe = try await recipe()
        guard FileManager.default.fileExists(atPath: file(recipe)) else { return build }
        return isInstalled(recipe.hash) ? nil : "add the box \(Box.name) to Vagrant"
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
        return BoxRecipe(sources: sources, publicKey: key.trimmedOutput)
    }
}
