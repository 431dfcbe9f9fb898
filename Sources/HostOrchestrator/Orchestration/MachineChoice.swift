import Shared

/// The one place that turns the kind of machine into its implementation.
enum MachineChoice {
    /// - Parameters:
    ///   - log: where the output of the machine's tools goes.
    ///   - boxes: makes the box for libvirt when it is missing.
    static func machine(
        _ configuration: Configuration, project: ProjectDirectory, log: String, boxes: BoxBuilder
    ) throws -> any Machine {
        switch configuration.machine.kind {
        case .vagrant: VagrantMachine(configuration: configuration, project: project, logFile: log, boxes: boxes)
        case .ssh: try SSHMachine(configuration.machine.ssh, project: project)
        case .local: LocalMachine()
        }
    }
}
