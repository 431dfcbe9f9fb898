extension CommandResult {
    /// apt's words (release 2.6 and 3.0) for an archive whose host is not found or does not answer.
    private static let silence = [
        "Temporary failure resolving", "Could not resolve", "Could not connect", "Connection timed out",
        "Connection failed", "Unable to connect to",
    ]

    /// Why apt failed, or mmdebstrap or a build that ran it, told from their last lines: they end with the same status
    /// for everything.
    ///
    /// - Returns: `disk.full`, `packages.archive-unreachable`, or `code` for anything else.
    public func archiveFailure(otherwise code: ErrorCode) -> ErrorCode {
        let lines = lastLines(40)
        func tell(_ words: [String]) -> Bool { lines.contains { line in words.contains { line.contains($0) } } }
        if tell(["No space left on device"]) { return .diskFull }
        return tell(Self.silence) ? .archiveUnreachable : code
    }
}
