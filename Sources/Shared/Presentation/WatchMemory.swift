/// One look at the formation; one that fails is told as well, and the next one may find all well.
package typealias FormationLook = Result<FormationState, PgafError>

/// What whoever shows one look after another remembers of those before.
package struct WatchMemory: Sendable {
    package private(set) var state: FormationState?
    /// Why nothing is seen now; nil while something is.
    package private(set) var trouble: PgafError?

    package init() {}

    /// - Returns: what is new, a sentence a thing.
    package mutating func take(_ look: FormationLook) -> [String] {
        switch look {
        case .success(let now):
            var lines = FormationDifference.lines(from: state, to: now)
            if trouble != nil { lines.insert("the machine and its cluster can be seen again", at: 0) }
            (state, trouble) = (now, nil)
            return lines
        case .failure(let error):
            // Whoever answers at the machine's address may have chosen its words.
            let error = error.mapTexts { TerminalText.clean($0) }
            defer { trouble = error }
            return trouble?.message == error.message ? [] : [error.message]
        }
    }
}
