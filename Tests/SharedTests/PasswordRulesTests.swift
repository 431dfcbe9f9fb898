import Shared
import TestSupport
import Testing

/// The rule was compared with PostgreSQL 17, which made verifiers from 504,160 texts that pass: all scalars that do and
/// 200,000 mixtures; and for every scalar with Python's tables of RFC 3454.
@Suite struct PasswordRulesTests {
    private let scratch = ScratchDirectory()

    /// From a file, where bytes are what somebody has written; what is refused is never shown.
    @Test(arguments: try Corpus.cases("passwords.txt")) func isTakenAsItIsOrRefused(_ hostile: CorpusCase) async throws
    {
        let files = MachineFiles(root: scratch.path)
        try files.makeDirectory("/p")
        try files.write(hostile.bytes + Array("\nsecond line\n".utf8), to: "/p/pw", mode: 0o600)
        var settings = PasswordSettings()
        settings.superuser = .file("pw")
        let store = PasswordStore(file: "/p/secrets.json", directory: "/p", environment: [:], files: files)
        guard case .refused(let code) = hostile.fate else {
            let secret = try await store.keeping(settings).superuser
            #expect(Array(secret.revealed.utf8) == hostile.bytes)
            return
        }
        let error = await #expect(throws: PgafError.self) { try await store.keeping(settings) }
        #expect(error?.code == code)
        #expect(hostile.isToldBy(error?.message ?? ""), "\(error?.message ?? "")")
        #expect(hostile.bytes.count < 4 || error?.description.contains(hostile.text) == false)
    }

    @Test func aFirstLineMayEndAsOnWindows() async throws {
        let files = MachineFiles(root: scratch.path)
        try files.write("pencil\r\nmore", to: "/pw", mode: 0o600)
        var settings = PasswordSettings()
        settings.superuser = .file("/pw")
        let store = PasswordStore(file: "/secrets.json", directory: "/", environment: [:], files: files)
        #expect(try await store.keeping(settings).superuser.revealed == "pencil")
    }

    /// ASCII always passes, whatever is beside what.
    @Test func allOfASCII() async throws {
        for code in UInt8(0x20)..<0x7f {
            let text = "a\(Unicode.Scalar(code))"
            var settings = PasswordSettings()
            settings.superuser = .environment("PW")
            let files = MachineFiles(root: scratch.path)
            let store = PasswordStore(
                file: "/secrets.json", directory: "/", environment: ["PW": text], files: files)
            #expect(try await store.keeping(settings).superuser.revealed == text)
        }
    }
}
