import ArgumentParser
import Foundation
import HostOrchestrator
import Shared
import Synchronization

/// `pgaf-bench latency`: how long a line that a program writes on the machine takes to be read here.
///
/// The program must write lines that are the time of day in seconds (`1763850000.123456`), by a clock that is this
/// machine's: the server is on loopback.
struct LatencyBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency", abstract: "Run a program that prints timestamps; print each line's age in milliseconds."
    )

    @OptionGroup var server: ServerOptions

    @Argument(parsing: .postTerminator, help: "The program and its arguments.")
    var program: [String]

    func run() async throws {
        let connection = try await server.connect()
        let reading = Mutex((splitter: LineSplitter(), ages: [Double]()))
        let status = try await connection.execute(program, input: nil) { chunk in
            guard case .standardOutput(let bytes) = chunk else { return }
            let now = Date().timeIntervalSince1970
            reading.withLock { state in
                let lines = state.splitter.append(bytes)
                state.ages += lines.compactMap { Double($0) }.map { (now - $0) * 1000 }
            }
        }
        await connection.close()
        guard status == .exited(0) else { throw ValidationError("the program ended with \(status.words)") }
        for age in reading.withLock({ $0.ages }) { print(age) }
    }
}
