import Foundation
import Shared
import TestSupport

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
