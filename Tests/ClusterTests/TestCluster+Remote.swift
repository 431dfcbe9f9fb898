import Foundation
import Shared
import Synchronization
import TestSupport
import Testing

extension TestCluster {
    /// The same cluster behind a test's own sshd, from a project directory beside that.
    static func remote(_ server: TestServer) throws -> PgafProject {
        try project(directory: "\(server.directory)/project", machine: machine(server))
    }
}

extension TestServer {
    /// Cuts every connection that there is now.
    func cutLinks() { for session in sessions() { kill(session, SIGKILL) } }
}

extension PgafProject {
    /// Runs a verb whose link is cut once, when a step begins; every event has to come, and none twice.
    ///
    /// - Returns: what the run came to.
    func host(_ arguments: [String], cuttingAt step: String, of server: TestServer) async throws -> RunResult {
        let cuts = Mutex(0)
        let result = try await host(arguments + ["--progress", "json"]) { line in
            guard let event = try? EventCoding.decode(line), event.body == .stepStarted(step: step) else { return }
            cuts.withLock { $0 += 1 }
            server.cutLinks()
        }
        #expect(cuts.withLock { $0 } == 1)
        let events = try Self.events(result.standardOutput)
        #expect(events.map(\.seq) == Array(1...events.count))
        guard case .result(let end) = events.last?.body else {
            throw PgafError(.protocolViolation, "\(arguments) told no result", remedy: "")
        }
        return end
    }
}

extension Event {
    /// Whether it is the machine's: the host adds its own steps to them and makes the result its own.
    var isTheMachines: Bool {
        let own: Set<String> = ["machine", "connect", "agent"]
        return switch body {
        case .stepStarted(let step), .stepOutput(let step, _), .stepProgress(let step, _, _),
            .stepFinished(let step, _, _):
            !own.contains(step)
        case .heartbeat(let beat): !own.contains(beat.step ?? "")
        case .plan(let steps): steps.first?.id != "machine"
        default: body.type != "result"
        }
    }
}
