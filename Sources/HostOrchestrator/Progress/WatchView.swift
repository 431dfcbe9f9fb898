import Shared
import Synchronization

/// Who shows one look at the formation after another; chosen once.
protocol WatchView: Sendable {
    func show(_ look: FormationLook)

    /// Nothing is shown afterwards.
    func finish()
}

/// `--json`: every look as a line of its own.
struct WatchJSON: WatchView {
    let output: any TextOutput

    func show(_ look: FormationLook) {
        let line =
            switch look {
            case .success(let state): try? JSONText.line(state)
            case .failure(let error): try? JSONText.line(["error": error.mapTexts { TerminalText.clean($0) }])
            }
        // A state whose numbers no JSON can carry was not told in JSON either.
        if let line { output.write(line + "\n") }
    }

    func finish() {}
}

/// In a pipe: one line a change.
final class WatchLines: WatchView {
    private let memory = Mutex(WatchMemory())
    private let output: any TextOutput
    private let now: @Sendable () -> String

    init(output: any TextOutput, now: @escaping @Sendable () -> String = { Timestamp.now() }) {
        self.output = output
        self.now = now
    }

    func show(_ look: FormationLook) {
        let lines = memory.withLock { $0.take(look) }
        for line in lines { output.write("\(now())  \(line)\n") }
    }

    func finish() {}
}

/// On a terminal: the table of `status`, drawn anew with each look, and what changed last.
///
/// Between two frames the terminal is as it was, so that whatever ends the program leaves it in order.
final class WatchScreen: WatchView {
    private struct Content {
        var memory = WatchMemory()
        var renderer = FrameRenderer()
        /// The latest changes with their times, oldest first.
        var changes: [String] = []
        var isFinished = false
    }

    private static let keptChanges = 50

    private let content = Mutex(Content())
    private let output: any TextOutput
    private let style: TerminalStyle
    private let size: @Sendable () -> (width: Int, height: Int)
    private let interval: Double
    private let now: @Sendable () -> String

    /// - Parameters:
    ///   - size: columns and rows, asked anew for each frame, since windows are resized.
    ///   - interval: seconds between two looks.
    init(
        output: any TextOutput, style: TerminalStyle, size: @escaping @Sendable () -> (width: Int, height: Int),
        interval: Double, now: @escaping @Sendable () -> String = { Timestamp.now() }
    ) {
        self.output = output
        self.style = style
        self.size = size
        self.interval = interval
        self.now = now
    }

    func show(_ look: FormationLook) {
        content.withLock { content in
            guard !content.isFinished else { return }
            let isFirst = content.memory.state == nil
            let new = content.memory.take(look)
            // The first look tells nothing that is not in the table.
            if !isFirst { content.changes = (content.changes + new.map { "\(now())  \($0)" }).suffix(Self.keptChanges) }
            output.write(content.renderer.frame(permanent: [], live: lines(content)))
        }
    }

    func finish() { content.withLock { $0.isFinished = true } }

    private func lines(_ content: Content) -> [String] {
        let (width, height) = size()
        // One column and one row stay free, where terminals would wrap and scroll.
        let fit = { TerminalText.fit($0, width - 1, ellipsis: self.style.ellipsis) }
        var table = content.memory.state.map(StatusTable.lines)?.map(fit) ?? []
        if let first = table.first, let state = content.memory.state {
            table[0] = style.paint(first, content.memory.trouble != nil ? .dim : state.healthy ? .green : .red)
        }
        var footer = ["", style.paint(fit("seen \(now()), every \(interval) s; Ctrl-C ends"), .dim)]
        if let trouble = content.memory.trouble {
            footer = ["", style.paint(fit("\(now())  \(trouble.message)"), .yellow)]
        }
        let room = max(0, height - 1 - table.count - footer.count - 1)
        let changes = content.changes.suffix(room).map(fit)
        return Array((table + (changes.isEmpty ? [] : [""] + changes)).prefix(max(0, height - 1 - footer.count)))
            + footer
    }
}
