extension PgafError {
    /// `usage`, for a name that none of the cluster's nodes has; suggests the one that was probably meant.
    ///
    /// - Parameter names: those that can be meant.
    package static func unknownNode(_ name: String, among names: [String]) -> PgafError {
        let meant = EditDistance.nearest(to: name, in: names).map { "Did you mean \($0)? " } ?? ""
        return PgafError(
            .usage, "There is no node \"\(TerminalText.clean(String(name.prefix(80))))\" in the cluster.",
            remedy: "\(meant)Name one of \(names.joined(separator: ", ")).")
    }
}

extension RunIdentifier {
    /// - Throws: `run.not-found` for what cannot be the id of a run.
    package static func check(_ name: String) throws {
        guard !isOne(name) else { return }
        throw PgafError(
            .runNotFound, "\"\(TerminalText.clean(String(name.prefix(60))))\" is not the id of a run.",
            remedy: "Leave it out to mean the run at work, or else the latest; an id looks like"
                + " 20261122T213149123Z-4f0a9c21, as the directories in .pgaf/runs/ and, on the machine, in"
                + " /var/lib/pgaf/runs/ are named.")
    }
}
