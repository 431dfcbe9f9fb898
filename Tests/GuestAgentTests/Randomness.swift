/// A generator that gives the same numbers in every run (SplitMix64), so that a property that fails can be looked at.
struct Randomness: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A short text of scalars that quoting has to survive: quotes, backslashes, line ends, combining marks.
    mutating func hostileText() -> String {
        let alphabet: [Unicode.Scalar] = [
            "'", "\"", "\\", "a", "E", "$", ":", ";", "-", " ", "\n", "\r", "\t", "\u{301}", "\u{200D}", "🐘", "é", "#",
        ]
        var view = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...8, using: &self) {
            view.append(alphabet.randomElement(using: &self) ?? "a")
        }
        return String(view)
    }
}
