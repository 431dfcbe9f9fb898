import Shared
import Testing

@testable import GuestAgent

@Suite struct RolesTests {
    /// Whatever the server is told to log: psql gives it one statement after another.
    @Test func whatAPasswordIsKnownByIsSetUnseen() throws {
        let lines = Roles.setPassword("a", Secret("s3cret")).split(separator: "\n").map(String.init)
        #expect(
            lines.dropLast() == [
                "SET log_min_error_statement = panic;", "SET log_statement = none;",
                "SET log_min_duration_statement = -1;", "SET log_min_duration_sample = -1;",
                "SET log_transaction_sample_rate = 0;", "SET pg_stat_statements.track = none;",
            ])
        let last = try #require(lines.last)
        #expect(last.hasPrefix("ALTER ROLE \"a\" PASSWORD 'SCRAM-SHA-256$") && !last.contains("s3cret"))
    }
}
