import Shared
import TestSupport
import Testing

@Suite struct PasswordStoreTests {
    private let scratch = ScratchDirectory()
    private let files: MachineFiles

    init() throws {
        files = MachineFiles(root: scratch.path)
        try files.makeDirectory("/project/.pgaf")
    }

    private static let file = "/project/.pgaf/secrets.json"

    private func store(_ environment: [String: String] = [:]) -> PasswordStore {
        PasswordStore(file: Self.file, directory: "/project", environment: environment, files: files)
    }

    @Test func generatedPasswordsAreMadeOnceAndKept() async throws {
        let error = await #expect(throws: PgafError.self) {
            try await store().resolve(PasswordSettings(), missing: .refused)
        }
        #expect(error?.code == .secretUnavailable && !files.exists(Self.file))
        let first = try await store().keeping(PasswordSettings())
        #expect(Set(first.all).count == 4)
        #expect(try await store().resolve(PasswordSettings(), missing: .refused) == first)
        #expect(scratch.mode(files.place(Self.file)) == 0o600)
    }

    @Test func whatIsOnlyMadeIsNotKept() async throws {
        let first = try await store().resolve(PasswordSettings(), missing: .made)
        #expect(try await store().resolve(PasswordSettings(), missing: .made) != first)
        #expect(!files.exists(Self.file))
    }

    @Test func onlyGeneratedOnesAreRememberedAndMissed() async throws {
        var settings = PasswordSettings()
        settings.monitor = .environment("PW")
        #expect(try store().forgotten(settings) == ["superuser", "replication", "client"])
        let secrets = try await store(["PW": "own"]).resolve(settings, missing: .made)
        try store().remember(secrets, settings)
        #expect(try store().forgotten(settings).isEmpty)
        #expect(try store().forgotten(PasswordSettings()) == ["monitor"])
        #expect(try await store(["PW": "own"]).resolve(settings, missing: .refused) == secrets)
        #expect(try files.read(Self.file)?.contains("own") == false)
        #expect(scratch.mode(files.place(Self.file)) == 0o600)
    }

    @Test func otherPasswordsAreFetchedEachTime() async throws {
        try files.write("from a file\r\nsecond line\n", to: "/project/pw")
        try files.makeDirectory("/home")
        try files.write("from home", to: "/home/pw")
        var settings = PasswordSettings()
        settings.superuser = .file("pw")
        settings.replication = .file("~/pw")
        settings.client = .environment("PW")
        let secrets = try await store(["PW": "from the environment", "HOME": "/home"]).keeping(settings)
        #expect(secrets.superuser.revealed == "from a file")
        #expect(secrets.replication.revealed == "from home")
        #expect(secrets.client.revealed == "from the environment")
        #expect(try files.read(Self.file)?.contains("from") == false)
    }

    @Test(arguments: try Corpus.cases("paths.txt", of: ["passwords.superuser"]).filter(\.isCarried))
    func aFileOfAnyNameIsRead(_ odd: CorpusCase) async throws {
        try files.write("from \(odd.text)\n", to: "/project/\(odd.text)")
        var settings = PasswordSettings()
        settings.superuser = .file(odd.text)
        #expect(try await store().keeping(settings).superuser.revealed == "from \(odd.text)")
    }

    @Test(arguments: [
        PasswordSource.environment("UNSET"), .environment("EMPTY"), .environment("EVIL"), .environment("CHANGED"),
        .file("/nowhere/pw"), .file("/project"),
    ])
    func unusablePasswordsAreNamedByTheirPlaceOnly(_ source: PasswordSource) async throws {
        var settings = PasswordSettings()
        settings.monitor = source
        let environment = ["EMPTY": "", "EVIL": "top\u{0}secret", "CHANGED": "top ﬁne secret"]
        let error = await #expect(throws: PgafError.self) { try await store(environment).keeping(settings) }
        #expect(error?.code == .secretUnavailable)
        #expect(error?.message.contains("monitor") == true)
        #expect(error?.description.contains("top") == false && error?.description.contains("secret\n") == false)
        #expect(!files.exists(Self.file))
    }

    @Test func aCommandsFirstLineIsThePassword() async throws {
        var settings = PasswordSettings()
        settings.superuser = .command("printf 'it\\nmore\\n'; echo noise >&2")
        let store = PasswordStore(file: Self.file, directory: "/", environment: [:], files: files)
        #expect(try await store.keeping(settings).superuser.revealed == "it")
        #expect(try files.read(Self.file)?.contains("superuser") == false)
        settings.superuser = .command("echo hidden; exit 3")
        let error = await #expect(throws: PgafError.self) { try await store.keeping(settings) }
        #expect(error?.code == .secretUnavailable && error?.message.contains("status 3") == true)
        #expect(error?.description.contains("\nhidden") == false && error?.output.isEmpty == true)
    }

    @Test func onlyTheNamedPasswordsAreReplaced() async throws {
        let first = try await store().keeping(PasswordSettings())
        let second = try await store().resolve(PasswordSettings(), missing: .made, replacing: ["monitor"])
        #expect(second.monitor != first.monitor && second.superuser == first.superuser)
        #expect(try store().rememberedSecrets() == first)
        try store().remember(second, PasswordSettings())
        #expect(try store().rememberedSecrets() == second)
    }

    @Test func aStoreThatEverybodyMayWriteIsRefused() async throws {
        try files.write("{}", to: Self.file, mode: 0o666)
        let error = await #expect(throws: PgafError.self) { try await store().keeping(PasswordSettings()) }
        #expect(error?.code == .fileUnsafe && error?.remedy.contains("chmod go-w \(Self.file)") == true)
    }

    @Test(arguments: ["", "{", "[]", "{\"superuser\": 1}"])
    func aDamagedStoreIsAnErrorWithoutItsText(_ text: String) async throws {
        try files.write(text, to: Self.file)
        let error = await #expect(throws: PgafError.self) { try await store().keeping(PasswordSettings()) }
        #expect(error?.code == .secretUnavailable && error?.message.contains(Self.file) == true)
        #expect(try files.read(Self.file) == text)
    }
}
