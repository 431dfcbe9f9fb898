import Shared
import Testing

@Suite struct ConfigurationAcceptedTests {
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
