import Shared
import Testing

@Suite struct ShellQuotingTests {
    @Test func quotesWhatAShellCouldMisread() {
        #expect(ShellQuoting.quote("it's $(here)") == "'it'\\''s $(here)'")
        #expect(ShellQuoting.commandLine(["a", "", "b c"]) == "a '' 'b c'")
    }

    @Test(arguments: ["plain", "", "a'b", "$(id)", "`id`", "\n\t", "ü 🐘", "-n", "\\", "'''", "a\"b"])
    func aRealShellGivesBackTheSameBytes(_ text: String) async throws {
        let result = try await SubprocessRunner().run(
            Command("sh", ["-c", "printf %s \(ShellQuoting.quoteIfNeeded(text))"]))
        #expect(result.standardOutput == text)
    }
}
