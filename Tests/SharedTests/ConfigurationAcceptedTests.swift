import Shared
import Testing

/// What must not be refused: rules that are too narrow hurt as much as those that are too wide.
@Suite struct ConfigurationAcceptedTests {
    static let values: [(String, [String])] = [
        ("cluster", ["a", "9", "Prod-1.eu_west", String(repeating: "x", count: 63)]),
        ("machine.vagrant.box", ["bento/debian-13", "debian", "pgaf/debian-13", "auto", "a/b.c_d"]),
        ("machine.vagrant.ip", ["10.0.0.5", "none"]),
        ("machine.vagrant.synced_folder", ["/srv/my folder", "none", "..", "ü"]),
        ("machine.ssh.host", ["db.example.org", "10.1.2.3", "fd00::1", "::1", "none", "my_host"]),
        ("machine.ssh.user", ["debian", "_apt", "John.Doe", "user-1"]),
        ("machine.ssh.host_key", ["SHA256:uNiVztksCsDhcc0u9e8BrqxrsO1vB8Y+u/GpBPgUZZ0", "auto"]),
        (
            "image.name",
            ["a", "a/b", "localhost/a", "reg.example.org:5000/a/b-c__d.e", "10.0.0.1:80/x", "a--b", "localhost:5000/x"]
        ),
        ("image.tag", ["latest", "17", "1.10-rc_1", "_x"]),
        (
            "image.base",
            [
                "debian:trixie", "debian", "reg:5000/debian", "reg.example:5000/debian:13",
                "debian@sha256:" + String(repeating: "0a", count: 32),
                "debian:13@sha256:" + String(repeating: "f", count: 64),
            ]
        ),
        ("network.subnet", ["172.30.7.0/24", "10.0.0.0/16", "192.168.5.16/28", "auto"]),
        ("monitor.hostname", ["monitor", "monitor.pg.internal", "auto"]), ("monitor.port", ["1024", "65535"]),
        ("nodes", ["1", "16", "[{}]", "[{name: a, host: worker-2}, {port: 9999}]"]),
        ("postgres.version", ["16", "17", "auto"]),
        ("postgres.database", ["app", "_x", "App_2", "pg_auto_failover"]),
        ("postgres.packages", ["[]", "[postgresql-%v-cron, g++, libstdc++6]", "postgresql-%v-postgis-3"]),
        (
            "postgres.settings",
            ["{}", "{pg_stat_statements.max: 100, work_mem: '64MB', log_line_prefix: '%m [%p] '}", "{a: ''}"]
        ),
        (
            "access.client_cidr",
            ["0.0.0.0/0", "::/0", "10.0.0.0/8", "192.168.1.5/32", "fd00:1::/32", "2001:db8::1/128", "fe80::/10"]
        ),
        ("access.client_user", ["postgres", "app_user", "Me"]),
        ("access.publish_address", ["0.0.0.0", "127.0.0.1", "::", "::1", "auto", "1:2:3:4:5:6:7:8"]),
        ("passwords.superuser", ["generate", "env:MY_PW", "file:~/my secrets/pw", "file:/run/ü"]),
        ("failover.unhealthy_after", ["1500", "1500ms", "2s", "1min", "auto"]),
        ("failover.partition_timeout", ["2000", "2s"]),
    ]

    @Test(arguments: values.flatMap { key, texts in texts.map { [key, $0] } })
    func isAccepted(_ pair: [String]) throws {
        let loaded = try load("", overrides: [ConfigurationOverride(key: pair[0], value: pair[1], flag: "--x")])
        #expect(loaded.origin(of: pair[0])?.description == "--x")
        try ConfigurationValidator.validate(loaded.configuration)
    }

    @Test(arguments: [
        "fd00:::1/8", ":/0", "1:2:3:4:5:6:7/64", "1:2:3:4:5:6:7:8:9/64", "::1", "12345::/16", "fd00::/129",
        "fd00::/064",
        "g::/8", "1::2::3/128", "::%eth0/128", "::ffff:1.2.3.4/128", "/0", "::/", "1:2:3:4:5:6:7:8::/128",
    ])
    func isNoRange(_ text: String) {
        var configuration = Configuration()
        configuration.access.clientCIDR = text
        #expect(ConfigurationValidator.problems(in: configuration).map(\.path) == ["access.client_cidr"])
    }

    @Test func windowsLineEndsAndWideCharactersKeepTheirPlaces() throws {
        let loaded = try load("# ü\r\nmachine:\r\n  kind: local\r\nimage: {tag: a} # 🐘\r\n")
        #expect(loaded.configuration.machine.kind == .local)
        #expect(loaded.origin(of: "image.tag")?.description == "pgaf.yaml:4:14")
        let error = try #require(failure { try load("image: {\"ü🐘\": 1}") })
        #expect(error.message.hasPrefix("pgaf.yaml:1:9: unknown key \"image.ü🐘\""))
        let late = try #require(failure { try load("machine: {vagrant: {synced_folder: ü🐘, cpus: x}}") })
        #expect(late.message.hasPrefix("pgaf.yaml:1:46: "))
    }

    @Test func aConfigurationFromARequestIsCheckedWithoutAnyFile() throws {
        var configuration = Configuration()
        try ConfigurationValidator.validate(configuration)
        configuration.nodes = []
        let error = try #require(failure { try ConfigurationValidator.validate(configuration) })
        #expect(error.code == .configurationInvalid && error.message.hasPrefix("nodes asks for zero nodes"))
    }
}
