import FoundationEssentials
import Shared
import Testing

@Suite struct ConfigurationReferenceTests {
    @Test func theExampleLoadsToTheDefaults() throws {
        let loaded = try load(ConfigurationReference.example())
        #expect(loaded.configuration == Configuration())
        #expect(loaded.warnings.isEmpty)
        for key in ConfigurationKeys.all { #expect(loaded.origins[key.path] != nil, "\(key.path)") }
    }

    @Test func everyRenderedValueIsReadBack() throws {
        for key in ConfigurationKeys.all {
            let value = key.renderedDefault
            let loaded = try load("", overrides: [ConfigurationOverride(key: key.path, value: value, flag: "--x")])
            #expect(loaded.configuration == Configuration(), "\(key.path)=\(value)")
            let variable = try load("", environment: [key.environmentVariable: value])
            #expect(variable.configuration == Configuration(), "\(key.environmentVariable)=\(value)")
        }
    }

    @Test func pathsAndVariablesAreUnique() {
        let keys = ConfigurationKeys.all
        #expect(Set(keys.map(\.path)).count == keys.count)
        #expect(Set(keys.map(\.environmentVariable)).count == keys.count)
        #expect(keys.allSatisfy { $0.help.hasSuffix(".") })
    }

    /// Every stored property of the configuration has its row: a new one without a row fails here.
    @Test func theTableNamesEveryProperty() throws {
        func leaves(_ value: Any, _ path: String) -> [String] {
            let mirror = Mirror(reflecting: value)
            guard mirror.displayStyle == .struct, !mirror.children.isEmpty, !(value is String), !(value is Int) else {
                return [path]
            }
            return mirror.children.flatMap {
                leaves($0.value, path.isEmpty ? $0.label ?? "" : "\(path).\($0.label ?? "")")
            }
        }
        func plain(_ path: String) -> String { path.lowercased().filter { $0 != "_" } }
        let places = PackageSettings.Place.allCases.map { "packages.\($0.rawValue)" }
        let properties = leaves(Configuration(), "").flatMap { $0 == "packages.places" ? places : [$0] }.map(plain)
            .sorted()
        #expect(properties == ConfigurationKeys.all.map { plain($0.path) }.sorted())
        let node = leaves(NodeSettings(name: "a", port: 1), "").map(plain).sorted()
        #expect(node == ConfigurationKeys.node.map { plain($0.path) }.sorted())
    }

    /// Set PGAF_WRITE_REFERENCE=1 to write the section anew instead of comparing it.
    @Test func theDocumentContainsTheReference() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appendingPathComponent("docs/configuration.md")
        let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        let begin = try #require(text.firstRange(of: ConfigurationReference.beginMarker))
        let end = try #require(text.firstRange(of: ConfigurationReference.endMarker))
        let generated = "\n\n\(ConfigurationReference.markdown())\n"
        if ProcessInfo.processInfo.environment["PGAF_WRITE_REFERENCE"] == "1" {
            let new = text[..<begin.upperBound] + generated + text[end.lowerBound...]
            try Data(new.utf8).write(to: file)
        } else {
            #expect(
                text[begin.upperBound..<end.lowerBound] == generated,
                "run `PGAF_WRITE_REFERENCE=1 swift test --filter ConfigurationReferenceTests`")
        }
    }
}
