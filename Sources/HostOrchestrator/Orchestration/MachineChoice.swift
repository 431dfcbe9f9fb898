import Shared

/// The one place that turns the kind of machine into its implementation.
enum MachineChoice {
    /// - Parameter log: where the output of the machine's tools goes.
    static func machine(
        _ configuration: Configuration, project: ProjectDirectory, log: String
    ) throws -> any Machine {
        switch configuration.machine.kind {
        case .vagrant: VagrantMachine(configuration: configuration, project: project, logFile: log)
        case .ssh: try SSHMachine(configuration.machine.ssh, project: project)
        case .local: LocalMachine()
        }
    }
}
