import Foundation
import Shared

/// A second copy of the machine's host key, in Vagrant's own directory of that machine: it lives as long as the machine
/// does, so that a removed `.pgaf/` is no reason to believe whoever answers.
struct VagrantKnownHosts: Sendable {
    let project: ProjectDirectory
    let provider: VagrantProvider

    /// Vagrant's id of the machine; nil where there is none.
    private var id: String? {
        guard let id = ((try? MachineFiles().read("\(provider.dataDirectory(in: project))/id")) ?? nil)?.trimmed,
            !id.isEmpty, id.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
        else { return nil }
        return id
    }

    /// Bound to the machine by its id: one that was made anew has another and shows new keys.
    var copy: String? { id.map { "\(provider.dataDirectory(in: project))/pgaf_known_hosts.\($0)" } }

    /// Puts back what `.pgaf/` has lost, and drops the key of a machine in whose place Vagrant has made another one, as its
    /// id shows.
    func restore() throws {
        guard let id, let copy else { return }
        let files = MachineFiles()
        let former = try files.read(project.knownMachine)
        if former != id {
            if former != nil { try files.remove(project.knownHosts) }
            try project.prepare()
            try files.write(id, to: project.knownMachine)
        }
        if !files.exists(project.knownHosts), let text = try files.read(copy) {
            try files.write(text, to: project.knownHosts)
        }
    }

    /// Keeps what a connection has learned.
    func keep() throws {
        guard let copy, let text = try MachineFiles().read(project.knownHosts),
            try MachineFiles().read(copy) != text
        else { return }
        try MachineFiles().write(text, to: copy)
    }

    /// Forgets both, with the machine.
    func remove() throws {
        try MachineFiles().remove(project.knownHosts)
        try MachineFiles().remove(project.knownMachine)
        let directory = provider.dataDirectory(in: project)
        for file in MachineFiles().list(directory) where file.hasPrefix("pgaf_known_hosts.") {
            try MachineFiles().remove("\(directory)/\(file)")
        }
    }
}
