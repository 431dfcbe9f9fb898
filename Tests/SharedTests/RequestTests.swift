import FoundationEssentials
import Shared
import Testing

@Suite struct RequestTests {
    static let secrets = ClusterSecrets(
        superuser: Secret("s3cret-one"), monitor: Secret("s3cret-two"), replication: Secret("s3cret-three"),
        client: Secret("s3cret-four"))

    static var request: Request {
        var configuration = Configuration()
        configuration.postgres.settings = ["work_mem": "64MB"]
        configuration.passwords.client = .file("/run/pw")
        configuration.passwords.monitor = .environment("PW")
        configuration.network.subnet = "172.30.7.0/24"
        configuration.failover.unhealthyAfter = 1500
        configuration.packages[.docker] = "https://mirror.example/docker"
        configuration.packages[.pgdg] = "https://mirror.example/pgdg"
        configuration.packages[.pgdgArchive] = "https://mirror.example/archive"
        configuration.packages[.debian] = "https://mirror.example/debian"
        configuration.packages[.registry] = "mirror.example/hub"
        configuration.packages[.dockerKey] = String(repeating: "A", count: 40)
        configuration.packages[.pgdgKey] = String(repeating: "B", count: 40)
        configuration.packages[.proxy] = "http://proxy.example:3128"
        return Request(
            run: "r1", configuration: configuration, secrets: secrets,
            options: .init(fresh: true, purge: true, publishEverywhere: true, bundle: true))
    }

    @Test func comesBackAsItWas() throws {
        let text = try Self.request.encoded()
        #expect(try Request(decoding: Array(text.revealed.utf8)) == Self.request)
        #expect(try Self.request.encoded() == text)
        #expect(text.revealed.hasPrefix(#"{"configuration":{"access":"#))
        #expect(
            text.revealed.contains(#""passwords":{"client":"file:/run/pw","monitor":"env:PW","replication":"generate""#)
        )
    }

    static let orders: [RoleOrder] = [
        .switchover(to: nil), .switchover(to: "pgnode2"), .failover(node: nil, way: .crash),
        .failover(node: "pgnode1", way: .order), .maintenance(node: "pgnode2", turn: .enable),
        .maintenance(node: "pgnode1", turn: .enableWithFailover), .maintenance(node: "pgnode2", turn: .disable),
    ]

    @Test(arguments: orders) func anOrderComesBackAsItWas(_ order: RoleOrder) throws {
        var request = Self.request
        request.order = order
        #expect(try Request(decoding: Array(try request.encoded().revealed.utf8)) == request)
    }

    @Test(arguments: ClusterOrder.allCases) func anOrderForTheClusterComesBackAsItWas(_ order: ClusterOrder) throws {
        var request = Self.request
        request.clusterOrder = order
        #expect(try Request(decoding: Array(try request.encoded().revealed.utf8)) == request)
        let consent = order == .down ? ["--yes"] : []
        #expect(order.words(["--events"]) == [order.verb] + consent + ["--events"])
    }

    @Test func unknownKeysAreIgnored() throws {
        let text = try Self.request.encoded().revealed
        let more = #"{"later":{"a":1},"# + text.dropFirst()
        #expect(try Request(decoding: Array(more.utf8)) == Self.request)
    }

    @Test func anotherVersionIsAMismatch() throws {
        let error = try #require(failure { try Request(decoding: Array(#"{"v":2,"secrets":"s3cret"}"#.utf8)) })
        #expect(error.code == .protocolMismatch && !error.description.contains("s3cret"))
    }

    @Test(arguments: [
        "", "{", "null", "s3cret", #"{"v":1,"secrets":{"client":"s3cret"}}"#, #"{"v":1,"run":7,"secrets":"s3cret"}"#,
        #"{"secrets":"s3cret"}"#,
    ])
    func garbageIsAViolationThatQuotesNothing(_ text: String) throws {
        let error = try #require(failure { try Request(decoding: Array(text.utf8)) })
        #expect(error.code == .protocolViolation && !error.description.contains("s3cret"))
    }

    @Test func secretsNeverPrint() throws {
        let secret = Secret("s3cret")
        var dumped = ""
        dump(secret, to: &dumped)
        dump(Self.request, to: &dumped)
        dump([Optional(secret)], to: &dumped)
        let texts = [
            "\(secret)", String(describing: secret), String(reflecting: secret), "\([secret])", "\(["a": secret])",
            "\(Self.secrets)", "\(Self.request)", String(reflecting: Self.request), dumped,
            "\(Command("psql", input: secret))", String(reflecting: Command("psql", input: secret)),
            Command("psql", input: secret).display,
            PgafError.wrapping(Leak(secret: secret), doing: "a test").description,
            "\(Mirror(reflecting: secret).children.count)",
        ]
        for text in texts { #expect(!text.contains("s3cret"), "\(text)") }
        #expect("\(secret)" == "••••")
        #expect(Mirror(reflecting: secret).children.isEmpty)
        #expect(!((secret as Any) is any Encodable))
        #expect(!((Self.secrets as Any) is any Encodable))
        #expect(!((Self.request as Any) is any Encodable))
    }

    private struct Leak: Error { var secret: Secret }
}
