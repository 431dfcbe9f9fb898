import Shared

/// The Debian package manager on the machine.
public struct Apt: Sendable {
    let runner: any CommandRunner
    /// Where apt finds its packages, as options; none means what the machine is configured with.
    let source: [String]
    /// `http://HOST:PORT`; nil leaves it to the machine's own configuration.
    let proxy: String?

    public init(runner: any CommandRunner, source: [String] = [], proxy: String? = nil) {
        self.runner = PatientAptRunner(runner: runner)
        self.source = source
        self.proxy = proxy
    }

    static let environment = ["DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"]

    /// Another apt's work with dpkg is waited for instead of failing (its other locks: `PatientAptRunner`); a host that
    /// does not answer is given up after so many seconds, where apt's own patience was two minutes up to Ubuntu 20.04.
    private func options(patience: Int = 30, retries: Int = 3) -> [String] {
        var values = ["DPkg::Lock::Timeout=300", "Acquire::Retries=\(retries)"]
        for scheme in ["http", "https"] {
            values.append("Acquire::\(scheme)::Timeout=\(patience)")
            if let proxy { values.append("Acquire::\(scheme)::Proxy=\(proxy)") }
        }
        return values.flatMap { ["-o", $0] }
    }

    /// - Parameter downloadOnly: whether the packages come into apt's cache and no further.
    public func installCommand(_ packages: [String], downloadOnly: Bool = false) -> Command {
        let verb = downloadOnly ? ["install", "--download-only"] : ["install"]
        return Command(
            "apt-get", options() + source + verb + ["--yes", "--no-install-recommends"] + packages,
            environment: Self.environment, deadline: .seconds(3600))
    }

    /// Fetches one file.
    ///
    /// - Parameter media: types of which the server may choose; none leaves that to apt.
    func fetchCommand(
        _ address: String, to target: String, accepting media: [String] = [], patience: Int, retries: Int,
        deadline: Duration
    ) -> Command {
        Command(
            "/usr/lib/apt/apt-helper",
            options(patience: patience, retries: retries) + Self.accepting(media) + [
                "download-file", address, target,
            ], environment: ["LC_ALL": "C.UTF-8"], deadline: deadline)
    }

    /// apt has no option for this header. It copies the one before it as it is configured, so that another line fits in.
    ///
    /// Source: `SendReq` in apt's methods/http.cc, tried with release 2.6.
    private static func accepting(_ media: [String]) -> [String] {
        guard !media.isEmpty else { return [] }
        let header = "Accept: \(media.joined(separator: ", "))"
        return ["http", "https"].flatMap { scheme in
            [
                "-o", "Acquire::\(scheme)::SendAccept=false", "-o", "Acquire::\(scheme)::User-Agent=pgaf\r\n\(header)",
            ]
        }
    }

    /// Fetches and checks the lists of `DIRECTORY/sources.list` into that directory, past all that apt knows otherwise;
    /// without translations, which Debian's archive has megabytes of.
    func updateCommand(of directory: String) -> Command {
        Command(
            "apt-get",
            options(patience: 10, retries: 1) + Self.places(directory) + [
                "-o", "Acquire::Languages=none", "-o", "APT::Update::Error-Mode=any", "update",
            ],
            environment: Self.environment, deadline: .seconds(300))
    }

    /// Asks the lists that `updateCommand` has fetched for packages: `NAME | VERSION | …`, a line each that is there.
    func availableCommand(_ packages: [String], in directory: String) -> Command {
        Command(
            "apt-cache", Self.places(directory) + ["madison"] + packages, environment: Self.environment,
            deadline: .seconds(60))
    }

    /// A world of apt's own below a directory.
    private static func places(_ directory: String) -> [String] {
        [
            "Dir::Etc::SourceList=\(directory)/sources.list", "Dir::Etc::SourceParts=/dev/null",
            "Dir::State::Lists=\(directory)/lists", "Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache=",
        ].flatMap { ["-o", $0] }
    }

    /// Installs packages; the lists are fetched only when a package is not in them or cannot be had from them.
    public func install(_ packages: [String], onLine: @escaping @Sendable (String) async -> Void) async throws {
        try await persist(
            installCommand(packages), what: "The packages \(packages.joined(separator: ", ")) could not be installed.",
            remedy:
                "Then run `up` again; `apt-get install \(packages.joined(separator: " "))` on the machine shows more.",
            onLine: onLine)
    }

    /// Fetches packages with all that they need into apt's cache, where `install` finds them; apt compares each with the
    /// signed lists.
    ///
    /// - Throws: `packages.failed`, `packages.archive-unreachable`; nothing is installed, not even what was whole.
    func download(_ packages: [String], onLine: @escaping @Sendable (String) async -> Void) async throws {
        try await persist(
            installCommand(packages, downloadOnly: true),
            what: "The packages \(packages.joined(separator: ", ")) could not be fetched whole.",
            remedy: "Nothing was installed: set another one in packages.mirrors, or run `up` again later.",
            onLine: onLine)
    }

    /// Runs a command of `install`; once more with new lists when it fails.
    private func persist(
        _ command: Command, what: String, remedy: String, onLine: @escaping @Sendable (String) async -> Void
    ) async throws {
        let first = try await runner.run(command, onLine: onLine)
        if first.succeeded { return }
        if Self.isInterrupted(first) { try await finishInterrupted(onLine: onLine) }
        try await update(onLine: onLine)
        try await runner.checked(
            command, code: .packagesFailed, what: what,
            remedy:
                "Read apt's last lines: a size or hash that does not match comes from a damaged or tampered mirror."
                + " \(remedy)",
            onLine: onLine)
    }

    /// Whether an earlier installation was cut off in the middle, as by a kill or a loss of power, in the words of dpkg and
    /// apt: until that is finished nothing can be installed.
    static func isInterrupted(_ result: CommandResult) -> Bool {
        let words = ["dpkg was interrupted", "--fix-broken", "dpkg --configure -a"]
        return words.contains { result.standardError.contains($0) || result.standardOutput.contains($0) }
    }

    /// Finishes what was cut off between the unpacking of a package and its configuration: its programs are there, and lack
    /// what their scripts would have made for them.
    func finishIfInterrupted(onLine: @escaping @Sendable (String) async -> Void) async throws {
        let audit = try? await runner.run(
            Command("dpkg", ["--audit"], environment: Self.environment, deadline: .seconds(60)))
        if let audit, !audit.trimmedOutput.isEmpty { try await finishInterrupted(onLine: onLine) }
    }

    /// What fails here fails again, and is told, when the packages are installed.
    private func finishInterrupted(onLine: @escaping @Sendable (String) async -> Void) async throws {
        await onLine("finishing an installation that was interrupted")
        let commands = [
            Command("dpkg", ["--configure", "-a"], environment: Self.environment, deadline: .seconds(3600)),
            Command(
                "apt-get", options() + source + ["--fix-broken", "install", "--yes", "--no-install-recommends"],
                environment: Self.environment, deadline: .seconds(3600)),
        ]
        for command in commands { _ = try await runner.run(command, onLine: onLine) }
    }

    public func update(onLine: @escaping @Sendable (String) async -> Void) async throws {
        // Without this option a mirror that does not answer is only a warning.
        let command = Command(
            "apt-get", options() + source + ["-o", "APT::Update::Error-Mode=any", "update"],
            environment: Self.environment,
            deadline: .seconds(1800))
        try await runner.checked(
            command, code: .archiveUnreachable, what: "A package archive of this machine does not answer.",
            remedy: "Check the machine's network and the entries under /etc/apt, then run `up` again.", onLine: onLine)
    }

    /// Where this machine has its own packages from.
    struct DebianArchive: Sendable, Equatable {
        /// Base address of the Debian archive.
        var main: String
        /// Base address of the archive of security updates; nil where apt knows none.
        var security: String?
    }

    /// The Debian archive that this machine uses, from its own apt configuration.
    ///
    /// - Throws: `packages.archive-unreachable` when apt knows no Debian archive.
    func debianArchive() async throws -> DebianArchive {
        let question = Command(
            "apt-get", ["indextargets", "--format", "$(ORIGIN)|$(COMPONENT)|$(RELEASE)|$(SITE)|$(REPO_URI)"])
        var targets = try await runner.run(question).standardOutput
        if Self.archive(inIndexTargets: targets) == nil {
            try await update(onLine: { _ in })
            targets = try await runner.run(question).standardOutput
        }
        guard let main = Self.archive(inIndexTargets: targets) else {
            throw PgafError(
                .archiveUnreachable, "This machine's apt configuration names no Debian archive.",
                remedy:
                    "Set `packages.mirrors.debian` or `packages.source: pgdg` in pgaf.yaml, or use a Debian machine.")
        }
        var archive = DebianArchive(main: try await mirror(of: main))
        if let security = Self.archive(inIndexTargets: targets, ending: "-security") {
            archive.security = try await mirror(of: security)
        }
        return archive
    }

    private func mirror(of archive: String) async throws -> String {
        guard let list = Self.mirrorList(archive) else { return archive }
        let lines = try await runner.run(Command("cat", [list]))
        guard let mirror = Self.mirror(in: lines.standardOutput) else {
            throw PgafError(
                .archiveUnreachable, "\(list), where this machine's apt has its Debian archive from, names none.",
                remedy: "Set `packages.mirrors.debian` in pgaf.yaml.")
        }
        return mirror
    }

    /// The file that names the archive's mirrors, as Debian's images for clouds have one.
    static func mirrorList(_ archive: String) -> String? {
        let scheme = "mirror+file:"
        guard archive.hasPrefix(scheme) else { return nil }
        let path = archive.dropFirst(scheme.count)
        return String(path.hasSuffix("/") ? path.dropLast() : path)
    }

    /// The first mirror of such a file; what follows on a line is about it.
    static func mirror(in list: String) -> String? {
        list.split(separator: "\n").compactMap { $0.split(whereSeparator: \.isWhitespace).first.map(String.init) }
            .first { $0.hasPrefix("http://") || $0.hasPrefix("https://") }
    }

    /// The repository of the main suite; or of the one with that ending, such as `-security`.
    static func archive(inIndexTargets text: String, ending: String = "") -> String? {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 5, fields[0] == "Debian", fields[1] == "main",
                fields[2].drop(while: { $0 != "-" }) == ending
            else { continue }
            return fields[4]
        }
        return nil
    }
}
