import Shared

/// Vagrant's command lines, all for the one machine of a directory.
enum VagrantCommand {
    static func status(in directory: String) -> Command { make(["status", "--machine-readable"], directory, 120) }

    /// An hour: a download of a box, or an emulated machine that boots beside other work.
    static func up(_ provider: VagrantProvider, in directory: String) -> Command {
        make(["up", "--provider", provider.rawValue, "--no-color"], directory, 3600)
    }

    static func sshConfig(in directory: String) -> Command { make(["ssh-config"], directory, 120) }

    /// VirtualBox only: vagrant-libvirt does not implement it.
    static func port(in directory: String) -> Command { make(["port", "--machine-readable"], directory, 120) }

    static func halt(in directory: String) -> Command { make(["halt", "--no-color"], directory, 900) }

    /// As long as a start takes, after the shutdown.
    static func reload(in directory: String) -> Command { make(["reload", "--no-color"], directory, 4500) }

    static func destroy(in directory: String) -> Command { make(["destroy", "-f", "--no-color"], directory, 600) }

    static func addBox(_ file: String, name: String) -> Command {
        Command("vagrant", ["box", "add", "--force", "--no-color", "--name", name, file], deadline: .seconds(600))
    }

    private static func make(_ arguments: [String], _ directory: String, _ seconds: Int) -> Command {
        // A user's VAGRANT_VAGRANTFILE or VAGRANT_CWD would lead to another machine than the rendered one. The last one
        // keeps the Vagrantfile from saying that `pgaf-host up` comes next.
        Command(
            "vagrant", arguments,
            environment: ["VAGRANT_CWD": directory, "VAGRANT_VAGRANTFILE": "Vagrantfile", "PGAF_RUNS_VAGRANT": "1"],
            workingDirectory: directory, deadline: .seconds(seconds))
    }
}
