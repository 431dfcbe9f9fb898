import Shared
import Synchronization

/// `--progress ansi`: finished steps scroll away upwards, running ones move below them.
final class LiveDisplay: EventDisplay {
    private struct Content {
        var state = ProgressState()
        var renderer = FrameRenderer()
        var printed: Set<String> = []
        var finished = false
        var paused = false
    }

    private let content = Mutex(Content())
    private let output: any TextOutput
    private let style: TerminalStyle
    private let size: @Sendable () -> (width: Int, height: Int)
    private let elapsed: @Sendable () -> Double

    /// - Parameters:
    ///   - size: columns and rows, asked anew for each frame, since windows are resized.
    ///   - elapsed: seconds since the run began.
    init(
        output: any TextOutput, style: TerminalStyle, size: @escaping @Sendable () -> (width: Int, height: Int),
        elapsed: @escaping @Sendable () -> Double = LiveDisplay.stopwatch()
    ) {
        self.output = output
        self.style = style
        self.size = size
        self.elapsed = elapsed
    }

    static func stopwatch() -> @Sendable () -> Double {
        let start = ContinuousClock.now
        return { (ContinuousClock.now - start).inSeconds }
    }

    func show(_ event: Event) {
        content.withLock { content in
            content.state.apply(event, now: elapsed())
            // Output lines come by the thousand; the next tick shows the last of them.
            if case .stepOutput = event.body { return }
            draw(&content)
        }
    }

    func tick() { content.withLock { draw(&$0) } }

    func pause() {
        content.withLock { content in
            guard !content.finished else { return }
            output.write(content.renderer.frame(permanent: permanent(&content), live: []))
            content.paused = true
        }
    }

    func resume() { content.withLock { $0.paused = false } }

    func finish() {
        content.withLock { content in
            guard !content.finished else { return }
            content.finished = true
            let view = view
            let lines = permanent(&content) + content.state.running.map(view.interrupted)
            output.write(content.renderer.frame(permanent: lines, live: []))
        }
    }

    func say(_ line: String, elsewhere errors: any TextOutput) {
        content.withLock { content in
            if content.finished { return errors.write(line + "\n") }
            // Whole, over several rows where it is long: it is said once.
            output.write(content.renderer.frame(permanent: permanent(&content) + [line], live: live(content)))
        }
    }

    private var view: LiveView {
        let size = size()
        return LiveView(style: style, width: size.width, height: size.height)
    }

    private func live(_ content: Content) -> [String] { view.live(content.state, now: elapsed()) }

    private func draw(_ content: inout Content) {
        guard !content.finished, !content.paused else { return }
        output.write(content.renderer.frame(permanent: permanent(&content), live: live(content)))
    }

    /// Lines of steps that have ended since the last frame.
    private func permanent(_ content: inout Content) -> [String] {
        let view = view
        var lines: [String] = []
        for step in content.state.steps where !content.printed.contains(step.id) {
            guard let line = view.finished(step) else { continue }
            content.printed.insert(step.id)
            lines.append(line)
        }
        return lines
    }
}
