import ArgumentParser
import HostOrchestrator
import Shared

/// `pgaf-bench upload`: puts a file on the machine as `pgaf-host` does it with the agent, and prints the seconds.
struct UploadBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upload", abstract: "Upload a file and print the seconds, one line a repetition.")

    @OptionGroup var server: ServerOptions

    @Option(help: ArgumentHelp("The file to send.", valueName: "file"))
    var file: String

    @Option(help: ArgumentHelp("Absolute path there; removed before each repetition.", valueName: "path"))
    var to: String

    @Option(help: "How many times it is sent over the one connection.")
    var times = 1

    func run() async throws {
        let connection = try await server.connect()
        let clock = ContinuousClock()
        for _ in 0..<times {
            // A file that is there already would be skipped.
            let removed = try await connection.execute(["rm", "-f", "--", to], input: nil) { _ in }
            guard removed == .exited(0) else { throw ValidationError("\(to) could not be removed: \(removed.words)") }
            let start = clock.now
            let sent = try await connection.upload(file, to: to, mode: 0o755, privileged: false, onProgress: nil)
            let seconds = (clock.now - start).inSeconds
            guard sent else { throw ValidationError("\(to) was there already: nothing was measured") }
            print(seconds)
        }
        await connection.close()
    }
}
