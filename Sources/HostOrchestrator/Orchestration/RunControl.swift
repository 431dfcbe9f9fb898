import Shared
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What can be done with a run from outside: nothing but stop it while the host itself works; leave it alone or cancel
/// it while it goes on in the machine.
final class RunControl: Sendable {
    typealias Cancellation = @Sendable () async throws -> Void

    private let cancellation = Mutex<Cancellation?>(nil)

    /// Says that from now on the work is done in the machine, and how it is asked to stop.
    func workIsInTheMachine(cancel: @escaping Cancellation) { cancellation.withLock { $0 = cancel } }

    func workIsHere() { cancellation.withLock { $0 = nil } }

    var cancel: Cancellation? { cancellation.withLock { $0 } }
}

/// What an interrupt means, and the question to the user where there is one to be asked.
struct InterruptDialogue: Sendable {
    let verb: String
    let context: HostContext
    let display: any EventDisplay
    let control: RunControl
    /// Told when this program leaves a run that goes on.
    let leave: @Sendable () async -> Void

    func decide(_ signal: Int32) async -> Interrupts.Decision {
        guard let cancel = control.cancel else {
            say("stopping; press Ctrl-C again to end at once (`pgaf-host \(verb)` goes on later)")
            return .stop
        }
        // A terminal that was closed, a laptop that goes to sleep: nobody wants the work to stop for that.
        if signal == SIGHUP {
            await leave()
            return .stop
        }
        if signal == SIGINT, context.terminal.inputIsTerminal, context.terminal.errorIsTerminal {
            switch await question() {
            case .detach:
                await leave()
                return .stop
            case .goOn: return .goOn
            case .cancel: break
            }
        }
        say("the run ends at its next step boundary; press Ctrl-C again to leave without waiting for that")
        do {
            try await cancel()
            return .stopping
        } catch {
            say("it could not be told: \(PgafError.wrapping(error, doing: "cancelling the run").message)")
            return .goOn
        }
    }

    private enum Answer {
        case detach, cancel, goOn
    }

    private func question() async -> Answer {
        display.pause()
        defer { display.resume() }
        let answer = await context.ask(
            "The work goes on in the machine without this program. Type d to detach, c to cancel it at its next step"
                + " boundary, or Enter to go on looking: ")
        return switch answer.lowercased() {
        case "d", "detach": .detach
        case "c", "cancel": .cancel
        default: .goOn
        }
    }

    private func say(_ line: String) { display.say(TerminalText.clean(line), elsewhere: context.errorOutput) }
}
