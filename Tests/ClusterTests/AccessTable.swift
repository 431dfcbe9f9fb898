import Foundation
import TestSupport
import Testing

/// Who gets in, as a table of docs/security.md says it: the test's only expectation, so that it stays true.
struct AccessTable {
    /// From where, in the page's words.
    enum Place: String {
        case network = "the network of the containers"
        case monitor = "the monitor's own address"
        case clients = "`access.client_cidr`"
    }

    struct Row: Hashable {
        var place: Place
        /// The monitor, else every node.
        var isMonitor: Bool
        /// nil means `access.client_user`.
        var user: String?
        /// `replication` is a connection for replication, which is to no database and so not one of `all`.
        var databases: [String]

        func opens(_ database: String) -> Bool {
            databases.contains(database) || (databases.contains("all") && database != "replication")
        }
    }

    let rows: [Row]

    private static let heading = "| from | server | user | databases |\n|---|---|---|---|\n"

    init() throws {
        let page = try String(contentsOfFile: "\(PgafProject.root)/docs/security.md", encoding: .utf8)
        let start = try #require(page.range(of: Self.heading)?.upperBound)
        let lines = page[start...].split(separator: "\n", omittingEmptySubsequences: false)
        rows = try lines.prefix { $0.hasPrefix("| ") }.map { try Self.row(String($0)) }
    }

    private static func row(_ line: String) throws -> Row {
        let cells = line.dropFirst(2).dropLast(2).components(separatedBy: " | ")
        try #require(cells.count == 4, "\(line)")
        try #require(["monitor", "nodes"].contains(cells[1]), "\(line)")
        let place = try #require(Place(rawValue: cells[0]), "\(line)")
        // A word in backticks, with an explanation after it.
        let user = try #require(cells[2].split(separator: "`").first.map { String($0) }, "\(line)")
        let databases = cells[3].components(separatedBy: ", ").map { $0.replacing("`", with: "") }
        return Row(
            place: place, isMonitor: cells[1] == "monitor", user: user == "access.client_user" ? nil : user,
            databases: databases)
    }
}
