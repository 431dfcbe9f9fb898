import Foundation
import HostOrchestrator
import Shared
import Synchronization
import TestSupport
import Testing

extension TransportSuite {
    @Suite struct UploadTests {
        /// The same promises for both kinds of connection.
        enum Kind: CaseIterable { case ssh, local }

        private func withConnection(
            _ kind: Kind, _ body: (any Connection, _ directory: String) async throws -> Void
        ) async throws {
            switch kind {
            case .ssh:
                try await TestServer.run { server in
                    let connection = try await server.connect()
                    try await body(connection, server.directory)
                    await connection.close()
                }
            case .local:
                let directory = try scratchDirectory()
                defer { try? FileManager.default.removeItem(atPath: directory) }
                try await body(LocalConnection(), directory)
            }
        }

        @Test(arguments: Kind.allCases)
        func aNewFileArrivesWithItsDirectoryAndModeAndIsNotSentTwice(_ kind: Kind) async throws {
            try await withConnection(kind) { connection, directory in
                let source = try await makeFile(directory, bytes: 15_600_000)
                let target = "\(directory)/it's new/$(deep)/agent"
                let fractions = Mutex<[Double]>([])
                let record: @Sendable (Double) async -> Void = { value in fractions.withLock { $0.append(value) } }
                #expect(
                    try await connection.upload(source, to: target, mode: 0o755, privileged: false, onProgress: record))
                #expect(try await same(source, target))
                #expect(try mode(of: target) == 0o755)
                let seen = fractions.withLock { $0 }
                #expect(seen == seen.sorted() && seen.last == 1)

                let again = try await connection.upload(
                    source, to: target, mode: 0o700, privileged: true, onProgress: nil)
                #expect(!again)
                #expect(try mode(of: target) == 0o700)
                #expect(try contents(of: "\(directory)/it's new/$(deep)") == ["agent"])
            }
        }

        @Test(arguments: Kind.allCases)
        func anExistingFileIsReplacedInOnePiece(_ kind: Kind) async throws {
            try await withConnection(kind) { connection, directory in
                let source = try await makeFile(directory, bytes: 1_000_000)
                let target = "\(directory)/there/agent"
                try FileManager.default.createDirectory(atPath: "\(directory)/there", withIntermediateDirectories: true)
                try "old".write(toFile: target, atomically: true, encoding: .utf8)
                // Who has the old file open keeps all of it: the new one is another file under the same name.
                let open = try #require(FileHandle(forReadingAtPath: target))
                #expect(
                    try await connection.upload(source, to: target, mode: 0o600, privileged: false, onProgress: nil))
                #expect(try open.readToEnd() == Data("old".utf8))
                #expect(try await same(source, target))
                #expect(try contents(of: "\(directory)/there") == ["agent"])
            }
        }

        @Test(arguments: Kind.allCases)
        func anEmptyFileIsAFileToo(_ kind: Kind) async throws {
            try await withConnection(kind) { connection, directory in
                let source = try await makeFile(directory, bytes: 0)
                let target = "\(directory)/empty"
                #expect(
                    try await connection.upload(source, to: target, mode: 0o644, privileged: false, onProgress: nil))
                #expect(FileManager.default.contents(atPath: target) == Data())
            }
        }

        @Test(arguments: Kind.allCases)
        func aDirectoryInTheWayIsAnErrorAndStays(_ kind: Kind) async throws {
            try await withConnection(kind) { connection, directory in
                let source = try await makeFile(directory, bytes: 10)
                let target = "\(directory)/occupied"
                try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
                let error = await failure {
                    try await connection.upload(source, to: target, mode: 0o644, privileged: false, onProgress: nil)
                }
                #expect(error?.code == .uploadFailed)
                #expect(try contents(of: target) == [])
            }
        }

        @Test(.enabled(if: geteuid() == 0, "mounting a small file system needs root"), arguments: Kind.allCases)
        func aFullDiskIsSaidAndNothingIsLeft(_ kind: Kind) async throws {
            try await withConnection(kind) { connection, directory in
                let source = try await makeFile(directory, bytes: 8_000_000)
                let small = "\(directory)/small"
                try FileManager.default.createDirectory(atPath: small, withIntermediateDirectories: true)
                let runner = SubprocessRunner()
                try await runner.checked(
                    Command("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", small]), remedy: "Allow mounts.")
                let error = await failure {
                    try await connection.upload(
                        source, to: "\(small)/agent", mode: 0o755, privileged: false, onProgress: nil)
                }
                let left = try contents(of: small)
                try await runner.checked(Command("umount", [small]), remedy: "")
                #expect(error?.code == .diskFull)
                #expect(left == [])
            }
        }

        @Test(arguments: Kind.allCases)
        func aPlaceThatCannotBeWrittenIsAnErrorWithItsWords(_ kind: Kind) async throws {
            try await withConnection(kind) { connection, directory in
                let source = try await makeFile(directory, bytes: 10)
                let error = await failure {
                    try await connection.upload(
                        source, to: "/proc/no/such/place", mode: 0o644, privileged: false, onProgress: nil)
                }
                #expect(error?.code == .uploadFailed)
                #expect(error?.output.isEmpty == false)
            }
        }

        @Test func aLinkLostDuringTheUploadLeavesTheOldFile() async throws {
            try await TestServer.run { server in
                let connection = try await server.connect()
                let source = try await makeFile(server.directory, bytes: 60_000_000)
                let place = "\(server.directory)/place"
                try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                try "old".write(toFile: "\(place)/agent", atomically: true, encoding: .utf8)
                let error = await failure {
                    try await connection.upload(source, to: "\(place)/agent", mode: 0o755, privileged: false) {
                        fraction in
                        if fraction > 0.1 { for pid in server.sessions() { kill(pid, SIGKILL) } }
                    }
                }
                #expect(error?.code == .linkLost)
                _ = try await Wait(for: "the temporary file to go", upTo: .seconds(5), hint: "").until {
                    () -> Wait.Observation<Bool> in
                    let names = try contents(of: place)
                    return names == ["agent"] ? .found(true) : .notYet("\(names)")
                }
                #expect(FileManager.default.contents(atPath: "\(place)/agent") == Data("old".utf8))
            }
        }

        @Test func aCancelledUploadLeavesNothing() async throws {
            try await TestServer.run { server in
                let connection = try await server.connect()
                let source = try await makeFile(server.directory, bytes: 60_000_000)
                let place = "\(server.directory)/place"
                try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                let result = await withTaskGroup(of: (any Error)?.self) { group in
                    group.addTask {
                        do {
                            try await connection.upload(source, to: "\(place)/agent", mode: 0o755, privileged: false) {
                                if $0 > 0.1 { withUnsafeCurrentTask { $0?.cancel() } }
                            }
                            return nil
                        } catch { return error }
                    }
                    return await group.next() ?? nil
                }
                #expect(result is CancellationError)
                _ = try await Wait(for: "the temporary file to go", upTo: .seconds(5), hint: "").until {
                    () -> Wait.Observation<Bool> in
                    let names = try contents(of: place)
                    return names.isEmpty ? .found(true) : .notYet("\(names)")
                }
                await connection.close()
            }
        }

        private func makeFile(_ directory: String, bytes: Int) async throws -> String {
            let path = "\(directory)/source"
            try await SubprocessRunner().checked(
                Command("sh", ["-c", "head -c \"$1\" /dev/urandom >\"$2\"", "sh", String(bytes), path]), remedy: "")
            return path
        }

        private func same(_ one: String, _ other: String) async throws -> Bool {
            try await SubprocessRunner().run(Command("cmp", [one, other])).succeeded
        }

        private func mode(of path: String) throws -> Int {
            (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue ?? -1
        }

        private func contents(of directory: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        }
    }
}
