import Shared

/// `pgaf-host ssh`: a terminal on the machine.
enum Login {
    static func run(_ choice: ConfigurationChoice, remote: [String], in context: HostContext) async throws {
        let machine = try await context.machine(try context.currentConfiguration(choice))
        try context.replaceProcess(
            try await machine.interactiveCommand(remote, terminal: context.terminal.isInteractive))
    }
}
