import Foundation
import Testing

/// Who gets in, as a table of docs/security.md says it: the tests' only expectation, so that it stays true.
package struct AccessTable: Sendable {
    /// From where, in the page's words.
    package enum Place: String, Sendable {
        case network = "the network of the containers"
        case monitor = "the monitor's own address"
        case clients = "`access.client_cidr`"
    }

    package struct Row: Hashable, Sendable {
        package var place: Place
        /// The monitor, else every node.
        package var isMonitor: Bool
        /// nil means `access.client_user`.
        package var user: String?
        /// `replication` is a connection for replication, which is to no database and so not one of `all`.
        package var databases: [String]

        func opens(_ database: String) -> Bool {
            databases.contains(database) || (databases.contains("all") && database != "replication")
        }
    }

    package let rows: [Row]

    private static let heading = "| from | server | user | databases |\n|---|---|---|---|\n"

    package init() throws {
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

    /// The rows that let somebody in: over TLS and with the right password only.
    ///
    /// - Parameters:
    ///   - places: to all of which the address belongs that the server sees.
    ///   - clientUser: `access.client_user`.
    package func rows(
        for attempt: AccessAttempt, from places: Set<Place>, clientUser: String = "postgres"
    ) -> [Row] {
        guard attempt.password == "right", attempt.mode != "disable" else { return [] }
        return rows.filter { row in
            places.contains(row.place) && row.isMonitor == attempt.isMonitor
                && (row.user ?? clientUser) == attempt.user && row.opens(attempt.database)
        }
    }
}
