import Foundation
import HostOrchestrator

/// A directory of a test's own, removed with the last reference to it: keep that as long as the directory is used.
package final class ScratchDirectory: Sendable {
    package let path: String

    package init() {
        path = NSTemporaryDirectory() + "pgaf-test-" + UUID().uuidString
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    package var project: ProjectDirectory { ProjectDirectory(path: path) }

    package func text(_ file: String) -> String {
        (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
    }

    package func mode(_ file: String) -> Int? {
        (try? FileManager.default.attributesOfItem(atPath: file))?[.posixPermissions] as? Int
    }

    /// Every file below that is text, by its path from here.
    package func everything() -> [String: String] {
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return Dictionary(uniqueKeysWithValues: names.map { ($0, text("\(path)/\($0)")) })
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
