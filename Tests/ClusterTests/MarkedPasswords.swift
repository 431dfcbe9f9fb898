import Foundation
import HostOrchestrator
import Shared
import TestSupport

/// Passwords that can be recognised, one from each kind of source.
struct MarkedPasswords: Sendable {
    /// Where they come from, and whatever else a test puts down.
    let scratch = ScratchDirectory()
    /// From a file.
    let superuser = MarkedPasswords.mark()
    /// From a variable in pgaf-host's environment.
    let monitor = MarkedPasswords.mark()
    /// From a command.
    let replication = MarkedPasswords.mark()
    /// One that pgaf has generated.
    let client = MarkedPasswords.mark()

    static let variable = "PASSWORD_OF_THE_MONITOR"

    private static func mark() -> String { "mark-\(RunIdentifier.new())-\(UInt64.random(in: 0...UInt64.max))" }

    init() throws {
        try put("\(superuser)\n", in: "superuser")
        try put("\(replication)\n", in: "replication")
    }

    var all: [String] { [superuser, monitor, replication, client] }

    /// What pgaf-host has to have in its environment.
    var environment: [String: String] { [Self.variable: monitor] }

    /// What tells pgaf-host where they are. The command also notes what it is told itself.
    var flags: [String] {
        let command = "umask 077; env >\(path("environment")); cat \(path("replication"))"
        return [
            "passwords.superuser=file:\(path("superuser"))", "passwords.monitor=env:\(Self.variable)",
            "passwords.replication=command:\(command)", "access.client_user=app",
        ].flatMap { ["--set", $0] }
    }

    /// The environment that the command had at its last run.
    var commandsEnvironment: String { scratch.text(path("environment")) }

    /// Has a project remember the one that pgaf would generate, as after an earlier `up`.
    func remember(in directory: String) throws {
        let project = ProjectDirectory(path: directory)
        try MachineFiles().makeDirectory(project.state)
        try MachineFiles().write(try JSONText.indented(["client": client]) + "\n", to: project.secrets)
    }

    func path(_ name: String) -> String { "\(scratch.path)/\(name)" }

    /// Writes a file of mode 0600.
    ///
    /// - Returns: its path.
    @discardableResult
    func put(_ text: String, in name: String) throws -> String {
        try MachineFiles().write(text, to: path(name))
        return path(name)
    }
}
