import Foundation
import Shared

/// libvirt's own daemons on this machine.
struct Libvirt: Sendable {
    let runner: any CommandRunner

    static let question = Command(
        "virsh", ["--connect", "qemu:///system", "version", "--daemon"], environment: ["LC_ALL": "C"],
        deadline: .seconds(30))

    /// Whether the daemons answer.
    func answers() async throws -> Bool { try await runner.run(Self.question).succeeded }

    /// Starts the daemons if they do not answer.
    ///
    /// - Throws: `vagrant.failed` when they cannot be started or this user may not speak to them.
    func ensureRunning(_ say: @Sendable (String) async -> Void) async throws {
        if try await answers() { return }
        let socket = "/run/libvirt/libvirt-sock"
        if FileManager.default.fileExists(atPath: socket), !FileManager.default.isWritableFile(atPath: socket) {
            throw PgafError(
                .vagrantFailed, "The user \(NSUserName()) may not speak to libvirt.",
                remedy: "sudo adduser \(NSUserName()) libvirt, log in again, then run the same command again.")
        }
        await say("starting libvirt's services")
        let systemd = FileManager.default.fileExists(atPath: "/run/systemd/system")
        for command in Self.startCommands(systemd: systemd) {
            try await runner.checked(
                Privilege.asRoot(command), code: .vagrantFailed, what: "libvirt's service could not be started.",
                remedy: systemd
                    ? "sudo systemctl start libvirtd; then run the same command again."
                    : "As root: virtlogd -d; libvirtd -d; then run the same command again.")
        }
        try await Wait(
            for: "libvirt to answer", upTo: .seconds(30),
            hint: "Look into the log of libvirtd (journalctl -u libvirtd).",
            code: .vagrantFailed
        ).until {
            let answer = try await runner.run(Self.question)
            return answer.succeeded ? .found(()) : .notYet(answer.lastLines(1).joined())
        }
    }

    /// What udev does where it runs: lets QEMU's user use `/dev/kvm`.
    ///
    /// Where only root may, libvirt 9.0 takes what it knows of QEMU for out of date and examines it anew for each change of a
    /// machine: 84 s of an `up`. Nothing else depends on it, so that failing is no error.
    func openAcceleration(_ say: @Sendable (String) async -> Void) async {
        let attributes = try? FileManager.default.attributesOfItem(atPath: "/dev/kvm")
        guard let mode = attributes?[.posixPermissions] as? Int, mode & 0o060 != 0o060,
            !FileManager.default.fileExists(atPath: "/run/udev")
        else { return }
        await say("letting QEMU use /dev/kvm, as udev would")
        for command in Self.accelerationCommands { _ = try? await runner.run(Privilege.asRoot(command)) }
    }

    static let accelerationCommands = [
        Command("chgrp", ["kvm", "/dev/kvm"], deadline: .seconds(30)),
        Command("chmod", ["0660", "/dev/kvm"], deadline: .seconds(30)),
    ]

    /// - Parameter systemd: whether PID 1 is systemd; elsewhere the daemons put themselves into the background.
    static func startCommands(systemd: Bool) -> [Command] {
        systemd
            ? [Command("systemctl", ["start", "virtlogd.socket", "libvirtd.service"], deadline: .seconds(90))]
            : [
                Command("virtlogd", ["--daemon"], deadline: .seconds(60)),
                Command("libvirtd", ["--daemon"], deadline: .seconds(60)),
            ]
    }
}

/// Commands that need root.
enum Privilege {
    /// The command as it is for root, through `sudo -n` for others: a password prompt would wait unseen.
    static func asRoot(_ command: Command, isRoot: Bool = NSUserName() == "root") -> Command {
        guard !isRoot else { return command }
        var result = command
        result.executable = "sudo"
        result.arguments = ["-n", command.executable] + command.arguments
        return result
    }
}
