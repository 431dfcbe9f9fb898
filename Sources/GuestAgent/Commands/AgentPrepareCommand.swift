import ArgumentParser
import Shared

/// `pgaf-agent prepare`: what an image of a machine should have inside, so that `up` on it is fast.
struct AgentPrepareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prepare", abstract: "Install Docker and make the images, without a cluster.",
        discussion: """
            For templates of machines: a later `up` finds the images and makes them again only when they are out of date.
            `pgaf-host box build` fills the box with it.
            """)

    @OptionGroup var alone: StandaloneOptions

    @Flag(help: "Only print a hash of everything that the images are made from (packages.source debian only).")
    var inputs = false

    @Flag(help: "Only print the packages that `up` installs on a machine like this one (packages.source debian only).")
    var packages = false

    @Flag(help: "Write events as JSON lines instead of readable text.")
    var json = false

    func run() async throws {
        let configuration = try alone.load()
        OwnEnvironment.withdrawPasswords(of: configuration)
        if inputs { return Output.line(try PrepareRun.inputs(configuration)) }
        if packages { return try PrepareRun.packages(configuration, files: MachineFiles()).forEach(Output.line) }
        try Privilege.requireRoot()
        let asEvents = json
        let events = EventWriter(
            run: RunIdentifier.new(), redactor: Redactor([]),
            outlets: [
                { line, event in
                    if asEvents {
                        try Output.event(line)
                    } else if let text = EventText.line(event.body) {
                        Output.error(text)
                    }
                }
            ])
        let status = await PrepareRun(
            runner: SubprocessRunner(), store: ClusterStore(), configuration: configuration, events: events
        ).run()
        if status != 0 { throw ExitCode(status) }
    }
}
