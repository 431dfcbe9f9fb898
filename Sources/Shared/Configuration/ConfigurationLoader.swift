/// Puts a configuration together: flags over environment over file over defaults, or over a configuration that was before.
///
/// All problems of all sources come in one error, each on a line of its own that names its origin.
public enum ConfigurationLoader {
    /// Loads and checks a configuration.
    ///
    /// - Parameters:
    ///   - base: what counts where nothing else is said.
    ///   - file: a path that must exist; nil when there is none. Problems show it as it is given.
    ///   - reading: gives the bytes of that path.
    ///   - environment: all variables; those that belong to keys are read, other `PGAF_` ones cause a warning.
    ///   - otherVariables: `PGAF_` variables that belong to something else and cause no warning.
    ///   - overrides: from flags; a later one wins.
    /// - Throws: `PgafError` with a `configuration.…` code, the first problem's.
    public static func load(
        over base: Configuration = Configuration(), file: String?,
        reading: (String) throws -> [UInt8] = ConfigurationFile.read,
        environment: [String: String] = [:], otherVariables: Set<String> = [], overrides: [ConfigurationOverride] = []
    ) throws -> LoadedConfiguration {
        var load = ConfigurationLoad(base)
        if let file { load.read(try reading(file), file: file) }
        load.read(environment)
        for override in overrides { load.read(override) }
        for problem in ConfigurationValidator.problems(in: load.configuration) { load.add(problem) }
        if let error = load.error { throw error }
        return LoadedConfiguration(
            configuration: load.configuration, origins: load.origins,
            warnings: load.warnings(environment, otherVariables)
                + ConfigurationValidator.warnings(for: load.configuration))
    }
}

/// A configuration while its sources are read one over the other.
private struct ConfigurationLoad {
    var configuration: Configuration
    var origins: [String: ConfigurationOrigin] = [:]
    private var problems: [(code: ErrorCode, line: String)] = []

    init(_ base: Configuration) { configuration = base }

    mutating func read(_ bytes: [UInt8], file: String) {
        let name = file.unicodeScalars.contains(where: \.isUnsafeToShow) ? file.shown : file
        do throws(YAMLNode.SyntaxProblem) {
            guard let root = try YAMLNode.parse(bytes) else { return }
            var reading = ConfigurationReading()
            reading.readMapping(root, keys: ConfigurationKeys.all, at: "", into: &configuration)
            take(reading) { .file(name, $0) }
        } catch {
            add(.configurationSyntax, .file(name, error.mark), error.text)
        }
    }

    mutating func read(_ environment: [String: String]) {
        for key in ConfigurationKeys.all {
            guard let value = environment[key.environmentVariable] else { continue }
            read(value, as: key, from: .environment(key.environmentVariable))
        }
    }

    mutating func read(_ override: ConfigurationOverride) {
        let origin = ConfigurationOrigin.flag(override.flag)
        if let key = ConfigurationKeys.all.first(where: { $0.path == override.key }) {
            return read(override.value, as: key, from: origin)
        }
        let settings = ConfigurationKeys.settings
        if override.key.hasPrefix(settings.path + ".") {
            let place = YAMLNode.Mark(line: 1, column: 1)
            let entry = YAMLNode.Entry(
                key: String(override.key.dropFirst(settings.path.count + 1)), keyMark: place,
                value: YAMLNode(.scalar(override.value, plain: false), at: place))
            return read(YAMLNode(.mapping([entry]), at: place), as: settings, from: origin)
        }
        if override.key.hasPrefix("nodes[") || override.key.hasPrefix("nodes.") {
            return add(
                .configurationUnknownKey, origin,
                "nodes are set as a whole, for instance nodes=[{port: 6001}, {}, {}], not one key of one node")
        }
        let paths = ConfigurationKeys.all.map(\.path)
        let section = override.key.lastIndex(of: ".").map { String(override.key[...$0]) } ?? ""
        let known = paths.contains { $0.hasPrefix(section) } ? section : ""
        let advice =
            paths.contains { $0.hasPrefix(override.key + ".") }
            ? "set its keys one by one, for instance \(paths.first { $0.hasPrefix(override.key + ".") } ?? "")"
            : EditDistance.nearest(to: override.key, in: paths).map { "did you mean \($0)?" }
                ?? ConfigurationReading.suggestion(
                    for: String(override.key.dropFirst(known.count)), at: known, among: paths)
        add(.configurationUnknownKey, origin, "unknown key \(override.key.shown); \(advice)")
    }

    /// A text from a variable or a flag: scalars as they are unless quoted, everything else as YAML.
    private mutating func read(
        _ text: String, as key: ConfigurationKey<Configuration>, from origin: ConfigurationOrigin
    ) {
        let place = YAMLNode.Mark(line: 1, column: 1)
        if key.isScalar, !text.hasPrefix("\""), !text.hasPrefix("'") {
            return read(YAMLNode(.scalar(text, plain: true), at: place), as: key, from: origin)
        }
        do throws(YAMLNode.SyntaxProblem) {
            let node = try YAMLNode.parse(Array(text.utf8)) ?? YAMLNode(.scalar("", plain: true), at: place)
            read(node, as: key, from: origin)
        } catch {
            add(.configurationSyntax, origin, "the value of \(key.path): \(error.text)")
        }
    }

    private mutating func read(
        _ node: YAMLNode, as key: ConfigurationKey<Configuration>, from origin: ConfigurationOrigin
    ) {
        var reading = ConfigurationReading()
        key.read(node, &configuration, &reading)
        take(reading) { _ in origin }
    }

    private mutating func take(_ reading: ConfigurationReading, at origin: (YAMLNode.Mark) -> ConfigurationOrigin) {
        // A list of nodes replaces the whole list beneath it, and with it the places of that one's elements.
        if reading.marks["nodes"] != nil { origins = origins.filter { !$0.key.hasPrefix("nodes") } }
        for (path, mark) in reading.marks { origins[path] = origin(mark) }
        for problem in reading.problems { add(problem.code, origin(problem.mark), problem.text) }
    }

    mutating func add(_ problem: ConfigurationProblem) {
        let origin = ([problem.path] + problem.others).lazy
            .compactMap { [origins] in LoadedConfiguration.origin(of: $0, in: origins) }.first
        add(problem.code, origin, problem.message)
    }

    private mutating func add(_ code: ErrorCode, _ origin: ConfigurationOrigin?, _ text: String) {
        problems.append((code, origin.map { "\($0): \(text)" } ?? text))
    }

    var error: PgafError? {
        ConfigurationValidator.error(problems.map(\.code), problems.map(\.line))
    }

    func warnings(_ environment: [String: String], _ otherVariables: Set<String>) -> [String] {
        let known = ConfigurationKeys.all.map(\.environmentVariable)
        let expected = otherVariables.union(configuration.passwords.variables).union(known)
        return environment.keys.filter { $0.hasPrefix("PGAF_") && !expected.contains($0) }.sorted().map { name in
            let advice = EditDistance.nearest(to: name, in: known).map { "did you mean \($0)?" }
            return "The variable \(name.shown) belongs to no key; " + (advice ?? "it is ignored.")
        }
    }
}
