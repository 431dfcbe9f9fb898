import ArgumentParser
import Shared

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// How progress is shown; the choice is made once.
public enum ProgressMode: String, Sendable, CaseIterable, ExpressibleByArgument {
    case auto, ansi, plain, json, none

    /// `auto` draws on a terminal that can be drawn on and prints lines elsewhere.
    func resolved(errorIsTerminal: Bool, environment: [String: String]) -> ProgressMode {
        guard self == .auto else { return self }
        return errorIsTerminal && environment["TERM", default: "dumb"] != "dumb" ? .ansi : .plain
    }

    /// The display for this mode: progress on standard error, `json` on standard output.
    func display(_ context: HostContext) -> any EventDisplay {
        switch resolved(errorIsTerminal: context.terminal.errorIsTerminal, environment: context.environment) {
        case .ansi:
            LiveDisplay(
                output: context.errorOutput, style: TerminalStyle(environment: context.environment),
                size: context.terminal.size)
        case .plain, .auto: PlainDisplay(output: context.errorOutput)
        case .json: JSONDisplay(output: context.output)
        case .none: SilentDisplay()
        }
    }
}

/// What is known of the terminal in front of the user.
struct Terminal: Sendable {
    var inputIsTerminal: Bool
    var outputIsTerminal: Bool
    var errorIsTerminal: Bool
    /// Whether somebody types and sees what comes of it.
    var isInteractive: Bool { inputIsTerminal && outputIsTerminal }
    /// Columns and rows at this moment.
    var size: @Sendable () -> (width: Int, height: Int)

    static let real = Terminal(
        inputIsTerminal: isatty(0) == 1, outputIsTerminal: isatty(1) == 1, errorIsTerminal: isatty(2) == 1,
        size: {
            var window = winsize()
            // 80 by 24 is what a terminal is that does not say.
            guard ioctl(2, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 else {
                return (80, 24)
            }
            return (max(20, Int(window.ws_col)), Int(window.ws_row))
        })

    /// No terminal at all: pipes on every side.
    static let absent = Terminal(
        inputIsTerminal: false, outputIsTerminal: false, errorIsTerminal: false, size: { (80, 24) })
}
