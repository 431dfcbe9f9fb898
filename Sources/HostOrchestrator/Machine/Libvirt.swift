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
        let answer = try await runner.run(Self.question)
        if answer.succeeded { return }
        try Self.refuse(answer)
        await say("starting libvirt's services")
        let systemd = FileManager.default.fileExists(atPath: "/run/systemd/system")
        if !systemd {
            // Other users than root are let in by polkit, which speaks D-Bus; libvirtd looks for it once, at its start.
            if !Elevation.isRoot, !FileManager.default.fileExists(atPath: "/run/dbus/system_bus_socket") {
                _ = try? await runner.run(Elevation.command(Self.busCommand))
            }
            // One that runs already is no failure.
            _ = try? await runner.run(Elevation.command(Self.logCommand))
        }
        for command in Self.startCommands(systemd: systemd) {
            try await runner.checked(
                Elevation.command(command), code: .vagrantFailed, what: "libvirt's service could not be started.",
                remedy: systemd
                    ? "sudo systemctl start libvirtd; then run the same command again."
                    : "As root: libvirtd -d; then run the same command again.")
        }
        try await Wait(
            for: "libvirt to answer", upTo: .seconds(30),
            hint: "Look into the log of libvirtd (journalctl -u libvirtd).",
            code: .vagrantFailed
        ).until {
            let answer = try await runner.run(Self.question)
            try Self.refuse(answer)
            return answer.succeeded ? .found(()) : .notYet(answer.lastLines(1).joined())
        }
    }

    /// Waiting changes nothing where the daemon answers that this user may not speak to it.
    ///
    /// - Throws: `vagrant.failed` with what to type.
    static func refuse(_ answer: CommandResult, user: String = NSUserName()) throws {
        guard !answer.succeeded else { return }
        let words = answer.standardError.lowercased()
        let cause = answer.lastLines(1).joined()
        if words.contains("system bus") {
            throw PgafError(
                .vagrantFailed, "libvirt was started without D-Bus and so lets nobody in but root.",
                remedy:
                    "As root: service dbus start; pkill -x libvirtd; libvirtd --daemon (running machines go on); then run"
                    + " the same command again.",
                cause: cause)
        }
        if ["authentication unavailable", "authentication failed", "access denied", "permission denied"]
            .contains(where: words.contains)
        {
            throw PgafError(
                .vagrantFailed, "The user \(user) may not speak to libvirt.",
                remedy:
                    "sudo adduser \(user) libvirt; then run the same command again, after a new login if it is not enough.",
                cause: cause)
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
        for command in Self.accelerationCommands { _ = try? await runner.run(Elevation.command(command)) }
    }

    static let accelerationCommands = [
        Command("chgrp", ["kvm", "/dev/kvm"], deadline: .seconds(30)),
        Command("chmod", ["0660", "/dev/kvm"], deadline: .seconds(30)),
    ]

    /// - Parameter systemd: whether PID 1 is systemd; elsewhere the daemons put themselves into the background.
    static func startCommands(systemd: Bool) -> [Command] {
        systemd
            ? [Command("systemctl", ["start", "virtlogd.socket", "libvirtd.service"], deadline: .seconds(90))]
            : [Command("libvirtd", ["--daemon"], deadline: .seconds(60))]
    }

    static let busCommand = Command("service", ["dbus", "start"], deadline: .seconds(60))
    static let logCommand = Command("virtlogd", ["--daemon"], deadline: .seconds(60))
}
