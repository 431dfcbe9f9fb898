import Foundation
import Shared

/// A second copy of the machine's host key, in Vagrant's own directory of that machine: it lives as long as the machine
/// does, so that a removed `.pgaf/` is no reason to believe whoever answers.
struct VagrantKnownHosts: Sendable {
    let project: ProjectDirectory
    let provider: VagrantProvider

    /// Bound to the machine by its id: one that was made anew has another and shows new keys.
    var copy: String? {
        let directory = provider.dataDirectory(in: project)
        guard let id = ((try? MachineFiles().read("\(directory)/id")) ?? nil)?.trimmed,
            !id.isEmpty, id.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
        else { return nil }
        return "\(directory)/pgaf_known_hosts.\(id)"
    }

    /// Puts back what `.pgaf/` has lost.
    func restore() throws {
        guard let copy, !MachineFiles().exists(project.knownHosts), let text = try MachineFiles().read(copy) else {
            return
        }
        try project.prepare()
        try MachineFiles().write(text, to: project.knownHosts)
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
        let directory = provider.dataDirectory(in: project)
        for file in MachineFiles().list(directory) where file.hasPrefix("pgaf_known_hosts.") {
            try MachineFiles().remove("\(directory)/\(file)")
        }
    }
}
