import Shared

/// The one place that turns the kind of machine into its implementation.
enum MachineChoice {
    static func machine(_ settings: MachineSettings, project: ProjectDirectory) throws -> any Machine {
        switch settings.kind {
        case .vagrant: throw PgafError(.machineUnsupported, "", remedy: "")
        case .ssh: try SSHMachine(settings.ssh, project: project)
        case .local: LocalMachine()
        }
    }
}
