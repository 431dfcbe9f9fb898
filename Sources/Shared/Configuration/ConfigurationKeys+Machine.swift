/// Keys of the machine.
extension ConfigurationKeys {
    static let machine: [ConfigurationKey<Configuration>] = [
        .init("machine.kind", \.machine.kind, .choice, "How the machine that carries the cluster is reached."),
        .init(
            "machine.vagrant.provider", \.machine.vagrant.provider, .choice,
            "Vagrant provider; `auto` takes the one that works here."),
        .init(
            "machine.vagrant.box", \.machine.vagrant.box,
            ValueKind.text("a box name such as bento/debian-13", where: NameRules.isBoxName).optional(),
            "Vagrant box; `auto` is bento/debian-13 on VirtualBox and pgaf/debian-13, made by `pgaf-host box build`, on libvirt."
        ),
        .init(
            "machine.vagrant.name", \.machine.vagrant.name, .text(Words.dockerName, where: NameRules.isDockerName),
            "Name of the virtual machine."),
        .init(
            "machine.vagrant.memory", \.machine.vagrant.memory, .integer(1024...1_048_576, unit: "MiB"),
            "Memory of the virtual machine."),
        .init("machine.vagrant.cpus", \.machine.vagrant.cpus, .integer(1...256), "Processors of the virtual machine."),
        .init(
            "machine.vagrant.ip", \.machine.vagrant.ip,
            .text("an IPv4 address such as 192.168.56.150, or none") { $0 == "none" || IPv4Address($0) != nil },
            "Address in the host-only network; `none` leaves the private network out."),
        .init(
            "machine.vagrant.synced_folder", \.machine.vagrant.syncedFolder,
            .text(Words.path, where: NameRules.isPlainLine),
            "Folder of the host that appears as /vagrant where the provider can; `none` leaves it out."),
        .init(
            "machine.ssh.host", \.machine.ssh.host,
            ValueKind.text("a host name or address", where: { NameRules.isHostName($0) || NetworkRules.isAddress($0) })
                .optional("none"), "Host name or address of an existing machine; needed when machine.kind is ssh."),
        .init("machine.ssh.port", \.machine.ssh.port, .integer(1...65535), "Port of its SSH server."),
        .init(
            "machine.ssh.user", \.machine.ssh.user,
            .text("a login name of letters, digits, `_`, `-` and `.`, at most 32", where: NameRules.isLoginName),
            "Login name there: root, or a user who may use `sudo` without a password."),
        .init(
            "machine.ssh.identity_files", \.machine.ssh.identityFiles,
            .list(of: Words.path, where: NameRules.isPlainLine),
            "Private key files, tried in order; empty means the SSH agent's keys and the usual files in ~/.ssh."),
        .init(
            "machine.ssh.host_key", \.machine.ssh.hostKey,
            ValueKind.text(
                "a fingerprint such as `ssh-keygen -lf` prints: SHA256: and 43 characters", where: isFingerprint
            )
            .optional(), "Fingerprint of the host key, checked on the first contact; `auto` learns it then."),
    ]

    private static func isFingerprint(_ text: String) -> Bool {
        text.hasPrefix("SHA256:") && text.utf8.count == 50
            && text.utf8.dropFirst(7).allSatisfy { NameRules.isAlphanumeric($0) || "+/".utf8.contains($0) }
    }
}
