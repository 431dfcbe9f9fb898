import Foundation
import Shared
import SystemPackage

extension VagrantMachine {
    /// VirtualBox shares a folder with the machine, by default the one that has `.pgaf/` in it.
    public func warnings() async -> [String] {
        guard settings.syncedFolder != "none", case .virtualbox? = try? await provider() else { return [] }
        let folder = LocalPath.absolute(settings.syncedFolder, in: project.path, home: NSHomeDirectory())
        let (shared, own) = (FilePath(folder).lexicallyNormalized(), FilePath(project.state).lexicallyNormalized())
        guard own.starts(with: shared) || shared.starts(with: own) else { return [] }
        return [
            "VirtualBox shares \(shared) with the machine, the passwords in .pgaf and what you run among it: whoever is"
                + " root there can read and change them. `machine.vagrant.synced_folder: none` shares nothing."
        ]
    }
}
