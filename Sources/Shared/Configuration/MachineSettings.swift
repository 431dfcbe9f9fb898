/// The machine that carries the cluster and how it is reached.
public struct MachineSettings: Sendable, Codable, Equatable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        case vagrant, ssh, local
    }

    public var kind = Kind.vagrant
    public var vagrant = VagrantSettings()
    public var ssh = SSHSettings()

    public init() {}
}

/// The virtual machine that `vagrant up` makes.
public struct VagrantSettings: Sendable, Codable, Equatable {
    public enum Provider: String, Sendable, Codable, CaseIterable {
        case auto, virtualbox, libvirt
    }

    public var provider = Provider.auto
    /// nil means `bento/debian-13` on VirtualBox and `pgaf/debian-13`, built by `pgaf-host box build`, on libvirt.
    public var box: String?
    public var name = "pgAutoFailoverVM-Vagrant"
    /// MiB.
    public var memory = 6144
    public var cpus = 4
    /// Address in the host-only network; `none` leaves the private network out.
    public var ip = "192.168.56.150"
    /// Folder on the host that appears as `/vagrant`, where the provider can; `none` leaves it out.
    public var syncedFolder = "."

    public init() {}
}

/// A machine that exists already.
public struct SSHSettings: Sendable, Codable, Equatable {
    public var host: String?
    public var port = 22
    public var user = "root"
    /// Private key files, tried in order; `~` stands for the home directory. Empty means the SSH agent's keys and the
    /// usual files in `~/.ssh`.
    public var identityFiles: [String] = []
    /// SHA-256 fingerprint of the host key (`SHA256:…`), checked on the first contact; nil means: learned then.
    public var hostKey: String?

    public init() {}
}
