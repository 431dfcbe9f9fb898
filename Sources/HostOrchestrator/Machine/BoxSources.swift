import Shared

/// The Debian archive that this machine itself uses, for another suite; no archive host is written in pgaf.
enum BoxSources {
    /// One line an index: `$(SITE)|$(RELEASE)|$(COMPONENT)|$(LABEL)`.
    ///
    /// - Parameter downloaded: whether to ask for indexes that are here, with the labels of their archives; a fresh
    ///   container has none, and then only what is configured can be listed.
    static func question(downloaded: Bool) -> Command {
        Command(
            "apt-get",
            ["indextargets"] + (downloaded ? [] : ["--no-release-info"]) + [
                "--format", "$(SITE)|$(RELEASE)|$(COMPONENT)|$(LABEL)", "Created-By: Packages",
            ], deadline: .seconds(60))
    }

    private static let suites: Set<String> = [
        "bullseye", "bookworm", "trixie", "forky", "sid", "oldoldstable", "oldstable", "stable", "testing", "unstable",
    ]

    /// Lines for `sources.list`, the archive itself first; empty when the machine names no Debian archive.
    ///
    /// `bookworm`, `bookworm-updates` and `bookworm-security` become `trixie`, `trixie-updates` and `trixie-security`;
    /// other suites (backports) and other distributors' archives are left out.
    static func parse(_ text: String, suite: String = BoxRecipe.suite) -> [String] {
        var lines: Set<String> = []
        var hasArchive = false
        for line in text.split(whereSeparator: \.isNewline) {
            let fields = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 4, fields[2] == "main" else { continue }
            // There is no label while the lists are not downloaded.
            guard ["Debian", "Debian-Security", "", "$(LABEL)"].contains(fields[3]) else { continue }
            let release = fields[1].split(separator: "/")[0].split(separator: "-", maxSplits: 1)
            let ending = release.count > 1 ? "-\(release[1])" : ""
            guard let base = release.first, suites.contains(String(base)) else { continue }
            guard ["", "-updates", "-security"].contains(ending) else { continue }
            lines.insert(BaseSystem.source(fields[0], suite + ending))
            hasArchive = hasArchive || ending.isEmpty
        }
        guard hasArchive else { return [] }
        func rank(_ line: String) -> Int { line.contains("-updates ") ? 1 : line.contains("-security ") ? 2 : 0 }
        return lines.sorted { (rank($0), $0) < (rank($1), $1) }
    }
}
