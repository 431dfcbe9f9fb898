import Foundation
import Shared
import Testing

@Suite struct ErrorCodeTests {
    private static let readme = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "README.md")

    @Test func theReadmeListsEveryCodeAndNoOther() throws {
        let text = try String(contentsOf: Self.readme, encoding: .utf8)
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") }
        let listed = rows.compactMap { $0.split(separator: "`").dropFirst().first.map(String.init) }
        #expect(Set(listed) == Set(ErrorCode.allCases.map(\.rawValue)))
        #expect(listed.count == Set(listed).count)
    }

    @Test func exitCodesAreThoseOfTheReadme() {
        #expect(Set(ErrorCode.allCases.map(\.exitCode)) == [64, 69, 70, 75, 76, 77, 78, 130])
    }

    @Test func anUnknownCodeOfANewerAgentDecodes() throws {
        let code = try JSONDecoder().decode([ErrorCode].self, from: Data(#"["something.new"]"#.utf8))
        #expect(code == [.internalError])
    }
}
