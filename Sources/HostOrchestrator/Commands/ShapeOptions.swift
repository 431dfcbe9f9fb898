import ArgumentParser
import Shared

/// The settings that are wanted most often, as flags of their own.
struct ShapeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Number of PostgreSQL nodes, 1 to 16. (default: 3)", valueName: "n"))
    var nodes: Int?

    @Option(
        help: ArgumentHelp(
            "Where the cluster lives: vagrant, a virtual machine that pgaf makes; ssh, a machine that exists; local, "
                + "this Linux machine. (default: vagrant)",
            valueName: "kind"))
    var machine: MachineSettings.Kind?

    @Option(
        help: ArgumentHelp(
            "Who runs the virtual machine; auto takes VirtualBox if it is there, else libvirt. (default: auto)",
            valueName: "provider"))
    var provider: VagrantSettings.Provider?
}

extension MachineSettings.Kind: ExpressibleByArgument {}
extension VagrantSettings.Provider: ExpressibleByArgument {}
