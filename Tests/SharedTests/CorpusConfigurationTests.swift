import Shared
import TestSupport
import Testing

/// Every document, name, range, path and setting of the corpus: refused with its place and reason, or taken as it is.
@Suite struct CorpusConfigurationTests {
    /// Nothing that is shown may move the cursor, hide or turn text.
    private func expectShowable(_ error: PgafError) {
        #expect(!error.description.unicodeScalars.contains { $0.properties.generalCategory == .format })
        #expect(!error.description.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" })
        #expect(!error.remedy.isEmpty && error.message.utf8.count < 10_000)
    }

    @Test(arguments: try Corpus.cases("yaml.txt") + Corpus.documents("yaml"))
    func aDocumentIsTakenOrRefusedWithLineAndColumn(_ hostile: CorpusCase) throws {
        let read = { try ConfigurationLoader.load(file: "pgaf.yaml", reading: { _ in hostile.bytes }) }
        guard case .refused(let code) = hostile.fate else {
            #expect(throws: Never.self) { try read() }
            return
        }
        let error = try #require(failure(read), "was taken")
        #expect(error.code == code)
        let place = try #require(hostile.words.first)
        #expect(error.message.hasPrefix("pgaf.yaml:\(place): "), "\(error.message)")
        #expect(hostile.isToldBy(error.message), "\(error.message)")
        expectShowable(error)
    }

    @Test(arguments: try ["names", "ranges", "paths"].flatMap { try Corpus.cases("\($0).txt") })
    func aValueIsTakenAsItIsOrRefusedWithItsKey(_ hostile: CorpusCase) throws {
        let key = try #require(hostile.words.first)
        let places = key == "everywhere" ? ConfigurationPlace.names : [try #require(ConfigurationPlace.all[key])]
        for place in places {
            var configuration = Configuration()
            let problems: [ConfigurationProblem]
            let message: String
            if let set = place.set {
                set(&configuration, hostile.text)
                problems = ConfigurationValidator.problems(in: configuration)
                message = problems.first { $0.path == place.key }?.message ?? ""
            } else {
                // Numbers and choices are no texts: they come by a flag.
                let flag = ConfigurationOverride(key: place.key, value: hostile.text, flag: "--flag")
                let error = failure { try load("", overrides: [flag]) }
                problems = []
                message = error?.message ?? ""
                #expect(message.isEmpty || message.hasPrefix("--flag: \(place.key)"), "\(message)")
            }
            #expect(message.isEmpty == hostile.isCarried, "\(place.key): \(message)")
            #expect(hostile.isToldBy(message), "\(message)")
            guard case .refused(let code) = hostile.fate else { continue }
            #expect(problems.allSatisfy { $0.code == code || $0.code == .configurationConflict })
            expectShowable(PgafError(code, message, remedy: "-"))
        }
        if hostile.isCarried, key != "nodes[1].name", key != "nodes[1].volume" { try expectTaken(hostile, from: key) }
    }

    /// What the validator takes is also taken from a flag, and is the same text then.
    private func expectTaken(_ hostile: CorpusCase, from key: String) throws {
        let text = (ConfigurationPlace.prefixes[key] ?? "") + hostile.text
        let list = ["machine.ssh.identity_files", "postgres.packages", "access.server_names"].contains(key)
        let value = list ? try JSONText.line([text]) : try JSONText.line(text)
        let isText = ConfigurationPlace.all[key]?.set != nil
        let flag = ConfigurationOverride(key: key, value: isText ? value : text, flag: "--flag")
        let loaded = try load("", overrides: [flag])
        #expect(loaded.origin(of: key)?.description == "--flag")
        if let get = ConfigurationPlace.all[key]?.get {
            #expect(get(loaded.configuration).map { Array($0.utf8) } == hostile.bytes)
        }
    }

    @Test(arguments: try Corpus.cases("settings.txt"))
    func aSettingIsTakenAsItIsOrRefused(_ hostile: CorpusCase) throws {
        var configuration = Configuration()
        configuration.postgres.settings["log_line_prefix"] = hostile.text
        let problems = ConfigurationValidator.problems(in: configuration)
        #expect(problems.isEmpty == hostile.isCarried, "\(problems)")
        if let problem = problems.first { expectShowable(PgafError(problem.code, problem.message, remedy: "-")) }
        // As a name every one of them is refused.
        configuration = Configuration()
        configuration.postgres.settings[hostile.text] = "1"
        #expect(!ConfigurationValidator.problems(in: configuration).isEmpty)
    }

    /// The issue asks for 300; what counts is that no kind is forgotten.
    @Test func thereAreEnoughOfThem() throws {
        let files = ["names", "passwords", "ranges", "paths", "settings", "yaml", "events", "ssh-config"]
        let cases = try files.flatMap { try Corpus.cases("\($0).txt") } + Corpus.documents("yaml")
        #expect(Set(cases.map(\.bytes)).count >= 600)
    }
}
