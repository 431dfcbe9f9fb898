import Shared
import TestSupport
import Testing

@testable import GuestAgent

@Suite struct SQLTests {
    @Test func plainValues() {
        #expect(SQL.literal("a") == "'a'" && SQL.literal("") == "''" && SQL.literal("it's") == "'it''s'")
        #expect(SQL.literal(#"a\'b"#) == #"E'a\\''b'"#)
        #expect(SQL.identifier("App \"x\"") == #""App ""x""""#)
    }

    /// What PostgreSQL's scanner makes of one token in quotes; nil when the token ends before the text does.
    private func read(_ text: String, quote: Unicode.Scalar) -> [UInt8]? {
        var rest = Array(text.unicodeScalars)[...]
        let escapes = rest.first == "E"
        if escapes { rest.removeFirst() }
        guard rest.popFirst() == quote else { return nil }
        var value = String.UnicodeScalarView()
        while let scalar = rest.popFirst() {
            if escapes, scalar == "\\" {
                guard rest.popFirst() == "\\" else { return nil }
                value.append("\\")
            } else if scalar == quote {
                guard rest.first == quote else { return rest.isEmpty ? Array(String(value).utf8) : nil }
                rest.removeFirst()
                value.append(quote)
            } else if !escapes, quote == "'", scalar == "\\" {
                return nil
            } else {
                value.append(scalar)
            }
        }
        return nil
    }

    @Test func everyTextComesBackAsItWasGiven() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<5000 {
            let text = random.hostileText()
            #expect(read(SQL.literal(text), quote: "'") == Array(text.utf8), "\(text.debugDescription)")
            #expect(read(SQL.identifier(text), quote: "\"") == Array(text.utf8), "\(text.debugDescription)")
        }
    }
}

@Suite struct PsqlTests {
    @Test func theWholeLineWithTheStatementsAsInput() {
        let command = Psql.command("pgnode1", database: "db", sql: "SELECT 'secret';")
        #expect(
            command
                == Command(
                    "docker",
                    [
                        "exec", "--interactive", "--user", "postgres", "pgnode1", "psql", "--no-psqlrc", "--quiet",
                        "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1", "--dbname", "db", "--file", "-",
                    ], input: Secret("SELECT 'secret';"), deadline: .seconds(600)))
        #expect(!command.display.contains("SELECT"))
    }

    @Test func anAttemptThatFailsIsNil() async throws {
        let runner = ScriptedRunner().on("docker", "exec", status: 2, error: "no server")
        #expect(try await Psql(runner: runner).attempt("a", "SELECT 1;") == nil)
        let missing = ScriptedRunner().lacks("docker")
        #expect(try await Psql(runner: missing).attempt("a", "SELECT 1;") == nil)
    }

    @Test func aCheckedFailureHasItsCodeAndPsqlsWords() async throws {
        let runner = ScriptedRunner().on("docker", "exec", status: 3, error: "ERROR:  no\n")
        let error = await #expect(throws: PgafError.self) {
            try await Psql(runner: runner).checked("a", "SELECT 1;", code: .accessFailed, what: "It failed.")
        }
        #expect(error?.code == .accessFailed && error?.message == "It failed." && error?.output == ["ERROR:  no"])
    }

    @Test func theClientsLineCarriesNoPassword() {
        let command = ClientCheck.command(
            address: "127.0.0.1", port: 5001, user: "u", database: "d", passwords: "/p", authority: "/ca")
        #expect(
            command.arguments == [
                "--no-psqlrc", "--no-password", "--quiet", "--no-align", "--tuples-only", "--command", "SELECT 1",
            ])
        #expect(command.environment["PGPASSFILE"] == "/p" && command.environment["PGPASSWORD"] == nil)
        #expect(command.environment["PGSSLMODE"] == "verify-full" && command.environment["PGSSLROOTCERT"] == "/ca")
    }
}
