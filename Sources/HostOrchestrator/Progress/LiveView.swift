import Shared

/// The live picture of a run as lines; a pure function of the state, the time and the terminal's size.
struct LiveView: Sendable {
    var style: TerminalStyle
    var width: Int
    var height: Int

    /// The line that stays on the screen once a step has ended.
    func finished(_ step: ProgressState.Step) -> String? {
        switch step.status {
        case .pending, .running: return nil
        case .finished(let outcome, let seconds):
            let mark = outcome == .changed ? style.paint(style.done, .green) : style.paint(style.same, .dim)
            let took = Duration.seconds(seconds).brief
            let note = outcome == .changed ? took : "\(outcome.rawValue) \(style.separator) \(took)"
            return line(mark, step.title, right: note, paint: outcome == .changed ? nil : .dim)
        case .failed(_, let seconds):
            return line(
                style.paint(style.failed, .red), step.title, right: Duration.seconds(seconds).brief, paint: .red)
        }
    }

    /// The line that stays for a step that the end of the run has cut off.
    func interrupted(_ step: ProgressState.Step) -> String {
        line(style.paint(style.failed, .yellow), step.title, right: "interrupted")
    }

    /// The moving part: every running step with what it does or awaits, and one line for the whole.
    func live(_ state: ProgressState, now: Double) -> [String] {
        guard state.result == nil else { return [] }
        var lines: [String] = []
        let running = state.running
        // Each step takes up to two lines and the last line counts; what does not fit is only counted.
        let room = max(1, (height - 3) / 2)
        for step in running.prefix(room) {
            guard case .running(let since) = step.status else { continue }
            let elapsed = seconds(now - since)
            lines.append(line(style.paint(style.spinner(now), .cyan), step.title, right: progress(step) + elapsed))
            if let detail = detail(step, now: now) {
                lines.append("    " + style.paint(fit(detail, width - 5), .dim))
            }
        }
        if running.count > room { lines.append("  \(style.ellipsis) \(running.count - room) more") }
        lines.append(footer(state, now: now))
        return lines
    }

    private func footer(_ state: ProgressState, now: Double) -> String {
        var parts = ["\(state.done) of \(state.steps.count) steps", seconds(now)]
        if let waiting = state.waiting { parts.append(words(waiting, now: now)) }
        return "  " + style.paint(fit(parts.joined(separator: " \(style.separator) "), width - 3), .dim)
    }

    private func progress(_ step: ProgressState.Step) -> String {
        guard let fraction = step.fraction, width >= 60 else { return "" }
        return "\(style.bar(fraction, 16)) \(Int((fraction * 100).rounded(.down)))% "
    }

    private func detail(_ step: ProgressState.Step, now: Double) -> String? {
        if let waiting = step.waiting { return words(waiting, now: now) }
        switch (step.message, step.lastLine) {
        case (let message?, let line?): return "\(message) \(style.separator) \(line)"
        case (let message?, nil): return message
        case (nil, let line): return line
        }
    }

    private func words(_ waiting: ProgressState.Waiting, now: Double) -> String {
        var text = "waiting for \(waiting.what), \(seconds(now - waiting.since))"
        if let until = waiting.until {
            text += " of at most \(seconds(until - waiting.since))"
        }
        return text
    }

    /// A mark, a title and a column beside it; one column stays free, where terminals would wrap.
    private func line(_ mark: String, _ title: String, right: String, paint: TerminalStyle.Paint? = nil) -> String {
        // 28 columns hold a bar, a percentage and a time; titles of ours have at most 44.
        let column = max(8, min(44, width - 32))
        let shown = TerminalText.pad(fit(title, column), column)
        let text = paint.map { style.paint(shown, $0) } ?? shown
        return "\(mark) \(text) \(style.paint(fit(right, width - column - 4), .dim))"
    }

    /// Whole seconds: tenths that run are only unrest.
    private func seconds(_ count: Double) -> String {
        count < 1 ? "0 s" : Duration.seconds(count.rounded(.down)).brief
    }

    private func fit(_ text: String, _ columns: Int) -> String {
        TerminalText.fit(text, columns, ellipsis: style.ellipsis)
    }
}
