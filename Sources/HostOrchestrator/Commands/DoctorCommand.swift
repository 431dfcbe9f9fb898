import ArgumentParser
import Shared

struct DoctorCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look whether everything that pgaf needs is in order, and say what to type where it is not.",
        discussion: """
            Looks at the configuration, the agent's file, Vagrant and its provider, ports, memory and disk of this \
            computer, then at the machine and the cluster if there are any. Nothing is changed there; the host key of a \
            machine that is met for the first time is learned.

            Ends with 0 when nothing is wrong (warnings included), else as the first failure would end `up`.
            """)

    @OptionGroup(title: "Configuration") var options: ConfigurationOptions

    @OptionGroup(title: "Cluster and machine") var shape: ShapeOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    var printsJSON: Bool { json }

    func run() async throws {
        let code = try await Doctor.run(options.choice(shape), json: json, in: .live())
        if code != 0 { throw ExitCode(code) }
    }
}
