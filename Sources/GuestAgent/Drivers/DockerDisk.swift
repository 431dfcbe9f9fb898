import FoundationEssentials
import Shared

/// The file system that holds Docker's data: images, containers and every node's volume.
struct DockerDisk: Sendable {
    let runner: any CommandRunner
    let files: MachineFiles

    struct Space: Sendable, Equatable {
        var directory: String
        var freeMiB: Int
    }

    /// With less than this nothing can be promised: a WAL segment alone takes 16 MiB.
    static let least = 32

    /// Where Docker's data lies unless its configuration says otherwise, or where that will be made.
    static func usualDirectory(_ files: MachineFiles) -> String {
        ["/var/lib/docker", "/var/lib"].first { files.exists($0) } ?? "/"
    }

    /// What is free where the engine says that its data lies; nil when that cannot be found out.
    func space() async throws -> Space? {
        let said = try await Docker(runner: runner).dataDirectory()
        let directory = said ?? Self.usualDirectory(files)
        let answer = try await runner.run(Command("df", ["--output=avail", "--block-size=1M", directory]))
        guard answer.succeeded, let free = answer.trimmedOutput.split(separator: "\n").last.flatMap({ Int($0.trimmed) })
        else { return nil }
        return Space(directory: directory, freeMiB: free)
    }

    /// The error to throw when the disk is full, or when a container's last lines say that it was.
    ///
    /// What fails for want of space often gives back what it had, so that afterwards there seems to be room.
    ///
    /// - Parameter start: lines from before it are of a time when there may have been none; nil for those of a minute.
    func shortage(
        of container: String? = nil, since start: ContinuousClock.Instant? = nil, cause: String? = nil
    ) async throws -> PgafError? {
        let space = try await space()
        if let space, space.freeMiB < Self.least {
            return Self.error("\(space.freeMiB) MiB are free in \(space.directory)", space.directory, cause)
        }
        guard let container else { return nil }
        let lines = try await Docker(runner: runner).recentLog(container, since: start).split(separator: "\n")
        let begin = start.map { Date().addingTimeInterval(($0 - .now).inSeconds) } ?? .distantPast
        let line = lines.last { Self.isToldOf(in: String($0)) && (Self.time(of: String($0)) ?? begin) >= begin }
        guard let line else { return nil }
        let directory = space?.directory ?? Self.usualDirectory(files)
        return Self.error("\(container) had no room to go on in \(directory)", directory, String(line))
    }

    /// When PostgreSQL wrote a line, by what stands in it: pg_autoctl repeats its server's log, also that of a former start.
    static func time(of line: String) -> Date? {
        guard let end = line.firstRange(of: " UTC [")?.lowerBound else { return nil }
        return Timestamp.date(String(line[..<end].suffix(23)).replacingScalar(" ", with: "T") + "Z")
    }

    /// Adds to a failure what explains it: a full disk makes everything fail in words of its own.
    func explain(_ failure: PgafError) async -> PgafError {
        guard failure.code != .diskFull, failure.code != .cancelled else { return failure }
        let cause = ([failure.message] + (failure.cause.map { [$0] } ?? [])).joined(separator: " ")
        guard var explained = (try? await shortage(cause: cause)) ?? nil else { return failure }
        explained.output = failure.output
        return explained
    }

    /// Whether a program says that the disk is full: the system's words, and apt's.
    static func isToldOf(in text: String) -> Bool {
        let text = text.lowercased()
        return ["no space left on device", "enough free space"].contains { text.contains($0) }
    }

    private static func error(_ what: String, _ directory: String, _ cause: String?) -> PgafError {
        PgafError(
            .diskFull, "The disk that holds Docker's data is full: \(what).",
            remedy:
                "Make room there (`docker system df` and `df -h \(directory)` show what lies in it), then run `up` again.",
            cause: cause)
    }
}
