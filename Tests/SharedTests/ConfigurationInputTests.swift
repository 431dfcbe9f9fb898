import Shared
import Testing

/// A text, and what loading it as `pgaf.yaml` must say.
struct BadInput: Sendable, CustomTestStringConvertible {
    var yaml: String
    var code: ErrorCode
    var line: Int
    var column: Int
    var contains: String

    init(_ yaml: String, _ code: ErrorCode, _ line: Int, _ column: Int, _ contains: String) {
        self.yaml = yaml
        self.code = code
        self.line = line
        self.column = column
        self.contains = contains
    }

    var testDescription: String { String(yaml.prefix(80)).debugDescription }
}

/// Loads a text as the file `pgaf.yaml`.
func load(
    _ yaml: String, environment: [String: String] = [:], overrides: [ConfigurationOverride] = []
) throws -> LoadedConfiguration {
    try ConfigurationLoader.load(
        file: "pgaf.yaml", reading: { _ in Array(yaml.utf8) }, environment: environment, overrides: overrides)
}

/// The error of something that must fail.
func failure(_ body: () throws -> some Any) -> PgafError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? PgafError
    }
}

@Suite struct ConfigurationInputTests {
    @Test(arguments: BadInputs.syntax + BadInputs.types + BadInputs.names + BadInputs.conflicts)
    func saysWhereAndWhatIsWrong(_ bad: BadInput) throws {
        let error = try #require(failure { try load(bad.yaml) }, "was accepted")
        #expect(error.code == bad.code)
        #expect(error.message.hasPrefix("pgaf.yaml:\(bad.line):\(bad.column): "), "\(error.message)")
        #expect(error.message.contains(bad.contains), "\(error.message)")
        #expect(!error.remedy.isEmpty)
        #expect(!error.description.unicodeScalars.contains { $0.properties.generalCategory == .format })
        #expect(!error.description.unicodeScalars.contains { $0.value < 32 && $0 != "\n" })
    }

    @Test func thereAreEnoughOfThem() {
        #expect((BadInputs.syntax + BadInputs.types + BadInputs.names + BadInputs.conflicts).count >= 60)
    }

    /// What must be refused wherever a name is expected.
    static let hostile = [
        "a'b", "a\"b", "$(id)", "`id`", "a\nb", "#{1}", "\u{202E}a", "a\u{0}b", "a b", "-a", "../a", "a;b", "ä", "",
        "a\u{200B}",
    ]

    @Test(arguments: hostile) func hostileTextsAreNoNames(_ text: String) throws {
        let places: [(String, @Sendable (inout Configuration, String) -> Void)] = [
            ("cluster", { $0.cluster = $1 }), ("machine.vagrant.box", { $0.machine.vagrant.box = $1 }),
            ("machine.vagrant.name", { $0.machine.vagrant.name = $1 }),
            ("machine.vagrant.ip", { $0.machine.vagrant.ip = $1 }), ("machine.ssh.host", { $0.machine.ssh.host = $1 }),
            ("machine.ssh.user", { $0.machine.ssh.user = $1 }),
            ("machine.ssh.host_key", { $0.machine.ssh.hostKey = $1 }),
            ("image.name", { $0.image.name = $1 }), ("image.tag", { $0.image.tag = $1 }),
            ("image.base", { $0.image.base = $1 }), ("network.name", { $0.network.name = $1 }),
            ("network.subnet", { $0.network.subnet = $1 }), ("monitor.name", { $0.monitor.name = $1 }),
            ("monitor.hostname", { $0.monitor.hostname = $1 }), ("monitor.volume", { $0.monitor.volume = $1 }),
            ("monitor.user", { $0.monitor.user = $1 }), ("nodes[1].name", { $0.nodes[1].name = $1 }),
            ("nodes[1].hostname", { $0.nodes[1].hostname = $1 }), ("nodes[1].volume", { $0.nodes[1].volume = $1 }),
            ("nodes[1].host", { $0.nodes[1].host = $1 }), ("postgres.database", { $0.postgres.database = $1 }),
            ("postgres.packages", { $0.postgres.packages = [$1] }),
            ("access.client_cidr", { $0.access.clientCIDR = $1 }),
            ("access.client_user", { $0.access.clientUser = $1 }),
            ("access.publish_address", { $0.access.publishAddress = $1 }),
            ("passwords.client", { $0.passwords.client = .environment($1) }),
        ]
        for (path, set) in places {
            var configuration = Configuration()
            set(&configuration, text)
            let problems = ConfigurationValidator.problems(in: configuration)
            #expect(problems.contains { $0.path == path }, "\(path) accepted \(text.debugDescription)")
            let clean = problems.allSatisfy { problem in
                !problem.message.unicodeScalars.contains { $0.value < 32 || $0.properties.generalCategory == .format }
            }
            #expect(clean)
        }
        var configuration = Configuration()
        configuration.postgres.settings[text] = "1"
        #expect(!ConfigurationValidator.problems(in: configuration).isEmpty)
    }
}
