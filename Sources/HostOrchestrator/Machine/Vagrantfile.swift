import Shared

/// The values of the rendered `Vagrantfile`.
struct Vagrantfile: Sendable, Equatable {
    /// A port of the machine and the one wanted for it on the host.
    struct Forward: Sendable, Equatable {
        var guest: Int
        var host: Int
    }

    /// The first line: tells our file from a foreign one.
    static let header = "# Made by pgaf-host"

    var box: String
    var name: String
    /// MiB.
    var memory: Int
    var cpus: Int
    /// nil leaves the private network out.
    var ip: String?
    /// nil leaves the synced folder out.
    var syncedFolder: String?
    var forwards: [Forward]
    /// Whether libvirt's machine has to do without hardware virtualisation.
    var emulated: Bool

    init(settings: VagrantSettings, provider: VagrantProvider, forwards: [Forward], emulated: Bool) {
        box = settings.box ?? provider.defaultBox
        name = settings.name
        memory = settings.memory
        cpus = settings.cpus
        ip = settings.ip == "none" ? nil : settings.ip
        syncedFolder = settings.syncedFolder == "none" ? nil : settings.syncedFolder
        self.forwards = forwards
        self.emulated = emulated
    }

    /// The file's text.
    var text: String {
        let values = [
            "box": RubyLiteral.string(box),
            "name": RubyLiteral.string(name),
            "memory": String(memory),
            "cpus": String(cpus),
            "ip": RubyLiteral.string(ip),
            "synced_folder": RubyLiteral.string(syncedFolder),
            "forwarded_ports": RubyLiteral.hash(forwards.map { ($0.guest, $0.host) }),
            "emulated": String(emulated),
        ]
        // Cut once at the marks of the template, so that a value that looks like a mark stays a value.
        let pieces = Self.template.split(separator: "{{", omittingEmptySubsequences: false)
        return pieces.dropFirst().reduce(String(pieces[0])) { text, piece in
            let parts = piece.split(separator: "}}", maxSplits: 1, omittingEmptySubsequences: false)
            return text + (values[String(parts[0])] ?? "") + (parts.count > 1 ? parts[1] : "")
        }
    }
}
