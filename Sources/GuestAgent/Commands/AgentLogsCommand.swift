import ArgumentParser
import Shared

/// `pgaf-agent logs`: what the containers say.
struct AgentLogsCommand: AsyncParsableCommand, JSONPrinting {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print the logs of one node, or of all.")

    @OptionGroup var options: ClusterOptions

    @Argument(help: "A node's or the monitor's name; all of them when it is left out.")
    var node: String?

    @Flag(help: "Go on printing as lines come; for one node.")
    var follow = false

    @Option(help: "How many of the last lines to print.")
    var tail = 200

    @Flag(help: "Print one JSON object a line: the container and what it wrote.")
    var json = false

    var printsJSON: Bool { json }

    func validate() throws {
        if follow, node == nil { throw ValidationError("--follow needs the name of one node.") }
        if tail < 0 { throw ValidationError("--tail takes a number from 0 on.") }
    }

    func run() async throws {
        let runner = SubprocessRunner()
        let topology = try await options.topology(store: ClusterStore(), runner: runner)
        let names = [topology.configuration.monitor.name] + topology.configuration.nodes.map(\.name)
        if let node, !names.contains(node) { throw PgafError.unknownNode(node, among: names) }
        for name in node.map({ [$0] }) ?? names {
            let command = Command(
                "docker", ["logs", "--tail", "\(tail)"] + (follow ? ["--follow"] : []) + [name], deadline: nil)
            let (isNamed, asJSON) = (node == nil, json)
            let result = try await runner.run(command) { line in
                do {
                    try Output.event(Self.shown(line, of: name, named: isNamed, json: asJSON))
                } catch {
                    // Nobody reads any more; docker learns it from its next line.
                    Self.exit()
                }
            }
            if !result.succeeded, !follow {
                Output.error("\(name): docker logs ended with status \(result.status)")
            }
        }
    }

    /// What a container wrote as it is printed: for a program as it is, for people without what could harm their terminal.
    ///
    /// - Parameter named: whether people have to be told which container it was.
    static func shown(_ line: String, of container: String, named: Bool, json: Bool) -> String {
        // An encoding of two strings cannot fail.
        let object = json ? try? JSONText.line(["container": container, "line": line]) : nil
        return object ?? TerminalText.clean(named ? "\(container): \(line)" : line, keepingTabs: true)
    }
}
