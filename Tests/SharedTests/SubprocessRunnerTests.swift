import Foundation
import Shared
import Testing

@Suite struct SubprocessRunnerTests {
    @Test func aProgramThatDoesNotReadItsInputIsJudgedByItsStatusAlone() async throws {
        // As both programs do when they start.
        signal(SIGPIPE, SIG_IGN)
        let input = Secret(String(repeating: "SELECT 1;\n", count: 200_000))
        for _ in 0..<20 {
            let result = try await SubprocessRunner().run(
                Command("sh", ["-c", "exec 0<&-; echo gone >&2; exit 3"], input: input))
            #expect(result.status == 3)
            #expect(result.standardError == "gone\n")
        }
    }
}
