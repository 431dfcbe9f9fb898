/// Where a value of the configuration was written.
public enum ConfigurationOrigin: Sendable, Hashable, CustomStringConvertible {
    case file(String, YAMLNode.Mark)
    /// Name of the variable.
    case environment(String)
    /// The flag as typed, without its value.
    case flag(String)

    /// `pgaf.yaml:3:5`, `PGAF_MACHINE_KIND`, `--nodes`.
    public var description: String {
        switch self {
        case .file(let name, let mark): "\(name):\(mark.line):\(mark.column)"
        case .environment(let name): name
        case .flag(let flag): flag
        }
    }
}

/// A configuration with the story of how it came about.
public struct LoadedConfiguration: Sendable, Equatable {
    public var configuration: Configuration
    /// Where each key that is not a default was written, by path; sections and elements have entries too.
    public var origins: [String: ConfigurationOrigin]
    /// Sentences about what is allowed but should be known, such as access without passwords.
    public var warnings: [String]

    public init(
        configuration: Configuration, origins: [String: ConfigurationOrigin] = [:], warnings: [String] = []
    ) {
        self.configuration = configuration
        self.origins = origins
        self.warnings = warnings
    }

    /// Where the value of a key comes from: its own place or that of what contains it; nil for a default.
    public func origin(of path: String) -> ConfigurationOrigin? {
        Self.origin(of: path, in: origins)
    }

    static func origin(of path: String, in origins: [String: ConfigurationOrigin]) -> ConfigurationOrigin? {
        var path = path[...]
        while true {
            if let origin = origins[String(path)] { return origin }
            guard let end = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { return nil }
            path = path[..<end]
        }
    }
}
