import Shared

/// Vagrant's failures and what to do about the common ones.
enum VagrantFailure {
    /// Words of Vagrant, VirtualBox and libvirt; Vagrant has no stable codes on its terminal output.
    private static let known: [(part: String, code: ErrorCode, remedy: String)] = [
        (
            "No space left on device", .diskFull,
            "Free disk space (df -h), then run the same command again."
        ),
        (
            "VT-x is", .vagrantFailed,
            "Switch on hardware virtualisation (VT-x or AMD-V) in the firmware, or set machine.vagrant.provider: libvirt."
        ),
        (
            "VERR_VMX", .vagrantFailed,
            "Another hypervisor holds VT-x: stop KVM or Hyper-V machines, then run the same command again."
        ),
        (
            "Failed to connect socket", .vagrantFailed,
            "Start libvirt: sudo systemctl start libvirtd; then run the same command again."
        ),
        (
            "already taken", .vagrantFailed,
            "Another machine has this name: set machine.vagrant.name, or destroy the other one."
        ),
        (
            "A VirtualBox machine with the name", .vagrantFailed,
            "Another machine has this name: set machine.vagrant.name, or destroy the other one."
        ),
        (
            "is already in use on the host machine", .portInUse,
            "Stop the program that holds the port, or set another port in pgaf.yaml."
        ),
        (
            "is not within the allowed ranges", .vagrantFailed,
            "VirtualBox allows host-only addresses in 192.168.56.0/21: set machine.vagrant.ip to one, or to none."
        ),
        (
            "Timed out while waiting for the machine to boot", .vagrantFailed,
            "The machine is slow: run the same command again, or give it more memory and CPUs."
        ),
        (
            "another process is already executing an action", .vagrantFailed,
            "Another Vagrant works on this machine, perhaps that of a pgaf-host that was killed: wait until it has ended"
                + " (`pgrep -fa vagrant`), then run the same command again."
        ),
        (
            "couldn't be accessed from the remote", .vagrantFailed,
            "The box's host does not answer: set machine.vagrant.box, or use the libvirt provider (pgaf-host box build)."
        ),
        (
            "\"vboxsf\"", .vagrantFailed,
            "The box has no VirtualBox Guest Additions, or not its kernel's: set machine.vagrant.synced_folder: none, or"
                + " take a box that has them (machine.vagrant.box), then run the same command again."
        ),
    ]

    static func error(provider: VagrantProvider, lines: [String], logFile: String) -> PgafError {
        let match = known.first { entry in lines.contains { $0.contains(entry.part) } }
        return PgafError(
            match?.code ?? .vagrantFailed, "Vagrant (\(provider.rawValue)) failed.",
            remedy: match?.remedy ?? "Read \(logFile), correct what it names, then run the same command again.",
            cause: lines.last, output: lines.suffix(12).map { $0 })
    }
}
