import Crypto
import Foundation
import Shared

/// Everything that the content of the box depends on; the same recipe gives the same hash.
struct BoxRecipe: Sendable, Equatable {
    static let suite = BaseSystem.suite
    /// MiB; sparse, so that Docker has room and the file stays small.
    static let diskSize = 20480
    static let commandLine = "root=/dev/vda2 rw net.ifnames=0 console=tty0 console=ttyS0 quiet panic=10"

    /// A bootable system that Vagrant can log in to, and what the agent would else install inside a machine that may
    /// be emulated: 42 s here save 215 s there.
    static let packages = [
        "linux-image-cloud-amd64", "systemd-sysv", "systemd-resolved", "systemd-timesyncd", "dbus", "udev", "kmod",
        "openssh-server", "sudo", "iproute2", "iputils-ping", "procps", "less", "ca-certificates", "curl", "rsync",
        "docker.io", "docker-cli", "docker-buildx", "iptables", "postgresql-client-17", "mmdebstrap", "zstd",
    ]

    /// Lines of the guest's `sources.list`, also those that the box is made from.
    var sources: [String]
    /// Vagrant's well-known public key; `vagrant up` replaces it at the first boot.
    var publicKey: String
    /// The agent's hash of what it makes the images of the cluster's nodes from; nil for a plain box without them.
    var images: String?

    /// The same box without the images.
    var plain: BoxRecipe { BoxRecipe(sources: sources, publicKey: publicKey) }

    /// 16 hexadecimal digits.
    var hash: String {
        // The command lines with all their options; where a box is made and the agent's own path change nothing in it.
        let commands = BoxCommand(work: "")
        let lines = [
            commands.base, commands.bootstrap(bootCode: "", agent: images == nil ? nil : ""), commands.convert,
        ]
        .flatMap { [$0.executable] + $0.arguments }
        let scripts = BoxScript.all.filter { images != nil || !BoxScript.onlyForImages.contains($0.key) }
        let inputs =
            sources + lines + scripts.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
            + [publicKey, Self.vagrantfile, images ?? ""]
        return SHA256.hash(data: Data(inputs.joined(separator: "\0").utf8)).prefix(8).hexadecimal
    }

    /// `metadata.json`; Vagrant reads the first three, pgaf its hash.
    var metadata: String {
        """
        {"format":"qcow2","pgaf_inputs":"\(hash)","provider":"libvirt","virtual_size":\(Self.diskSize / 1024)}
        """
    }

    /// The box's own Vagrantfile.
    static let vagrantfile = """
        # Made by pgaf-host box build.
        Vagrant.configure("2") do |config|
          config.vm.provider :libvirt do |libvirt|
            libvirt.disk_bus = "virtio"
          end
        end

        """
}
