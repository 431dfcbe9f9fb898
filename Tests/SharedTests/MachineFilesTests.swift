import Foundation
import Shared
import Testing

@Suite struct MachineFilesTests {
    private let directory: String
    private let files: MachineFiles

    init() throws {
        directory = NSTemporaryDirectory() + "pgaf-files-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        files = MachineFiles(root: directory)
    }

    private func cleaned(_ body: () throws -> Void) rethrows {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body()
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: directory + path)[.posixPermissions] as? Int
    }

    @Test func textComesBackWithItsMode() throws {
        try cleaned {
            #expect(try files.read("/a") == nil && !files.exists("/a"))
            try files.write("grüße\n", to: "/a")
            #expect(try files.read("/a") == "grüße\n" && mode("/a") == 0o600)
            try files.write("", to: "/a", mode: 0o644)
            #expect(try files.read("/a") == "" && mode("/a") == 0o644)
            #expect(files.list("/") == ["a"])
        }
    }

    @Test func whatAKilledRunLeftBehindDoesNotOpenASecret() throws {
        try cleaned {
            try Data("old and longer".utf8).write(to: URL(fileURLWithPath: directory + "/a.pgaf-new"))
            try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: directory + "/a.pgaf-new")
            let open = try #require(FileHandle(forReadingAtPath: directory + "/a.pgaf-new"))
            try files.write("new", to: "/a")
            #expect(try files.read("/a") == "new" && mode("/a") == 0o600)
            // Somebody who had the left file open does not see what was written.
            #expect(try open.readToEnd() == Data("old and longer".utf8))
        }
    }

    @Test func aFailureLeavesTheOldTextAndNothingElse() throws {
        try cleaned {
            try files.makeDirectory("/d/sub")
            let error = #expect(throws: PgafError.self) { try files.write("x", to: "/d/sub") }
            #expect(error?.code == .fileFailed && files.list("/d") == ["sub"])
            #expect(throws: PgafError.self) { try files.write("x", to: "/none/a") }
            #expect(files.list("/") == ["d"])
            #expect(throws: PgafError.self) { try files.read("/d") }
        }
    }

    @Test func directoriesWithTheirModeAndRemoval() throws {
        try cleaned {
            try files.makeDirectory("/x/y")
            #expect(try mode("/x/y") == 0o700)
            try files.makeDirectory("/x/y", mode: 0o755)
            #expect(try mode("/x/y") == 0o755)
            try files.write("", to: "/x/y/z")
            try files.remove("/x")
            try files.remove("/x")
            #expect(!files.exists("/x") && files.list("/x").isEmpty)
        }
    }

    @Test func readersNeverSeeAPart() async throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (files, one, other) = (
            files, String(repeating: "a", count: 200_000), String(repeating: "b", count: 200_000)
        )
        try files.write(one, to: "/a")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for index in 0..<20 { try files.write(index.isMultiple(of: 2) ? other : one, to: "/a") } }
            group.addTask {
                for _ in 0..<100 {
                    let text = try files.read("/a")
                    #expect(text == one || text == other)
                }
            }
            try await group.waitForAll()
        }
    }
}
