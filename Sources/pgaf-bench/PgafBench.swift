import ArgumentParser

/// Measures the transport alone; started by `scripts/bench`, never installed.
@main
struct PgafBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pgaf-bench", abstract: "Measure pgaf's transport to a machine.",
        subcommands: [UploadBenchmark.self, LatencyBenchmark.self])
}
