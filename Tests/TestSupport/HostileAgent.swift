import Foundation
import Shared
import Testing

/// A program in the agent's place that does whatever a test wrote down, as a shell script: `$verb` is what it was asked for,
/// `$run` the id of the run that `up` asks for, `$files` the directory of the script.
package struct HostileAgent: Sendable {
    package let path: String
    package let directory: String

    /// - Parameter up: what it does for `up`; every other verb has its own case in `verbs`, or fails.
    package init(in directory: String, up: String, verbs: [String: String] = [:]) throws {
        self.directory = directory
        path = "\(directory)/agent"
        let cases = verbs.map { "\($0.key)) \($0.value) ;;\n" }.sorted().joined()
        let script = """
            #!/bin/sh
            files='\(directory)'
            verb=$1
            case "$verb" in
            up)
                run=$(sed -n 's/.*"run":"\\([^"]*\\)".*/\\1/p')
                \(up)
                ;;
            \(cases)*) echo "not now" >&2; exit 69 ;;
            esac

            """
        try script.write(toFile: path, atomically: true, encoding: .utf8)
        try Self.stream.get().write(toFile: "\(directory)/events", atomically: true, encoding: .utf8)
        for file in [path, "\(directory)/id"] {
            if file != path { try "#!/bin/sh\necho 0\n".write(toFile: file, atomically: true, encoding: .utf8) }
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
        }
    }

    /// Run id of the corpus, which the script replaces by the one that it was given.
    private static let run = "20260102T030405678Z-4f0a9c21"

    /// Prints every event of the corpus that is none of the last, numbered; the host must take them all.
    package static let events = "sed \"s/\(run)/$run/\" \"$files/events\""

    /// A last event, with the number after those; `fields` are the rest of the result.
    package static func result(_ fields: String) throws -> String {
        let seq = try stream.get().split(separator: "\n").count + 1
        let line = "{\"v\":1,\"run\":\"RUN\",\"seq\":\(seq),\"time\":\"2026-01-02T03:04:05.678Z\",\"type\":\"result\","
        return "printf '%s\\n' '\(line)\(fields)}' | sed \"s/RUN/$run/\""
    }

    /// Made once: each of hundreds of agents has the same.
    private static let stream = Result {
        let bodies = try Corpus.cases("events.txt").filter { $0.isCarried && $0.words != ["result"] }
            .map { try EventCoding.decode($0.text).body }
        return try bodies.enumerated().map { index, body in
            let time = "2026-01-02T03:04:05.678Z"
            return try EventCoding.encode(Event(run: run, seq: index + 1, time: time, body: body)) + "\n"
        }.joined()
    }
}

/// What came of a program that was looked at while it ran.
package struct ObservedRun: Sendable {
    package var status: Int32
    package var output: String
    package var errors: String
    /// The most memory that it was seen to have in use, in KiB.
    package var peakMemory: Int

    /// What it wrote for people, without the sequences by which pgaf itself draws.
    package var shown: String { (output + "\n" + errors).withoutOwnSequences }

    /// No control, direction or other invisible character reached the terminal.
    package func expectHarmless(sourceLocation: SourceLocation = #_sourceLocation) {
        let harmful = shown.unicodeScalars.filter(\.isHarmfulInTerminals)
        #expect(
            harmful.isEmpty, "\(harmful.prefix(20).map { String($0.value, radix: 16) })", sourceLocation: sourceLocation
        )
    }
}

extension PgafProject {
    /// Runs pgaf-host to its end with another program as its agent, and looks at its memory all the while.
    package func observed(
        _ arguments: [String], agent: HostileAgent, environment: [String: String] = [:]
    ) async throws -> ObservedRun {
        let files = (output: "\(directory)/output", errors: "\(directory)/background.log")
        for file in [files.output, files.errors] { try? FileManager.default.removeItem(atPath: file) }
        // Whoever runs the tests: the machine says that it is root.
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let variables = ["PGAF_AGENT": agent.path, "PATH": "\(agent.directory):\(path)", "LANG": "C.UTF-8"]
        let child = try background(
            arguments, environment: variables.merging(environment) { $1 }, outputTo: files.output)
        let peak = Peak()
        // One that hangs must not outlive its test.
        defer { if child.statusIfEnded() == nil { kill(child.pid, SIGKILL) } }
        let status = try await Wait(
            for: "the end of pgaf-host \(arguments.joined(separator: " "))", upTo: .seconds(240),
            every: .milliseconds(10), hint: ""
        ).until { () -> Wait.Observation<Int32> in
            peak.note(child.peakMemory)
            if let status = child.statusIfEnded() { return .found(status) }
            return .notYet("it runs")
        }
        func text(_ file: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
        }
        return ObservedRun(
            status: status, output: try text(files.output), errors: try text(files.errors), peakMemory: peak.value)
    }

    /// Everything that the latest run has left in `.pgaf/runs`, by file.
    package func recordedTexts() -> [String: String] {
        guard let run = recordedRun else { return [:] }
        let folder = "\(directory)/.pgaf/runs/\(run)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return Dictionary(
            uniqueKeysWithValues: names.map {
                ($0, (try? String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)) ?? "not UTF-8: \u{7}")
            })
    }
}
