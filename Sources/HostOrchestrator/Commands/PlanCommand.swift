import ArgumentParser
import Shared

struct PlanCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Say what `up` would change, without changing anything of the cluster.",
        discussion: """
            Takes the flags that shape a cluster, and --purge, and lists, step by step, what `up` would make or change on \
            the machine as it is now: containers and the options that differ, access rules, PostgreSQL and failover \
            settings, passwords, ports. It puts the agent on the machine, to look with.

            Ends with 0 when `up` would change nothing, with 2 when there are changes, and as `up` would with what it \
            would refuse.

            Examples:
              pgaf-host plan
              pgaf-host plan --nodes 4 --set postgres.settings.work_mem=64MB
            """)

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @OptionGroup(title: "Cluster and machine") var shape: ShapeOptions

    @Flag(help: "Name the volumes too that `up --purge` would remove.")
    var purge = false

    @Flag(help: "Print one JSON object.")
    var json = false

    var printsJSON: Bool { json }

    func run() async throws {
        let code = try await Plan.run(
            Plan.Options(choice: options.choice(shape), purge: purge, json: json), in: .live())
        if code != 0 { throw ExitCode(code) }
    }
}
