/// Turns frames into what a terminal must be sent; remembers only how many lines the last frame had.
///
/// Between frames the terminal is as it was: the cursor visible, at the start of the line below the frame. So a program
/// that is killed leaves nothing to be repaired.
struct FrameRenderer: Sendable {
    private var drawn = 0

    /// - Parameters:
    ///   - permanent: lines that stay and scroll away upwards.
    ///   - live: lines that the next frame replaces; none may be wider than the terminal.
    mutating func frame(permanent: [String], live: [String]) -> String {
        // Hidden only while the lines are written, so that the cursor does not flicker over them.
        var text = "\u{1b}[?25l\r"
        if drawn > 0 { text += "\u{1b}[\(drawn)A" }
        text += "\u{1b}[J"
        for line in permanent + live { text += line + "\r\n" }
        drawn = live.count
        return text + "\u{1b}[?25h"
    }
}
