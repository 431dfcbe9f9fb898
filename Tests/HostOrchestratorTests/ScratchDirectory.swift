import Foundation

@testable import HostOrchestrator

/// A directory of a test's own, removed with the last reference to it.
final class ScratchDirectory: Sendable {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "pgaf-test-" + UUID().uuidString
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    var project: ProjectDirectory { ProjectDirectory(path: path) }

    func text(_ file: String) -> String {
        (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
    }

    func mode(_ file: String) -> Int? {
        (try? FileManager.default.attributesOfItem(atPath: file))?[.posixPermissions] as? Int
    }

    /// Every file below, by path, as text.
    func everything() -> [String: String] {
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return Dictionary(uniqueKeysWithValues: names.map { ($0, text("\(path)/\($0)")) })
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
