import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Shared

@Suite struct MachineFilesTests {
    private let scratch = ScratchDirectory()
    private var directory: String { scratch.path }
    private let files: MachineFiles

    init() { files = MachineFiles(root: scratch.path) }

    private func mode(_ path: String) -> Int? { scratch.mode(directory + path) }

    @Test func textComesBackWithItsMode() throws {
        #expect(try files.read("/a") == nil && !files.exists("/a"))
        try files.write("grüße\n", to: "/a")
        #expect(try files.read("/a") == "grüße\n" && mode("/a") == 0o600)
        try files.write("", to: "/a", mode: 0o644)
        #expect(try files.read("/a") == "" && mode("/a") == 0o644)
        #expect(files.list("/") == ["a"])
    }

    @Test func whatAKilledRunLeftBehindDoesNotOpenASecret() throws {
        let left = directory + "/a.7.pgaf-new"
        try Data("old and longer".utf8).write(to: URL(fileURLWithPath: left))
        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: left)
        let open = try #require(FileHandle(forReadingAtPath: left))
        try files.write("new", to: "/a")
        #expect(try files.read("/a") == "new" && mode("/a") == 0o600)
        #expect(files.list("/") == ["a"])
        // Somebody who had the left file open does not see what was written.
        #expect(try open.readToEnd() == Data("old and longer".utf8))
    }

    @Test func aFailureLeavesTheOldTextAndNothingElse() throws {
        try files.makeDirectory("/d/sub")
        let error = #expect(throws: PgafError.self) { try files.write("x", to: "/d/sub") }
        #expect(error?.code == .fileFailed && files.list("/d") == ["sub"])
        #expect(throws: PgafError.self) { try files.write("x", to: "/none/a") }
        #expect(files.list("/") == ["d"])
        #expect(throws: PgafError.self) { try files.read("/d") }
    }

    @Test func onlyWhatKilledRunsLeftOfTheSameFileIsRemoved() throws {
        let others = ["a.8.pgaf-new", "a.b.7.pgaf-new", "b.7.pgaf-new", "pgaf-new", ".pgaf-new", "a.pgaf-new"]
        for name in others + ["a.7.pgaf-new"] { try Data().write(to: URL(fileURLWithPath: "\(directory)/\(name)")) }
        let writer = try FileLock("\(directory)/a.8.pgaf-new", subject: "a", holder: "a living writer")
        try files.write("new", to: "/a")
        #expect(files.list("/") == (others + ["a"]).sorted())
        withExtendedLifetime(writer) {}
    }

    @Test func allThatKilledRunsLeftIsRemovedAtOnce() throws {
        try files.makeDirectory("/d/e")
        for path in ["a.1.pgaf-new", "d/b.c.2.pgaf-new", "d/e/c.3.pgaf-new", "d/e/kept", "d/pgaf-new"] {
            try Data().write(to: URL(fileURLWithPath: "\(directory)/\(path)"))
        }
        // What lies behind a link is somebody else's.
        let elsewhere = ScratchDirectory()
        try Data().write(to: URL(fileURLWithPath: "\(elsewhere.path)/a.1.pgaf-new"))
        try FileManager.default.createSymbolicLink(
            atPath: "\(directory)/link", withDestinationPath: elsewhere.path)
        files.removeUnfinished(below: "/")
        #expect(
            files.list("/") == ["d", "link"] && files.list("/d") == ["e", "pgaf-new"] && files.list("/d/e") == ["kept"])
        #expect(MachineFiles().list(elsewhere.path) == ["a.1.pgaf-new"])
    }

    @Test func aLinkIsReplacedAndNotWrittenThrough() throws {
        try files.write("kept", to: "/elsewhere")
        try FileManager.default.createSymbolicLink(
            atPath: "\(directory)/a", withDestinationPath: "\(directory)/elsewhere")
        try files.write("new", to: "/a")
        #expect(try files.read("/a") == "new" && files.read("/elsewhere") == "kept")
    }

    @Test func nothingLargerThanItsLimitIsRead() throws {
        try files.write("123456", to: "/a")
        #expect(try files.bytes(of: "/a", limit: 6) == Array("123456".utf8))
        let error = #expect(throws: PgafError.self) { try files.read("/a", limit: 5) }
        #expect(error?.code == .fileFailed && error?.message == "The file /a is larger than 5 bytes.")
    }

    @Test func aFullDiskHasItsOwnCode() {
        for reason in [Errno.noSpace, .diskQuotaExceeded] {
            let error = PgafError.file(reason, "write", "/var/lib/x")
            #expect(error.code == .diskFull && error.message == "The disk is full: could not write /var/lib/x.")
        }
        let error = PgafError.file(.permissionDenied, "read", "/x")
        #expect(error.code == .fileFailed && error.message == "Could not read /x." && error.cause?.isEmpty == false)
    }

    @Test func removingNeverFollowsLinks() throws {
        for path in ["/inside/deep", "/outside"] { try files.makeDirectory(path) }
        try files.write("x", to: "/outside/kept")
        let links = [("inside/link", "outside"), ("inside/deep/dangling", "nowhere"), ("link", "outside")]
        for (link, target) in links {
            try FileManager.default.createSymbolicLink(
                atPath: "\(directory)/\(link)", withDestinationPath: "\(directory)/\(target)")
        }
        try files.remove("/inside")
        try files.remove("/link")
        #expect(!files.exists("/inside"))
        #expect(files.list("/") == ["outside"] && files.exists("/outside/kept"))
    }

    @Test func aFileIsNoDirectory() throws {
        try files.write("x", to: "/a", mode: 0o600)
        let error = #expect(throws: PgafError.self) { try files.makeDirectory("/a") }
        #expect(error?.code == .fileFailed)
        #expect(throws: PgafError.self) { try files.makeDirectory("/a/b") }
        #expect(try files.read("/a") == "x" && mode("/a") == 0o600)
    }

    @Test func whatCanBeRunIsAFileWithTheRight() throws {
        try files.write("x", to: "/a", mode: 0o755)
        try files.write("x", to: "/b", mode: 0o644)
        try files.makeDirectory("/c", mode: 0o755)
        #expect(files.isExecutable("/a") && !files.isExecutable("/b") && !files.isExecutable("/c"))
        #expect(!files.isExecutable("/none"))
    }

    @Test func directoriesWithTheirModeAndRemoval() throws {
        try files.makeDirectory("/x/y")
        #expect(mode("/x/y") == 0o700)
        try files.makeDirectory("/x/y", mode: 0o755)
        #expect(mode("/x/y") == 0o755)
        try files.write("", to: "/x/y/z")
        try files.remove("/x")
        try files.remove("/x")
        #expect(!files.exists("/x") && files.list("/x").isEmpty)
    }

    /// Numbers of owner and group, mode; whether root, by the sudo of the user 1000, trusts it, also as a file of its own.
    @Test(arguments: [
        (UInt32(1000), UInt32(1000), UInt32(0o664), true, false), (1000, 100, 0o664, false, false),
        (1000, 100, 0o644, true, false), (1001, 1001, 0o600, false, false), (0, 0, 0o602, false, false),
        (0, 0, 0o660, true, false), (0, 0, 0o640, true, true),
    ]) func whoElseMayWriteDecidesWhetherAFileIsTrusted(
        _ owner: UInt32, _ group: UInt32, _ mode: UInt32, _ usersOwn: Bool, _ rootsOwn: Bool
    ) {
        func isTrusted(alone: Bool) -> Bool {
            MachineFiles.distrust(owner, group, mode, user: 0, caller: 1000, alone: alone) == nil
        }
        #expect(isTrusted(alone: false) == usersOwn)
        #expect(isTrusted(alone: true) == rootsOwn)
    }

    /// Who acts, who called sudo for that, and whose file of mode 0600 it is.
    @Test(arguments: [
        (UInt32(0), UInt32?.none, UInt32(0), true), (0, nil, 1000, false), (0, 1000, 1000, true),
        (0, 1001, 1000, false),
        (1000, nil, 1000, true), (1000, nil, 0, true), (1000, nil, 1001, false), (1000, 1001, 1001, false),
    ]) func filesOfOtherUsersAreNotTrusted(_ user: UInt32, _ caller: UInt32?, _ owner: UInt32, _ trusted: Bool) {
        let found = MachineFiles.distrust(owner, owner, 0o600, user: user, caller: caller, alone: false)
        #expect((found == nil) == trusted)
        if let found { #expect(found.mending == (user == 0 ? "chown root" : "sudo chown $USER")) }
    }

    @Test func whoMayWriteIntoItsDirectoryMayPutAnotherFileThere() throws {
        try files.makeDirectory("/open", mode: 0o777)
        try files.write("x", to: "/open/a")
        try FileManager.default.createSymbolicLink(
            atPath: "\(directory)/link", withDestinationPath: "\(directory)/open/a")
        for path in ["/open/a", "/link"] {
            let error = #expect(throws: PgafError.self) { try files.requireTrust(path, alone: false) }
            #expect(error?.code == .fileUnsafe && error?.message.hasPrefix("\(path) ") == true)
            #expect(error?.remedy.contains("`chmod go-w ") == true && error?.remedy.contains("/open/`") == true)
        }
        // As /tmp is.
        try files.makeDirectory("/open", mode: 0o1777)
        try files.requireTrust("/link", alone: false)
        try files.requireTrust("/none", alone: true)
    }

    /// Who is root on a machine that pretends made its files as whoever runs the tests.
    @Test func onesOwnFilesAreTrustedWhoeverWorksOnTheMachine() throws {
        let pretending = MachineFiles(root: directory, user: 0)
        try pretending.makeDirectory("/own")
        try pretending.write("x", to: "/own/a")
        try pretending.requireTrust("/own/a", alone: true)
        #expect(pretending.user == 0 && files.user == geteuid())
    }

    @Test func readersNeverSeeAPart() async throws {
        let (files, one, other) = (
            files, String(repeating: "a", count: 200_000), String(repeating: "b", count: 200_000)
        )
        try files.write(one, to: "/a")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for _ in 0..<20 { try files.write(one, to: "/a") } }
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
