import Shared
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
