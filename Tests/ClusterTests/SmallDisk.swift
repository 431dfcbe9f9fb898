import Foundation
import Shared
import TestSupport
import Testing

/// A small file system in memory over a directory of this machine, whose own content is out of sight meanwhile and not
/// touched.
struct SmallDisk {
    let directory: String
    /// As `mount` understands it: `5g`.
    let size: String
    private let runner = SubprocessRunner()

    init(over directory: String, size: String) {
        self.directory = directory
        self.size = size
    }

    func mount() async throws {
        try await checked("mount", ["-t", "tmpfs", "-o", "size=\(size),mode=0711", "tmpfs", directory])
        // An empty one could not be made so small that nothing is left: size 0 means no limit.
        try "this file system is a test's\n".write(toFile: "\(directory)/of-a-test", atomically: false, encoding: .utf8)
    }

    /// Only this one, and what an engine may have mounted in it.
    func unmount() async throws { try await checked("umount", ["--recursive", directory]) }

    /// Gives it its whole size back.
    func makeRoom() async throws { try await checked("mount", ["-o", "remount,size=\(size)", directory]) }

    /// Makes it as small as it must be for so many free MiB, however much is written meanwhile.
    func shrink(leaving room: Int) async throws {
        try await Wait(
            for: "\(directory) to have \(room) MiB left", upTo: .seconds(60), every: .milliseconds(20), hint: ""
        ).until {
            let answer = try await runner.run(Command("df", ["--output=used", "--block-size=1K", directory]))
            let used = try #require(Int(answer.standardOutput.split(separator: "\n").last?.trimmed ?? ""))
            // Refused when somebody has written in between.
            let shrunk = try await runner.run(
                Command("mount", ["-o", "remount,size=\(used + room << 10)k", directory]))
            return shrunk.succeeded ? .found(()) : .notYet(shrunk.standardError)
        }
    }

    private func checked(_ program: String, _ arguments: [String]) async throws {
        try await runner.checked(Command(program, arguments), remedy: "Look at `findmnt \(directory)`.")
    }
}
