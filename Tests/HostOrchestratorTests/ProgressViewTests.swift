import Shared
import Testing

@testable import HostOrchestrator

@Suite struct ProgressViewTests {
    private let plain = TerminalStyle(colour: false, unicode: true)

    private func state(_ events: [(Double, Event.Body)]) -> ProgressState {
        var state = ProgressState()
        for (now, body) in events {
            state.apply(Event(run: "r", seq: 1, time: "2026-01-02T03:04:10.000Z", body: body), now: now)
        }
        return state
    }

    private let plan = Event.Body.plan([
        PlannedStep(id: "docker", title: "Docker engine", dependencies: [], action: .create),
        PlannedStep(id: "image", title: "Container image", dependencies: [], action: .create),
    ])

    @Test func aRunningStepShowsItsBarItsTimeAndItsLastLine() {
        let state = state([
            (0, plan), (1, .stepStarted(step: "image")),
            (2, .stepProgress(step: "image", fraction: 0.5, message: "step 5 of 10")),
            (3, .stepOutput(step: "image", line: "Setting up postgresql-17")),
        ])
        #expect(
            LiveView(style: plain, width: 80, height: 24).live(state, now: 5) == [
                "⠋ Container image                              ━━━━━━━━╌╌╌╌╌╌╌╌ 50% 4 s",
                "    step 5 of 10 · Setting up postgresql-17", "  0 of 2 steps · 5 s",
            ])
    }

    @Test func whatIsAwaitedIsCountedOnOurOwnClock() {
        let state = state([
            (0, plan), (1, .stepStarted(step: "docker")),
            (
                3,
                .heartbeat(
                    Heartbeat(
                        step: "docker", awaiting: "the engine to answer", since: "2026-01-02T03:04:08.000Z",
                        until: "2026-01-02T03:05:08.000Z"))
            ),
        ])
        #expect(
            LiveView(style: plain, width: 80, height: 24).live(state, now: 8)[1]
                == "    waiting for the engine to answer, 7 s of at most 1 min")
    }

    @Test func finishedStepsSayWhatTheyDid() {
        let view = LiveView(style: plain, width: 60, height: 24)
        let state = state([
            (0, plan), (1, .stepFinished(step: "docker", outcome: .changed, seconds: 4.12)),
            (1, .stepFinished(step: "image", outcome: .unchanged, seconds: 0.02)),
            (1, .stepFailed(step: "network", error: PgafError(.timeout, "m", remedy: "r"), seconds: 1)),
        ])
        #expect(
            state.steps.compactMap(view.finished)
                == [
                    "✔ Docker engine                4.1 s",
                    "= Container image              unchanged · 20 ms",
                    "✖ network                      1 s",
                ])
    }

    @Test(arguments: [20, 33, 60, 80, 200], [3, 10, 50])
    func noFrameIsWiderOrHigherThanTheTerminal(_ width: Int, _ height: Int) {
        let long = String(repeating: "日本語 long ", count: 40)
        var events: [(Double, Event.Body)] = []
        for index in 1...30 {
            events.append((1, .stepStarted(step: "\(long)\(index)")))
            events.append((1, .stepProgress(step: "\(long)\(index)", fraction: 0.3, message: long)))
        }
        let lines = LiveView(style: plain, width: width, height: height).live(state(events), now: 100)
        #expect(lines.allSatisfy { TerminalText.width($0) < width })
        #expect(lines.count < max(height, 4) + 1)
    }

    @Test func framesReplaceEachOtherOnTheScreen() {
        var renderer = FrameRenderer()
        var screen = ScreenModel()
        screen.show(renderer.frame(permanent: [], live: ["running a", "running b", "0 of 2"]))
        screen.show(renderer.frame(permanent: ["done a"], live: ["running b", "1 of 2"]))
        #expect(screen.lines == ["done a", "running b", "1 of 2", ""])
        screen.show(renderer.frame(permanent: ["done b"], live: []))
        #expect(screen.lines == ["done a", "done b", ""])
        #expect(screen.cursorIsVisible)
    }

    @Test func theLiveDisplayLeavesWhatEndedAndWhatWasSaid() {
        let output = TextRecord()
        let display = LiveDisplay(
            output: output, style: plain, size: { (50, 24) }, elapsed: { 2 })
        for body in [
            plan, .stepStarted(step: "docker"), .stepFinished(step: "docker", outcome: .changed, seconds: 1),
            .stepStarted(step: "image"),
        ] as [Event.Body] {
            display.show(Event(run: "r", seq: 1, time: "", body: body))
            display.tick()
        }
        display.say("stopping", elsewhere: TextRecord())
        display.finish()
        display.tick()
        var screen = ScreenModel()
        screen.show(output.text)
        #expect(
            screen.lines == [
                "✔ Docker engine      1 s", "stopping", "✖ Container image    interrupted", "",
            ])
        #expect(screen.cursorIsVisible)
    }

    @Test func plainProgressIsOneLineAChange() {
        let output = TextRecord()
        let display = PlainDisplay(output: output, elapsed: { 12.34 })
        for body in [
            plan, .stepStarted(step: "docker"), .stepProgress(step: "docker", fraction: 0.1, message: "unpacking"),
            .stepProgress(step: "docker", fraction: 0.2, message: "unpacking"),
            .stepOutput(step: "docker", line: "noise"),
            .stepFailed(step: "docker", error: PgafError(.timeout, "too slow", remedy: "r"), seconds: 2),
        ] as [Event.Body] {
            display.show(Event(run: "r", seq: 1, time: "", body: body))
        }
        #expect(
            output.text == """
                [  12.3 s] docker             Docker engine ...
                [  12.3 s] docker             unpacking
                [  12.3 s] docker             FAILED after 2 s: too slow

                """)
    }

    @Test func theStyleFollowsTheEnvironment() {
        #expect(TerminalStyle(environment: ["LANG": "de_DE.UTF-8"]) == TerminalStyle(colour: true, unicode: true))
        #expect(
            TerminalStyle(environment: ["LANG": "de_DE.UTF-8", "LC_ALL": "C", "NO_COLOR": "1"])
                == TerminalStyle(colour: false, unicode: false))
        #expect(TerminalStyle(colour: true, unicode: true).paint("x", .red) == "\u{1b}[31mx\u{1b}[0m")
        #expect(TerminalStyle(colour: false, unicode: false).bar(0.5, 4) == "##..")
    }

    @Test func automaticProgressNeedsATerminalThatCanDraw() {
        #expect(ProgressMode.auto.resolved(errorIsTerminal: true, environment: ["TERM": "xterm"]) == .ansi)
        #expect(ProgressMode.auto.resolved(errorIsTerminal: true, environment: ["TERM": "dumb"]) == .plain)
        #expect(ProgressMode.auto.resolved(errorIsTerminal: false, environment: ["TERM": "xterm"]) == .plain)
        #expect(ProgressMode.ansi.resolved(errorIsTerminal: false, environment: [:]) == .ansi)
    }

    @Test func harmfulCharactersNeverReachATerminal() {
        #expect(
            TerminalText.clean("a\u{1b}[1;31mred\u{1b}[0m\u{1b}[2J\u{7}\u{9b}5A\rb\n\u{202e}\tc")
                == "ared·[2J··5A·b·· c")
        #expect(TerminalText.fit("日本語", 5) == "日本…")
        #expect(TerminalText.fit("abc", 3) == "abc")
    }
}

/// As much of a terminal as the frames need: lines, cursor up, erase below, cursor on and off.
struct ScreenModel {
    private(set) var lines = [""]
    private(set) var cursorIsVisible = true
    private var row = 0

    mutating func show(_ text: String) {
        var rest = Substring(text).unicodeScalars
        var line: String { lines[row] }
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\r": continue
            case "\n":
                row += 1
                if row == lines.count { lines.append("") }
            case "\u{1b}":
                rest.removeFirst()
                let argument = rest.prefix { $0.properties.numericType != nil || $0 == "?" || $0 == ";" }
                rest.removeFirst(argument.count)
                switch rest.removeFirst() {
                case "A": row -= Int(String(argument)) ?? 1
                case "J":
                    lines.removeSubrange((row + 1)...)
                    lines[row] = ""
                case "h": cursorIsVisible = true
                case "l": cursorIsVisible = false
                default: break
                }
            default: lines[row].unicodeScalars.append(scalar)
            }
        }
    }
}
