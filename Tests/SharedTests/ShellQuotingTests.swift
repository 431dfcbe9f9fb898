import Shared
import TestSupport
import Testing

@Suite struct ShellQuotingTests {
    @Test func quotesWhatAShellCouldMisread() {
        #expect(ShellQuoting.quote("it's $(here)") == "'it'\\''s $(here)'")
        #expect(ShellQuoting.commandLine(["a", "", "b c"]) == "a '' 'b c'")
    }

    /// A real shell gives back every text of the corpus byte for byte; only NUL has no place in an argument.
    @Test func aRealShellGivesBackTheSameBytes() async throws {
        let texts = try Corpus.texts().filter { !$0.utf8.contains(0) } + ["-n", "'''", "ends\n"]
        let script = "printf '%s\\0' " + ShellQuoting.commandLine(texts) + "\n"
        let result = try await SubprocessRunner(limit: 16 << 20).run(Command("sh", [], input: Secret(script)))
        let expected = texts.map { Array($0.utf8) + [0] }.joined()
        #expect(Array(result.standardOutput.utf8) == Array(expected), "\(result.standardError.prefix(200))")
        #expect(result.succeeded && result.standardError.isEmpty)
    }
}
