import Foundation
import Shared
import Synchronization
import TestSupport
import Testing

@testable import HostOrchestrator

/// `watch` on a terminal, in a pipe and as JSON, and a machine that goes away.
@Suite struct WatchTests {
    private static let healthy: FormationState = {
        var state = ScriptedAgent.formation
        state.nodes[1].reportedState = "secondary"
        state.nodes[1].health = 1
        (state.healthy, state.notes) = (true, [])
        return state
    }()

    private static let engineGone = PgafError(.dockerUnavailable, "The Docker engine does not answer.", remedy: "r")
    /// What ends the watching of a test.
    private static let stranger = PgafError(.hostKeyChanged, "another host key", remedy: "r")

    /// Keeps what was shown.
    private final class Shown: WatchView {
        let looks = Mutex<[FormationLook]>([])
        func show(_ look: FormationLook) { looks.withLock { $0.append(look) } }
        func finish() {}

        var words: [String] {
            looks.withLock { looks in
                looks.map { look in
                    switch look {
                    case .success(let state): state.healthy ? "healthy" : "not healthy"
                    case .failure(let error): error.message
                    }
                }
            }
        }
    }

    private static func line(_ state: FormationState) throws -> [UInt8] {
        Array((try JSONText.line(state) + "\n").utf8)
    }

    /// Watches a machine whose agent lives as often as there are scripts.
    private func watch(_ lives: [ScriptedMachine.Verb]) async throws -> (shown: [String], error: PgafError?) {
        let count = Mutex(0)
        let machine = ScriptedMachine(verbs: [
            "watch": { arguments, emit in
                let life = count.withLock { count in
                    defer { count += 1 }
                    return count
                }
                guard life < lives.count else { throw Self.stranger }
                return try await lives[life](arguments, emit)
            }
        ])
        let host = TestHost(machine)
        try host.scratch.project.prepare()
        try ClusterMemory(host.configuration).save(in: host.scratch.project)
        let view = Shown()
        let error = await #expect(throws: PgafError.self) {
            try await Watch.follow(Watch.Options(interval: 0.5), view, in: host.context())
        }
        #expect(host.machine.story.count { $0 == "connect" } == host.machine.story.count { $0 == "close" })
        return (view.words, error)
    }

    @Test func aMachineThatGoesAwayAndComesBack() async throws {
        let (shown, error) = try await watch([
            { arguments, emit in
                #expect(
                    Array(arguments.dropFirst(2)) == [
                        "/usr/local/bin/pgaf-agent", "watch", "--json", "--interval", "0.5", "--cluster", "pgaf",
                    ])
                try await emit(.standardOutput(try Self.line(Self.healthy)))
                try await emit(.standardOutput(Array(try JSONText.line(["error": Self.engineGone]).utf8)))
                try await emit(.standardOutput(Array("\n".utf8)))
                throw PgafError(.linkLost, "the link is lost", remedy: "r")
            },
            { _, emit in
                try await emit(.standardOutput(try Self.line(ScriptedAgent.formation)))
                return .exited(0)
            },
        ])
        #expect(error == Self.stranger)
        #expect(shown.prefix(4) == ["healthy", Self.engineGone.message, "the link is lost", "not healthy"])
    }

    @Test func whatKeepsItFromAFirstLookEndsIt() async throws {
        let missing = PgafError(.clusterNotFound, "no cluster", remedy: "r")
        let (shown, error) = try await watch([
            { _, emit in
                try await emit(.standardOutput(Array((try JSONText.line(["error": missing]) + "\n").utf8)))
                return .exited(69)
            }
        ])
        #expect(error == missing && shown.isEmpty)
    }

    @Test func inAPipeOneLineAChange() {
        let output = TextRecord()
        let view = WatchLines(output: output, now: { "T" })
        view.show(.success(Self.healthy))
        view.show(.success(Self.healthy))
        view.show(.success(ScriptedAgent.formation))
        view.show(.failure(Self.engineGone))
        view.show(.failure(Self.engineGone))
        view.show(.success(ScriptedAgent.formation))
        #expect(
            output.text == """
                T  the monitor's container: running
                T  pgnode1: primary
                T  pgnode2: secondary
                T  formation default: healthy
                T  pgnode2: catchingup -> secondary, health bad (was secondary)
                T  formation default: NOT healthy
                T  The Docker engine does not answer.
                T  the machine and its cluster can be seen again

                """)
    }

    @Test func asJSONEveryLookIsALine() throws {
        let output = TextRecord()
        let view = WatchJSON(output: output)
        view.show(.success(Self.healthy))
        view.show(.failure(Self.engineGone))
        let decoded = try JSONDecoder().decode(FormationState.self, from: Data(output.lines[0].utf8))
        #expect(decoded == Self.healthy)
        #expect(output.lines[1].hasPrefix(#"{"error":{"code":"docker.unavailable""#))
    }

    /// Also of a connection, before any agent has answered.
    @Test func aFailureIsHarmlessInEveryView() {
        let words = "\u{1b}]52;c;aWQ=\u{7}gone\u{9b}2J\u{202e}"
        let error = PgafError(.linkLost, words, remedy: words, cause: words, output: [words])
        let output = TextRecord()
        let style = TerminalStyle(colour: false, unicode: true)
        let views: [any WatchView] = [
            WatchJSON(output: output), WatchLines(output: output, now: { "T" }),
            WatchScreen(output: output, style: style, size: { (200, 24) }, interval: 1, now: { "T" }),
        ]
        for view in views {
            view.show(.success(Self.healthy))
            view.show(.failure(error))
        }
        let shown = output.text.withoutOwnSequences
        #expect(!shown.unicodeScalars.contains { $0.isHarmfulInTerminals })
        #expect(shown.components(separatedBy: "gone").count > views.count)
    }

    @Test func onATerminalEachFrameReplacesTheOneBefore() {
        let output = TextRecord()
        let view = WatchScreen(
            output: output, style: TerminalStyle(colour: false, unicode: true), size: { (120, 24) }, interval: 1,
            now: { "T" })
        view.show(.success(Self.healthy))
        view.show(.success(ScriptedAgent.formation))
        view.finish()
        view.show(.success(Self.healthy))
        var screen = ScreenModel()
        screen.show(output.text)
        #expect(screen.lines.first?.contains("NOT healthy") == true)
        #expect(
            screen.lines.suffix(5) == [
                "T  pgnode2: catchingup -> secondary, health bad (was secondary)", "T  formation default: NOT healthy",
                "",
                "seen T, every 1.0 s; Ctrl-C ends", "",
            ])
        #expect(screen.cursorIsVisible)
    }

    @Test(arguments: [(20, 4), (40, 10), (200, 60)]) func aFrameFitsTheTerminal(_ width: Int, _ height: Int) {
        let output = TextRecord()
        let view = WatchScreen(
            output: output, style: TerminalStyle(colour: false, unicode: true), size: { (width, height) }, interval: 1,
            now: { "2026-01-02T03:04:05.678Z" })
        for index in 0..<40 { view.show(.success(index.isMultiple(of: 2) ? Self.healthy : ScriptedAgent.formation)) }
        view.show(.failure(Self.engineGone))
        var screen = ScreenModel()
        screen.show(output.text)
        #expect(screen.lines.allSatisfy { TerminalText.width($0) < width })
        #expect(screen.lines.count <= height)
        #expect(screen.lines.dropLast().last?.contains("The Docker") == (width > 36))
    }
}
