import Shared

/// Third-party repositories: key fetched and compared with its pinned fingerprint, used for that one alone; lists fetched
/// and checked before anything of the machine's apt is touched, but for the tools that this takes.
public struct AptRepositories: Sendable {
    let runner: any CommandRunner
    let files: MachineFiles
    let apt: Apt

    public init(runner: any CommandRunner, files: MachineFiles, proxy: String? = nil) {
        self.runner = runner
        self.files = files
        apt = Apt(runner: runner, proxy: proxy)
    }

    /// Adds a repository that has been proven, with its key; apt knows it after its next update.
    ///
    /// - Parameter onTrial: whether its packages have yet to be fetched.
    public func add(_ repository: AptRepository, key: String, onTrial: Bool = false) throws {
        try files.makeDirectory("/etc/apt/keyrings", mode: 0o755)
        try files.write(key, to: repository.keyring, mode: 0o644)
        let text = onTrial ? repository.trialText : repository.sourcesText
        try files.write(text, to: repository.sourcesFile, mode: 0o644)
    }

    /// Adds repositories that have been proven, each with its key, and takes them back when the body fails: the machine
    /// then has the lists and keys that it had, without those that a killed run had on trial.
    ///
    /// - Parameter body: what has to come of them.
    func add(
        _ proven: [(repository: AptRepository, key: String)], for body: () async throws -> Void
    ) async throws {
        var former: [(path: String, text: String?)] = []
        for (repository, _) in proven {
            let (key, list) = (try files.read(repository.keyring), try files.read(repository.sourcesFile))
            let isKept = list?.hasPrefix(AptRepository.trialFirstWords) != true
            former.append((path: repository.keyring, text: isKept ? key : nil))
            former.append((path: repository.sourcesFile, text: isKept ? list : nil))
        }
        do {
            for (repository, key) in proven { try add(repository, key: key, onTrial: true) }
            try await body()
            for (repository, key) in proven { try add(repository, key: key) }
        } catch {
            // The failure is told, whether or not a full disk still takes the old text.
            for (path, text) in former {
                if let text { try? files.write(text, to: path, mode: 0o644) } else { try? files.remove(path) }
            }
            throw error
        }
    }

    /// The armored key of a repository that answers, has the suite and the packages, and is signed by the pinned key.
    /// gpg and ca-certificates are installed for that where they are missing, and stay.
    ///
    /// - Parameter packages: what is to be installed from it.
    /// - Throws: `packages.archive-unreachable` when its host does not answer; `packages.failed` when it has another key,
    ///   an expired one, no such suite, lists that the key has not signed, no such package for this machine, or a
    ///   certificate that the machine does not trust.
    public func prove(
        _ repository: AptRepository, packages: [String], onLine: @escaping @Sendable (String) async -> Void
    ) async throws -> String {
        try await require(["ca-certificates", "gpg"], by: [Self.authorities, "/usr/bin/gpg"], onLine: onLine)
        let directory = try emptyDirectory(for: repository)
        defer { try? files.remove(directory) }
        let key = try await verifiedKey(repository, in: directory)
        let keyFile = "\(directory)/key.asc"
        try files.write(key, to: keyFile, mode: 0o644)
        let release = try await fetch(repository.release, to: "\(directory)/InRelease")
        guard release.succeeded else {
            throw Self.distrust(release, of: repository.release, repository)
                ?? PgafError(
                    .packagesFailed, "\(repository.uri) does not give the suite \(repository.suite).",
                    remedy: "Set \(repository.mirrorKey) to a mirror that has it, take a machine or image.base of"
                        + " another release, or set packages.source: debian."
                        + (repository.retirement.map { " \($0)" } ?? ""),
                    cause: "\(repository.release) could not be fetched, though its key could",
                    output: release.lastLines())
        }
        try await proveLists(
            repository, packages: packages, signedBy: keyFile, of: "the key \(repository.fingerprint)",
            in: directory, onLine: onLine)
        return key
    }

    /// The authorities that the machine trusts over TLS.
    static let authorities = "/etc/ssl/certs/ca-certificates.crt"

    /// Installs packages that proofs take, where one of their files is missing; they stay.
    func require(
        _ packages: [String], by paths: [String], onLine: @escaping @Sendable (String) async -> Void
    ) async throws {
        if !paths.allSatisfy(files.exists) { try await apt.install(packages, onLine: onLine) }
    }

    /// A place for the proof of one repository, which apt's own user can read: keys and lists.
    func emptyDirectory(for repository: AptRepository) throws -> String {
        let directory = "\(Self.workspace)-\(repository.name)-\(repository.suite)"
        try files.remove(directory)
        try files.makeDirectory(directory, mode: 0o755)
        return directory
    }

    /// Lets apt fetch and check a repository's lists, past all that the machine has, and looks for packages in them.
    ///
    /// - Parameters:
    ///   - keyFile: path of the keys that alone may have signed them.
    ///   - signer: whose these are, as after "signed by".
    ///   - directory: an empty one of the repository's own; what is in it beside lists is not touched.
    /// - Throws: `packages.failed`.
    func proveLists(
        _ repository: AptRepository, packages: [String], signedBy keyFile: String, of signer: String,
        in directory: String, onLine: @escaping @Sendable (String) async -> Void
    ) async throws {
        try files.makeDirectory("\(directory)/lists/partial", mode: 0o755)
        try files.write(
            "\(repository.sourcesLine(signedBy: keyFile))\n", to: "\(directory)/sources.list", mode: 0o644)
        try await runner.checked(
            apt.updateCommand(of: directory), code: .packagesFailed,
            what:
                "What \(repository.uri) says of its packages in \(repository.suite) is damaged, expired, or not signed"
                + " by \(signer).",
            remedy:
                "Do not use that mirror until it agrees with \(signer); set \(repository.mirrorKey) to another one.",
            onLine: onLine)
        try await requirePackages(packages, of: repository, in: directory)
    }

    /// apt fetches no lists for an architecture that a repository does not have, and says nothing of it.
    private func requirePackages(
        _ packages: [String], of repository: AptRepository, in directory: String
    ) async throws {
        guard !packages.isEmpty else { return }
        let listed = try await runner.run(apt.availableCommand(packages, in: directory))
        let there = Set(
            listed.standardOutput.split(separator: "\n").compactMap { $0.split(separator: "|").first?.trimmed })
        let missing = packages.filter { !there.contains($0) }
        guard !missing.isEmpty else { return }
        throw PgafError(
            .packagesFailed,
            "\(repository.uri) has no \(missing.joined(separator: ", ")) in \(repository.suite) for this machine's"
                + " architecture.",
            remedy:
                "Set \(repository.mirrorKey) to a mirror that has them, or another postgres.version, postgres.packages"
                + " or packages.source.",
            output: listed.lastLines())
    }

    /// Whether a repository has its key and the suite, within seconds.
    func answers(_ repository: AptRepository) async throws -> Bool {
        let target = Self.probe
        defer { try? files.remove(target) }
        for address in [repository.keyURL, repository.release] {
            let command = apt.fetchCommand(address, to: target, patience: 5, retries: 0, deadline: .seconds(20))
            guard try await fetch(command).succeeded else { return false }
        }
        return true
    }

    private static let workspace = "/run/pgaf-repository"
    /// Where `answers` puts what it gets; a plan asks too, and takes no lock.
    private static let probe = "\(workspace)-probe"

    /// Directories in which killed runs were proving repositories, with lists of tens of megabytes in memory. Only whoever
    /// has the machine's lock proves any.
    static func unfinished(_ files: MachineFiles) -> [String] {
        files.list("/run").map { "/run/\($0)" }.filter { $0.hasPrefix("\(workspace)-") && $0 != probe }
    }

    /// A host that takes connections and is silent is given up after four times the patience: apt asks it twice by
    /// itself, and so does the retry.
    ///
    /// Source: `RUN_HEADERS_IO_ERROR` in methods/basehttp.cc of apt; 15 s of patience were 63 s.
    func fetch(_ address: String, to target: String) async throws -> CommandResult {
        try await fetch(apt.fetchCommand(address, to: target, patience: 8, retries: 1, deadline: .seconds(120)))
    }

    /// A host that is too slow fails like one that does not answer.
    private func fetch(_ command: Command) async throws -> CommandResult {
        do {
            return try await runner.run(command)
        } catch let error as PgafError where error.code == .timeout || error.code == .commandNotFound {
            return CommandResult(status: 124, standardError: error.message)
        }
    }
}
