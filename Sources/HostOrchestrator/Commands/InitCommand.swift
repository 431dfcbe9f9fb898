import ArgumentParser
import Shared

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a commented pgaf.yaml with every key and its default.",
        discussion: "In the directory of a cluster it has that one's values. Never writes over a file that exists.")

    @Option(help: ArgumentHelp("The file to write.", valueName: "file"))
    var config = "pgaf.yaml"

    func run() async throws {
        try Initialization.run(file: config, in: .live())
    }
}
