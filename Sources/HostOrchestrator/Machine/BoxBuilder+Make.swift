import Foundation
import Shared

extension BoxBuilder {
    /// Programs that the build needs, an option that only shows something, and the Debian packages that have them.
    private static let tools: [(String, String, String)] = [
        ("mmdebstrap", "--version", "mmdebstrap"), ("qemu-img", "--version", "qemu-utils"),
        ("syslinux", "--version", "syslinux"), ("mcopy", "--version", "mtools"), ("sfdisk", "--version", "fdisk"),
        ("mkfs.ext4", "-V", "e2fsprogs"),
    ]
    private static let bootCode = "/usr/lib/syslinux/mbr/mbr.bin"

    /// Builds in a directory of its own and moves the finished box into place at the end: a build that dies leaves
    /// nothing that could be taken for a box.
    func make(_ recipe: BoxRecipe, into file: String, _ stages: BoxProgress) async throws {
        try await requireTools()
        let top = "\(scratch)/pgaf-box-\(UUID().uuidString)"
        // In a user namespace another user id writes the results: its name cannot be guessed, its parent not listed.
        let work = "\(top)/\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: top) }
        try prepare(recipe, work: work)
        try requireSpace()

        let commands = BoxCommand(work: work)
        await stages.say("making the box: the base system of the nodes' image", 0.01)
        let base = try await runner.run(commands.base) { await stages.output($0) }
        guard base.succeeded else { throw Self.failure(base) }
        await stages.say("making the box: downloading and installing packages", 0.02)
        let built = try await runner.run(commands.bootstrap(bootCode: Self.bootCode)) { await stages.take($0) }
        guard built.succeeded else { throw Self.failure(built) }
        await stages.say("making the box: compressing the disk", 0.8)
        let remedy = "Free disk space under \(scratch), then run `pgaf-host box build` again."
        try await runner.checked(
            commands.convert, code: .boxBuildFailed, what: "The box's disk could not be compressed.", remedy: remedy)
        let partial = "\(file).partial"
        try await runner.checked(
            commands.pack(into: partial), code: .boxBuildFailed, what: "The box could not be packed.", remedy: remedy)
        try attempt("move the box into \(cache)") {
            if FileManager.default.fileExists(atPath: file) { try FileManager.default.removeItem(atPath: file) }
            try FileManager.default.moveItem(atPath: partial, toPath: file)
        }
    }

    private func prepare(_ recipe: BoxRecipe, work: String) throws {
        let files = FileManager.default
        try attempt("prepare the build of the box in \(work)") {
            try files.createDirectory(atPath: cache, withIntermediateDirectories: true)
            try files.createDirectory(atPath: "\(work)/out", withIntermediateDirectories: true)
            let base = URL(fileURLWithPath: work).deletingLastPathComponent().path
            try files.setAttributes([.posixPermissions: 0o711], ofItemAtPath: base)
            try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: work)
            try files.setAttributes([.posixPermissions: 0o777], ofItemAtPath: "\(work)/out")
            let contents = [
                "prepare.sh": BoxScript.prepare, "proc.sh": BoxScript.proc, "customize.sh": BoxScript.customize,
                "image.sh": BoxScript.image,
                "vagrant.pub": recipe.publicKey + "\n", "metadata.json": recipe.metadata,
                "Vagrantfile": BoxRecipe.vagrantfile,
                "sources.list": recipe.sources.map { $0 + "\n" }.joined(),
            ]
            for (name, text) in contents {
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(work)/\(name)"))
                try files.setAttributes([.posixPermissions: 0o644], ofItemAtPath: "\(work)/\(name)")
            }
        }
    }

    private func requireTools() async throws {
        var missing: [String] = []
        // An ordinary user builds in a user namespace; root needs none.
        let namespaces = NSUserName() == "root" ? [] : [("newuidmap", "--help", "uidmap")]
        for (program, option, package) in Self.tools + namespaces {
            do {
                _ = try await runner.run(Command(program, [option], deadline: .seconds(30)))
            } catch let error as PgafError where error.code == .commandNotFound {
                missing.append(package)
            }
        }
        if !FileManager.default.fileExists(atPath: Self.bootCode) { missing.append("syslinux-common") }
        guard missing.isEmpty else {
            throw PgafError(
                .boxBuildFailed,
                "Building the box needs programs that are missing here: "
                    + missing.joined(separator: ", ") + ".",
                remedy: "sudo apt-get install \(missing.joined(separator: " "))")
        }
    }

    /// 3 GB: 0.8 for packages, 0.8 for the disk, 0.6 for image and box, and room for growth.
    private func requireSpace() throws {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: scratch)
        guard let free = attributes?[.systemFreeSize] as? NSNumber, free.int64Value < 3 << 30 else { return }
        throw PgafError(
            .diskFull, "Building the box needs 3 GB under \(scratch); \(free.int64Value >> 20) MB are free.",
            remedy: "Free disk space, or set TMPDIR to a directory with room.")
    }

    private func attempt(_ what: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            throw PgafError(
                .fileFailed, "Could not \(what).", remedy: "Check its permissions and the free space of its disk.",
                cause: String(describing: error))
        }
    }

    /// apt's and mmdebstrap's own words decide: they give the same exit status for everything.
    static func failure(_ result: CommandResult) -> PgafError {
        let lines = result.lastLines(30)
        func says(_ parts: String...) -> Bool { lines.contains { line in parts.contains { line.contains($0) } } }
        if says("No space left on device") {
            return PgafError(
                .diskFull, "The disk ran full while the box was built.",
                remedy: "Free 3 GB, then run `pgaf-host box build` again.", output: lines.suffix(12).map { $0 })
        }
        if says("Temporary failure resolving", "Could not connect", "Failed to fetch", "Could not resolve") {
            return PgafError(
                .archiveUnreachable, "The Debian archive did not answer while the box was built.",
                remedy: "Check the network and `sudo apt-get update`, then run `pgaf-host box build` again.",
                output: lines.suffix(12).map { $0 })
        }
        return PgafError(
            .boxBuildFailed, "The box could not be built.",
            remedy: "Correct what the last lines name, then run `pgaf-host box build` again.",
            cause: "mmdebstrap ended with status \(result.status)", output: lines.suffix(12).map { $0 })
    }
}
