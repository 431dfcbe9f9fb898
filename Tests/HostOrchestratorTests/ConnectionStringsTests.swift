import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

@Suite struct ConnectionStringsTests {
    private func strings(user: String = "postgres", database: String = "myappdb") -> ConnectionStrings {
        ConnectionStrings(
            nodes: [
                .init(name: "pgnode1", endpoint: Endpoint(address: "127.0.0.1", port: 5001)),
                .init(name: "pgnode2", endpoint: Endpoint(address: "::1", port: 2202)),
            ],
            monitor: .init(name: "monitor_node", endpoint: Endpoint(address: "127.0.0.1", port: 5430)), user: user,
            database: database, monitorUser: "autoctl_node")
    }

    @Test func theClusterIsOneStringWithAllNodes() {
        #expect(
            strings().cluster()
                == "postgresql://postgres@127.0.0.1:5001,[::1]:2202/myappdb?sslmode=require&target_session_attrs=read-write"
        )
    }

    @Test func eachNodeAndTheMonitorHaveTheirOwn() {
        #expect(strings().node(strings().nodes[0]) == "postgresql://postgres@127.0.0.1:5001/myappdb?sslmode=require")
        #expect(
            strings().monitor(password: Secret("pw"))
                == "postgresql://autoctl_node:pw@127.0.0.1:5430/pg_auto_failover?sslmode=require")
    }

    @Test func everyPartIsPercentEncoded() {
        let uri = strings(user: "o'brien@home", database: "a/b?c#d").node(
            strings().nodes[0], password: Secret("p:w@d/%é 1"))
        #expect(
            uri
                == "postgresql://o%27brien%40home:p%3Aw%40d%2F%25%C3%A9%201@127.0.0.1:5001/a%2Fb%3Fc%23d?sslmode=require"
        )
    }

    @Test func thePasswordFileEscapesColonsAndBackslashes() {
        let secrets = ClusterSecrets(
            superuser: Secret("a:b\\c"), monitor: Secret("m"), replication: Secret("r"), client: Secret("c"))
        #expect(
            PasswordFile.text(strings(), secrets) == """
                127.0.0.1:5001:*:postgres:a\\:b\\\\c
                \\:\\:1:2202:*:postgres:a\\:b\\\\c
                127.0.0.1:5430:*:autoctl_node:m

                """)
        #expect(PasswordFile.text(strings(user: "app"), secrets).contains("127.0.0.1:5001:*:app:c\n"))
    }

    @Test func psqlGetsNoPasswordInItsArguments() {
        let command = Psql.command(
            "/usr/bin/psql", strings(), node: "pgnode2", passwordFile: "/p/.pgaf/pgpass", arguments: ["-c", "select 1"])
        #expect(
            command
                == Command(
                    "/usr/bin/psql",
                    ["--dbname", "postgresql://postgres@[::1]:2202/myappdb?sslmode=require", "-c", "select 1"],
                    environment: ["PGPASSFILE": "/p/.pgaf/pgpass"], deadline: nil))
    }
}

/// Every password that is taken, as libpq reads it back from the two places that pgaf writes it to.
@Suite struct CorpusConnectionTests {
    private static let passwords = try? Corpus.cases("passwords.txt").filter(\.isCarried).map(\.text)

    private func strings(user: String = "app", database: String = "db") -> ConnectionStrings {
        let node = ConnectionStrings.Target(name: "n", endpoint: Endpoint(address: "fd00::1", port: 5001))
        return ConnectionStrings(
            nodes: [node], monitor: node, user: user, database: database, monitorUser: "autoctl_node")
    }

    /// The fields of a line of a password file: by bytes, a backslash takes the next one as it is.
    private func fields(_ line: [UInt8]) -> [[UInt8]] {
        var fields: [[UInt8]] = [[]]
        var rest = line[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\\"): fields[fields.count - 1].append(rest.popFirst() ?? byte)
            case UInt8(ascii: ":"): fields.append([])
            default: fields[fields.count - 1].append(byte)
            }
        }
        return fields
    }

    @Test func aPasswordFileCarriesThem() throws {
        for password in try #require(Self.passwords) {
            let other = Secret("x")
            let secrets = ClusterSecrets(
                superuser: other, monitor: other, replication: other, client: Secret(password))
            let line = Array(PasswordFile.text(strings(), secrets).utf8).split(separator: UInt8(ascii: "\n"))[0]
            #expect(
                fields(Array(line))
                    == ["fd00::1", "5001", "*", "app"].map { Array($0.utf8) } + [Array(password.utf8)],
                "\(password.debugDescription)")
        }
    }

    /// By RFC 3986 a part ends where the next begins, and `%` and two digits are a byte.
    @Test func aURICarriesEveryText() throws {
        for text in try Corpus.texts() where !text.isEmpty {
            let strings = strings(user: text, database: text)
            let uri = Array(strings.node(strings.nodes[0], password: Secret(text)).utf8)
            let parts = uri.dropFirst("postgresql://".utf8.count).split(separator: UInt8(ascii: "@"), maxSplits: 1)
            let names = parts[0].split(separator: UInt8(ascii: ":"))
            let path = parts[1].split(separator: UInt8(ascii: "/"), maxSplits: 1)
            let database = path[1].split(separator: UInt8(ascii: "?"), maxSplits: 1)[0]
            #expect(Array(path[0]) == Array("[fd00::1]:5001".utf8))
            #expect(
                (names + [database]).allSatisfy { decoded($0) == Array(text.utf8) },
                "\(text.prefix(80).debugDescription)")
        }
    }

    private func decoded(_ part: some Sequence<UInt8>) -> [UInt8] {
        var rest = Array(part)[...]
        var result: [UInt8] = []
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                result.append(byte)
                continue
            }
            result.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return result
    }
}
