import Shared

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
