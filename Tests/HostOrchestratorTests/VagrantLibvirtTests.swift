import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

@Suite struct VagrantLibvirtTests {
    @Test func readsForwardsOfLivingProcesses() {
        let ports = LibvirtForwards.parse(
            """
            ssh -o User=vagrant -o IdentityFile="/p/key" -n -L 127.0.0.1:2200:192.168.121.153:5001 -N 192.168.121.153
            /usr/bin/ssh -n -L *:5430:192.168.121.153:5430 -N 192.168.121.153 -g
            vim notes-L 1:2:3
            sudo ssh -n -L 127.0.0.1:80:192.168.121.153:8080 -N 192.168.121.153
            ssh -N somewhere
            """)
        #expect(ports == [5001: 2200, 5430: 5430, 8080: 80])
        #expect(
            LibvirtForwards.processes([1, 22])
                == Command("ps", ["-ww", "-o", "command=", "-p", "1,22"]))
    }

    @Test func theVagrantfileTellsWhichPortIsWhich() {
        let file = Vagrantfile(
            settings: VagrantSettings(), provider: .libvirt,
            forwards: [.init(guest: 5430, host: 5430), .init(guest: 5001, host: 2200)], emulated: false)
        #expect(VagrantfileDifference.forwards(file.text) == [5430: 5430, 5001: 2200])
        #expect(VagrantfileDifference.forwards("") == [:])
    }

    @Test func aForwardThatHasEndedIsBegunAgain() async throws {
        let scratch = ScratchDirectory()
        let config = try VagrantSSHConfig("Host default\n HostName 192.0.2.7\n User vagrant\n IdentityFile /p/key\n")
        let command = LibvirtForwards.forward(5001, 2200, config, knownHosts: "/p/known")
        #expect(command.display.hasPrefix("ssh -F /dev/null -o "))
        #expect(command.display.contains(" -p 22 -l vagrant ") && command.display.contains("IdentityFile="))
        #expect(command.display.contains(" -f -N -L 127.0.0.1:2200:192.0.2.7:5001 -o BatchMode=yes"))
        #expect(command.arguments.contains("StrictHostKeyChecking=yes") && command.arguments.last == "192.0.2.7")
        let tools = PretendedTools([
            "ssh -F": CommandResult(),
            "ps -ww -o": CommandResult(standardOutput: "ssh -N -L 127.0.0.1:5430:192.0.2.7:5430 192.0.2.7\n"),
            "ps -ww -eo": CommandResult(standardOutput: "  1 init\n 77 \(command.display)\n"),
        ])
        let forwards = LibvirtForwards(runner: tools, project: scratch.project)
        let directory = VagrantProvider.libvirt.dataDirectory(in: scratch.project) + "/pids"
        try MachineFiles().makeDirectory(directory)
        try MachineFiles().write("5", to: "\(directory)/ssh_5430.pid")
        #expect(try await forwards.restored([5430: 5430, 5001: 2200], config) == [5430: 5430, 5001: 2200])
        #expect(tools.seen.count { $0.hasPrefix("ssh") } == 1)
        #expect(scratch.text("\(directory)/ssh_2200.pid") == "77")
        // One that cannot be is left out, and nothing is noted.
        let refusing = PretendedTools(["ssh -F": CommandResult(status: 255), "ps": CommandResult(status: 1)])
        #expect(
            try await LibvirtForwards(runner: refusing, project: scratch.project).restored([5002: 5002], config) == [:])
    }

    @Test func choosesAnotherPortForATakenOne() {
        #expect(LocalPort.choose(5001, taken: []) { _ in true } == 5001)
        #expect(LocalPort.choose(5001, taken: [5001, 2200]) { _ in true } == 2201)
        #expect(LocalPort.choose(5001, taken: []) { $0 > 2203 && $0 != 5001 } == 2204)
    }

    @Test func startsTheDaemonsAsThisMachineDoes() {
        #expect(Libvirt.startCommands(systemd: false).map(\.display) == ["libvirtd --daemon"])
        #expect(Libvirt.logCommand.display == "virtlogd --daemon" && Libvirt.busCommand.display == "service dbus start")
        #expect(
            Libvirt.startCommands(systemd: true).map(\.display)
                == ["systemctl start virtlogd.socket libvirtd.service"])
        let command = Elevation.command(Command("libvirtd", ["--daemon"]), isRoot: false)
        #expect(command.display == "sudo -n libvirtd --daemon")
        #expect(Elevation.command(Command("a"), isRoot: true) == Command("a"))
    }

    /// libvirt's own words, of its release 9.0.
    @Test(arguments: [
        (
            "authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'",
            "adduser"
        ),
        (
            "Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied",
            "sudo adduser somebody libvirt"
        ),
        ("internal error: Unable to get system bus connection: Could not connect: No such file", "service dbus start"),
    ])
    func whoeverLibvirtDoesNotLetInIsToldWhatToType(_ words: String, _ remedy: String) {
        let answer = CommandResult(status: 1, standardError: "error: \(words)\n")
        let error = #expect(throws: PgafError.self) { try Libvirt.refuse(answer, user: "somebody") }
        #expect(error?.code == .vagrantFailed && error?.remedy.contains(remedy) == true)
    }

    @Test func aDaemonThatIsNotThereRefusesNobody() throws {
        let words = "error: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory"
        try Libvirt.refuse(CommandResult(status: 1, standardError: words))
        try Libvirt.refuse(CommandResult(status: 0))
    }

    @Test func opensAccelerationAsUdevDoes() {
        #expect(Libvirt.accelerationCommands.map(\.display) == ["chgrp kvm /dev/kvm", "chmod 0660 /dev/kvm"])
    }

    @Test func theProbeEndsByItself() {
        #expect(
            LibvirtAcceleration.probe(kernel: "/k").arguments == [
                "-accel", "kvm", "-cpu", "host", "-m", "256", "-nodefaults", "-display", "none", "-no-reboot",
                "-kernel", "/k", "-append", "panic=-1",
            ])
    }

    @Test func vagrantCommands() {
        #expect(
            VagrantCommand.up(.libvirt, in: "/p").arguments == ["up", "--provider", "libvirt", "--no-color"])
        #expect(VagrantCommand.destroy(in: "/p").arguments == ["destroy", "-f", "--no-color"])
        #expect(VagrantCommand.status(in: "/p").environment["VAGRANT_CWD"] == "/p")
        #expect(VagrantCommand.up(.libvirt, in: "/p").environment["PGAF_RUNS_VAGRANT"] == "1")
        #expect(
            VagrantCommand.addBox("/b.box", name: "pgaf/debian-13").arguments
                == ["box", "add", "--force", "--no-color", "--name", "pgaf/debian-13", "/b.box"])
    }
}
