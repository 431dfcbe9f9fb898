import Foundation
import Shared
import TestSupport
import Testing

/// The whole pgaf-host with a child in the agent's place that means harm.
@Suite(.serialized) struct HostileAgentTests {
    private let scratch = ScratchDirectory()
    private let project: PgafProject

    init() throws {
        project = try PgafProject(directory: "\(scratch.path)/project", yaml: "machine: {kind: local}\n")
    }

    private func program(up: String = "exit 1", verbs: [String: String] = [:]) throws -> HostileAgent {
        try HostileAgent(in: scratch.path, up: up, verbs: verbs)
    }

    /// KiB beyond those of a run that says nothing; a flood has several times as much.
    private static let allowance = 30 << 10

    /// KiB of a run that says nothing, measured once.
    private static let polite = Task {
        let tests = try HostileAgentTests()
        return try await tests.project.observed(["up", "--progress", "plain"], agent: tests.program(up: "exit 0"))
            .peakMemory
    }

    @Test(arguments: HostileScenario.all) func endsAsItShouldAndHarmsNobody(_ scenario: HostileScenario) async throws {
        let polite = try await Self.polite.value
        let agent = try program(up: scenario.up)
        for mode in scenario.isFlood ? ["ansi"] : ["plain", "ansi", "json"] {
            let run = try await project.observed(["up", "--progress", mode], agent: agent)
            #expect(run.status == scenario.status, "\(mode): \(run.errors.suffix(2000))")
            #expect(run.errors.contains(scenario.says), "\(mode): \(run.errors.suffix(2000))")
            run.expectHarmless()
            #expect(run.peakMemory < polite + Self.allowance, "\(mode): \(run.peakMemory) KiB")
            let recorded = project.recordedTexts()
            #expect(recorded.count >= 2)
            for (file, text) in recorded {
                let harmful = text.unicodeScalars.contains { $0 != "\n" && $0.isHarmfulInTerminals }
                #expect(!harmful, "\(mode): \(file)")
            }
        }
    }

    /// Prints the corpus' last event of a run that has this part, numbers beyond all belief in it.
    private func result(_ part: String) throws -> String {
        let line = try #require(
            Corpus.cases("events.txt").first { $0.words == ["result"] && $0.text.contains("\"\(part)\":{") }?.text)
        let fields = line.components(separatedBy: "\"type\":\"result\",").dropFirst()
        return try HostileAgent.result(String(fields.joined().dropLast()))
    }

    @Test func noVerbShowsWhatCouldHarm() async throws {
        let state = try #require(Corpus.cases("events.txt").first { $0.words == ["state"] }?.text)
        let parts = state.components(separatedBy: "\"state\":").dropFirst()
        try String(parts.joined(separator: "\"state\":").dropLast()).write(
            toFile: "\(scratch.path)/formation", atomically: true, encoding: .utf8)
        let harm = "printf '\\033]52;c;aWQ=\\007\\033[2Ja\\233b\\342\\200\\256c\\r\\n'"
        let told = #"{"error":{"code":"docker.unavailable","message":"\u001b[2Jgone","remedy":"\u202etype"}}"#
        let (roles, cluster) = (try result("roles"), try result("cluster"))
        let given = "run=$(printf '%s ' \"$@\" | sed 's/.*--run \\([^ ]*\\) .*/\\1/')"
        let agent = try program(verbs: [
            "status": "cat \"$files/formation\"",
            "follow": "run=20260102T030405678Z-4f0a9c21; \(HostileAgent.events); \(roles)",
            "switchover|failover|maintenance": "\(given); \(HostileAgent.events); \(roles)",
            "start": "\(given); \(HostileAgent.events); \(cluster)",
            "watch": "cat \"$files/formation\"; echo; printf '%s\\n' '\(told)'; \(harm)",
            "logs": "\(harm); \(harm) >&2; head -c 1M /dev/zero | tr '\\0' '\\033'; head -c 48M /dev/zero >&2",
            "stop": "\(harm); \(harm) >&2; exit 1", "plan": "echo '{'; \(harm) >&2; exit 78",
        ])
        for (arguments, status) in [
            (["status"], 0), (["status", "--json"], 0), (["events"], 0), (["events", "--json"], 0), (["logs"], 0),
            (["stop"], 76), (["plan"], 69), (["plan", "--json"], 69), (["attach"], 0),
            (["attach", "--progress", "json"], 0), (["switchover"], 0), (["switchover", "--json"], 0),
            (["failover"], 0), (["maintenance", "enable", "pgnode2"], 0), (["start"], 0), (["watch"], 76),
            (["watch", "--json"], 76),
        ] {
            let run = try await project.observed(arguments, agent: agent)
            #expect(run.status == Int32(status), "\(arguments): \(run.errors)")
            #expect(!run.output.isEmpty || !run.errors.isEmpty)
            run.expectHarmless()
            #expect(run.peakMemory < 250 << 10, "\(arguments): \(run.peakMemory) KiB")
        }
    }

    /// An answer that never ends, and one whose table would be larger than any memory.
    @Test func noAnswerFillsTheMemory() async throws {
        let node = #"{"host":"h","name":"n","port":1},"#
        let wide = #"{"host":"h","name":"NAME","port":1}],"notes":[]}"#
        let head = #"{"cluster":"c","formation":"f","healthy":true,"monitor":"m","nodes":["#
        let table = """
            printf %s '\(head)'; yes '\(node)' | head -n 15000; printf '%s' '\(wide)' \
            | sed "s/NAME/$(cat "$files/name")/"
            """
        try String(repeating: "n", count: 100_000).write(
            toFile: "\(scratch.path)/name", atomically: true, encoding: .utf8)
        for (status, code, says) in [
            ("yes", 76, "wrote more than"), ("yes >&2", 76, "wrote more than"), (table, 0, "NODE"),
        ] {
            let run = try await project.observed(["status"], agent: program(verbs: ["status": status]))
            #expect(run.status == Int32(code), "\(run.errors.prefix(1000))")
            #expect((run.output + run.errors).contains(says))
            #expect(run.peakMemory < 250 << 10, "\(run.peakMemory) KiB")
        }
    }
}
