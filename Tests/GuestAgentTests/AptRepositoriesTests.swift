import Shared
import Testing

@testable import GuestAgent

@Suite struct AptRepositoriesTests {
    private static let listing = """
        tru::1:1700000000:0:3:1:5
        pub:-:4096:1:7FCC7D46ACCC4CF8:1318517600:::-:::scESC::::::23::0:
        fpr:::::::::B97B0AFCAA1A47F044F244A07FCB7D46ACCC4CF8:
        uid:-::::1::X::PostgreSQL Debian Repository::::::::::0:
        sub:-:4096:1:AAAA:1:::::e::::::23:
        fpr:::::::::0000000000000000000000000000000000000000:
        """

    private static let available =
        "postgresql-client-16 | 16.4-1.pgdg13+1 | https://apt.postgresql.org/pub/repos/apt trixie-pgdg/main amd64 Packages\n"

    private let repository = SoftwareSource.pgdg("trixie")
    private let machine: TestMachine

    init() throws {
        machine = TestMachine()
        for file in ["/run/x", "/etc/apt/sources.list.d/x", "/usr/bin/gpg", "/etc/ssl/certs/ca-certificates.crt"] {
            try machine.place(file)
        }
        machine.runner.on("apt-get").on("gpg", prints: Self.listing).on("apt-cache", prints: Self.available)
        try serve { _ in true }
    }

    /// A mirror that has what the predicate takes, and what apt says of all else.
    private func serve(or words: String = "404 Not Found", _ has: @escaping @Sendable (String) -> Bool) throws {
        let files = machine.files
        machine.runner.on("/usr/lib/apt/apt-helper") { command in
            let (address, target) = (command.arguments[command.arguments.count - 2], command.arguments.last ?? "")
            guard has(address) else { return CommandResult(status: 100, standardError: "E: \(words)\n") }
            try files.write("KEY", to: target)
            return CommandResult()
        }
    }

    private func prove() async throws -> String {
        try await AptRepositories(runner: machine.runner, files: machine.files).prove(
            repository, packages: ["postgresql-client-16"]
        ) { _ in }
    }

    private func refusal() async -> PgafError? { await #expect(throws: PgafError.self) { try await prove() } }

    /// Nothing of the machine's own apt is touched, and nothing is left.
    private func expectUntouched() {
        #expect(machine.files.list("/etc/apt") == ["sources.list.d"])
        #expect(machine.files.list("/etc/apt/sources.list.d") == ["x"] && machine.files.list("/run") == ["x"])
    }

    @Test func thePrimaryKeyWithItsValidity() {
        let key = AptRepositories.onlyKey(Self.listing)
        #expect(key?.fingerprint == "B97B0AFCAA1A47F044F244A07FCB7D46ACCC4CF8" && key?.validity == "-")
        for text in ["", "fpr:\nfpr::::\n\n", "pub", "\(Self.listing)\npub:-:"] {
            #expect(AptRepositories.onlyKey(text) == nil)
        }
    }

    @Test func aProofIsAKeyASuiteAndListsThatItSigned() async throws {
        let files = machine.files
        machine.runner.on("apt-get") { command in
            let list = command.arguments.first { $0.hasPrefix("Dir::Etc::SourceList=") }?.dropFirst(21) ?? ""
            let text = try files.read(String(list))
            #expect(
                text == "deb [signed-by=/run/pgaf-repository-pgdg-trixie-pgdg/key.asc]"
                    + " https://apt.postgresql.org/pub/repos/apt trixie-pgdg main\n")
            return CommandResult()
        }
        #expect(try await prove() == "KEY")
        let fetched = machine.runner.lines.filter { $0[0].hasSuffix("apt-helper") }.map { $0[$0.count - 2] }
        #expect(
            fetched == [
                "https://www.postgresql.org/media/keys/ACCC4CF8.asc",
                "https://apt.postgresql.org/pub/repos/apt/dists/trixie-pgdg/InRelease",
            ])
        #expect(machine.runner.lines.suffix(2).map(\.last) == ["update", "postgresql-client-16"])
        let asked = try #require(machine.runner.lines.last)
        #expect(asked.contains("Dir::State::Lists=/run/pgaf-repository-pgdg-trixie-pgdg/lists"))
        expectUntouched()
    }

    @Test func aProvenKeySignsItsOwnRepositoryAlone() throws {
        try AptRepositories(runner: machine.runner, files: machine.files).add(repository, key: "KEY")
        #expect(try machine.files.read("/etc/apt/keyrings/pgdg.asc") == "KEY")
        #expect(machine.mode("/etc/apt/keyrings/pgdg.asc") == 0o644)
        let text = try machine.files.read("/etc/apt/sources.list.d/pgdg.list")
        #expect(text == repository.sourcesText && text?.hasSuffix(repository.sourcesLine + "\n") == true)
    }

    /// A kill would leave the list as it is while the body works: it must not be taken for one that is in order.
    @Test func aListIsOnTrialUntilItsPackagesAreThere() async throws {
        let repositories = AptRepositories(runner: machine.runner, files: machine.files)
        let files = machine.files
        func list() throws -> String? { try files.read(repository.sourcesFile) }
        try await repositories.add([(repository, "KEY")]) {
            let text = try list()
            #expect(text == repository.trialText && repository.trialText != repository.sourcesText)
            #expect(repository.trialText.hasSuffix(repository.sourcesLine + "\n"))
        }
        #expect(try list() == repository.sourcesText)
        // What a killed run had on trial is gone when the next one fails; what was in order comes back.
        let cases: [(before: String, after: String?)] = [
            (repository.trialText, nil), (repository.sourcesText, repository.sourcesText),
        ]
        for (before, after) in cases {
            try files.write(before, to: repository.sourcesFile)
            try files.write("KEY", to: repository.keyring)
            await #expect(throws: PgafError.self) {
                try await repositories.add([(repository, "NEW")]) {
                    throw PgafError(.packagesFailed, "", remedy: "")
                }
            }
            #expect(try list() == after)
            #expect(try files.read(repository.keyring) == (after == nil ? nil : "KEY"))
        }
    }

    @Test func toolsThatAreMissingAreInstalledFirst() async throws {
        try machine.files.remove("/usr/bin/gpg")
        _ = try await prove()
        #expect(machine.runner.lines[0].suffix(2) == ["ca-certificates", "gpg"])
    }

    @Test(arguments: [
        listing.replacingBytes(of: "B97B", with: "B97C"), "", "pub:-:\n",
        // A second key in the same file could sign as well.
        listing + "\npub:-:1:1:A:1:\nfpr:::::::::0000000000000000000000000000000000000000:\n",
    ])
    func anotherKeyIsRefusedAndNothingIsWritten(_ listing: String) async {
        machine.runner.on("gpg", prints: listing)
        let error = await refusal()
        #expect(error?.code == .packagesFailed && error?.message.contains("not the one that belongs to pgdg") == true)
        #expect(error?.remedy.contains("packages.keys.pgdg") == true)
        expectUntouched()
    }

    @Test(arguments: [("e", "has expired"), ("r", "was revoked")])
    func aKeyThatHasEndedIsRefused(_ validity: String, _ words: String) async {
        machine.runner.on("gpg", prints: Self.listing.replacingBytes(of: "pub:-", with: "pub:\(validity)"))
        let error = await refusal()
        #expect(error?.code == .packagesFailed && error?.message.contains(words) == true)
        expectUntouched()
    }

    /// Of the key and of what it signs, in the words of apt 2.6 and 3.0.
    @Test(arguments: [
        ("Certificate verification failed: The certificate is NOT trusted.", "does not trust the certificate"),
        ("SSL connection failed: error:0A000086:SSL routines::certificate verify failed / Success", "does not trust"),
        ("Redirection from https to 'http://m/x' is forbidden", "leads away from TLS"),
    ])
    func whatIsNotTrustedOverTLSIsRefused(_ words: String, _ told: String) async throws {
        try serve(or: words) { _ in false }
        let key = await refusal()
        try serve(or: words) { $0.hasSuffix(".asc") }
        let release = await refusal()
        for (error, address) in [(key, repository.keyURL), (release, repository.release)] {
            #expect(error?.code == .packagesFailed && error?.message.contains(address) == true)
            #expect(error?.message.contains(told) == true && error?.output == ["E: \(words)"])
            #expect(error?.remedy.contains("packages.mirrors.pgdg") == true)
        }
        expectUntouched()
    }

    @Test func eachFailureIsTold() async throws {
        try serve { $0.hasSuffix(".asc") }
        let suite = await refusal()
        #expect(suite?.remedy.contains("to https://apt-archive.postgresql.org/pub/repos/apt,") == true)
        #expect(suite?.code == .packagesFailed)
        #expect(suite?.message == "https://apt.postgresql.org/pub/repos/apt does not give the suite trixie-pgdg.")
        #expect(suite?.output == ["E: 404 Not Found"] && suite?.remedy.contains("packages.mirrors.pgdg ") == true)
        try serve { _ in false }
        let dead = await refusal()
        #expect(dead?.code == .archiveUnreachable && dead?.remedy.contains("packages.proxy") == true)
        try serve { _ in true }
        machine.runner.on("apt-get", status: 100, error: "E: is not signed\n")
        let unsigned = await refusal()
        #expect(unsigned?.code == .packagesFailed && unsigned?.output == ["E: is not signed"])
        expectUntouched()
        // Another version, or another architecture, of which apt says nothing.
        machine.runner.on("apt-get").on("apt-cache")
        let other = await refusal()
        #expect(other?.code == .packagesFailed && other?.remedy.contains("postgres.version") == true)
        #expect(other?.message.contains("has no postgresql-client-16 in trixie-pgdg") == true)
        expectUntouched()
    }
}
