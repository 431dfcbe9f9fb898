import Foundation
import TestSupport
import Testing

/// The pages that promise something name in the last column of their tables the test that proves it.
@Suite struct NamedTestsTests {
    /// One row of a table with a column called `test`.
    private struct Row {
        var line: Int
        var cells: [String]

        /// What stands in backticks in the last column.
        var names: [String] {
            cells[cells.count - 1].split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset % 2 == 1 }.map { String($0.element) }
        }
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: "\(PgafProject.root)/\(path)", encoding: .utf8)
    }

    private static func rows(of page: String) throws -> [Row] {
        var rows: [Row] = []
        var isTable = false
        let lines = try text("docs/\(page)").split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            guard line.hasPrefix("| ") else {
                isTable = isTable && line.hasPrefix("|")
                continue
            }
            let cells = line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
            if isTable { rows.append(Row(line: index + 1, cells: cells)) }
            isTable = isTable || cells.last == "test"
        }
        return rows
    }

    /// Every function of Tests/ that carries `@Test`.
    private static func tests() throws -> Set<String> {
        let directory = "\(PgafProject.root)/Tests"
        let files = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
        var found: Set<String> = []
        for file in files where file.hasSuffix(".swift") {
            var isAnnounced = false
            for line in try text("Tests/\(file)").split(separator: "\n") {
                isAnnounced = isAnnounced || line.trimmingCharacters(in: .whitespaces).hasPrefix("@Test")
                guard isAnnounced, let start = line.firstRange(of: "func ")?.upperBound else { continue }
                found.insert(String(line[start...].prefix { $0.isLetter || $0.isNumber || $0 == "_" }))
                isAnnounced = false
            }
        }
        return found
    }

    @Test(arguments: ["from-the-scripts.md", "security.md", "reliability.md", "pooler.md"])
    func everyTestThatAPageNamesExists(_ page: String) throws {
        let rows = try Self.rows(of: page)
        let tests = try Self.tests()
        let targets =
            try Self.text("Makefile").split(separator: "\n").first { $0.hasPrefix(".PHONY: ") }?
            .split(separator: " ").map { "make \($0)" } ?? []
        #expect(rows.count > 4 && tests.count > 500)
        for row in rows {
            for name in row.names {
                #expect(tests.contains(name) || targets.contains(name), "\(page):\(row.line): there is no \(name)")
            }
        }
    }

    @Test(arguments: ["from-the-scripts.md", "security.md", "reliability.md", "pooler.md"])
    func everyRowIsFullAndNamesATestOrSaysThatThereIsNone(_ page: String) throws {
        for row in try Self.rows(of: page) {
            #expect(!row.cells.contains(""), "\(page):\(row.line): an empty cell")
            let isNone = ["none: ", "not yet: "].contains { row.cells.last?.hasPrefix($0) == true }
            #expect(isNone || !row.names.isEmpty, "\(page):\(row.line): \(row.cells.last ?? "")")
        }
    }
}
