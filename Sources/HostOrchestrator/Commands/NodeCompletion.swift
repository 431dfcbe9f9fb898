import ArgumentParser

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension CompletionKind {
    /// The nodes of the cluster that was made in this directory.
    static var nodes: CompletionKind {
        .custom { _, _, _ in
            let project = ProjectDirectory(path: FileManager.default.currentDirectoryPath)
            return (try? ClusterMemory.load(project))?.configuration.nodes.map(\.name) ?? []
        }
    }
}
