import Shared

/// `pgaf-host box build`.
enum BoxBuild {
    static func run(_ choice: ConfigurationChoice, progress: ProgressMode, in context: HostContext) async throws {
        _ = try context.loadConfiguration(choice)
    }
}
