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
    ///
    /// - Returns: what was made: the recipe, or the plain one where the images could not be put into the box.
    func make(_ wanted: BoxRecipe, _ stages: BoxProgress) async throws -> BoxRecipe {
        try await requireTools()
        let lock = try takeTurn()
        defer { withExtendedLifetime(lock) {} }
        let top = "\(scratch)/\(Self.work)\(UUID().uuidString)"
        // In a user namespace another user id writes the results: its name cannot be guessed, its parent not listed.
        let work = "\(top)/\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: top) }
        try prepare(wanted, work: work)
        try requireSpace()

        let commands = BoxCommand(work: work, isRoot: isRoot)
        if wanted.images == nil { await stages.note(Self.onlyRoot) }
        await stages.say("making the box: the base system of the nodes' image", 0.01)
        let base = try await runner.run(commands.base) { await stages.output($0) }
        guard base.succeeded else { throw Self.failure(base) }
        await stages.say("making the box: downloading and installing packages", 0.15)
        let agent = wanted.images == nil ? nil : try agent()
        let built = try await runner.run(commands.bootstrap(bootCode: Self.bootCode, agent: agent)) {
            await stages.take($0)
        }
        guard built.succeeded else { throw Self.failure(built) }
        let hasImages = FileManager.default.fileExists(atPath: "\(work)/out/images")
        let made = hasImages ? wanted : wanted.plain
        if wanted.images != nil, !hasImages { await stages.note(Self.withoutImages(built)) }
        try write(["metadata.json": made.metadata], in: work)
        await stages.say("making the box: compressing the disk", 0.88)
        try await finish(commands, file: file(made))
        return made
    }

    private static let work = "pgaf-box-"

    /// One box is made at a time, and what is left of an earlier one that was killed goes: it has gigabytes.
    private func takeTurn() throws -> FileLock {
        try MachineFiles().makeDirectory(cache, mode: 0o755)
        let lock = try FileLock(
            "\(cache)/lock", subject: "the box", holder: "a pgaf-host with the process id \(getpid())")
        for name in MachineFiles().list(scratch) where name.hasPrefix(Self.work) {
            // In a directory that all users share some are somebody else's.
            try? MachineFiles().remove("\(scratch)/\(name)")
        }
        return lock
    }

    private func finish(_ commands: BoxCommand, file: String) async throws {
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

    static let onlyRoot =
        "the box is made without the image of the cluster's nodes, since only root can put it there: each machine makes"
        + " it by itself"

    /// Why the images are not in the box, in the words of the step that failed.
    static func withoutImages(_ result: CommandResult) -> String {
        let lines = (result.standardError + "\n" + result.standardOutput).split(whereSeparator: \.isNewline)
        let reason = lines.last { $0.contains(": failed: ") }.map { " (\($0))" } ?? ""
        return
            "the image of the cluster's nodes could not be put into the box\(reason): each machine makes it by itself"
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
        }
        var contents = [
            "vagrant.pub": recipe.publicKey + "\n", "Vagrantfile": BoxRecipe.vagrantfile,
            "sources.list": recipe.sources.map { $0 + "\n" }.joined(),
        ]
        for (name, script) in BoxScript.all { contents["\(name).sh"] = script }
        try write(contents, in: work)
    }

    private func write(_ contents: [String: String], in work: String) throws {
        try attempt("prepare the build of the box in \(work)") {
            for (name, text) in contents {
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(work)/\(name)"))
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o644], ofItemAtPath: "\(work)/\(name)")
            }
        }
    }

    private func requireTools() async throws {
        var missing: [String] = []
        // Where Debian has sfdisk and mkfs.ext4, which is not on the path of ordinary users; mmdebstrap looks there too.
        let places = ProgramPath.withSystemPrograms(ProcessInfo.processInfo.environment["PATH"])
        // An ordinary user builds in a user namespace; root needs none.
        let namespaces = isRoot ? [] : [("newuidmap", "--help", "uidmap")]
        for (program, option, package) in Self.tools + namespaces {
            do {
                _ = try await runner.run(
                    Command(program, [option], environment: ["PATH": places], deadline: .seconds(30)))
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

    /// 4 GB: 1.2 for packages and images, 1.2 for the disk, 1 for image and box, and room for growth.
    private func requireSpace() throws {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: scratch)
        guard let free = attributes?[.systemFreeSize] as? NSNumber, free.int64Value < 4 << 30 else { return }
        throw PgafError(
            .diskFull, "Building the box needs 4 GB under \(scratch); \(free.int64Value >> 20) MB are free.",
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

    static func failure(_ result: CommandResult) -> PgafError {
        let again = "then run `pgaf-host box build` again."
        let (message, remedy): (String, String)
        let code = result.archiveFailure(otherwise: .boxBuildFailed)
        switch code {
        case .diskFull: (message, remedy) = ("The disk ran full while the box was built.", "Free 4 GB, \(again)")
        case .archiveUnreachable:
            message = "The Debian archive did not answer while the box was built."
            remedy = "Check the network and `sudo apt-get update`, \(again)"
        default: (message, remedy) = ("The box could not be built.", "Correct what the last lines name, \(again)")
        }
        return PgafError(
            code, message, remedy: remedy, cause: "mmdebstrap ended with status \(result.status)",
            output: result.lastLines(12))
    }
}
