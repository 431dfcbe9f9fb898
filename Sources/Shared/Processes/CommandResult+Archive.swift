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
        if tells(["No space left on device"], within: 40) { return .diskFull }
        return tells(Self.silence, within: 40) ? .archiveUnreachable : code
    }
}
