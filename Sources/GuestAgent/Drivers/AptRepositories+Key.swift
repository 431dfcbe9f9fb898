import Shared

extension AptRepositories {
    /// The armored key, fetched into a directory, after its fingerprint was compared with the pinned one.
    func verifiedKey(_ repository: AptRepository, in directory: String) async throws -> String {
        let target = "\(directory)/key.asc"
        let fetched = try await fetch(repository.keyURL, to: target)
        guard fetched.succeeded else {
            throw Self.distrust(fetched, of: repository.keyURL, repository)
                ?? PgafError(
                    .archiveUnreachable,
                    "The key of \(repository.uri) could not be fetched from \(repository.keyURL).",
                    remedy: "Check the machine's network, set \(repository.mirrorKey) or packages.proxy, or set"
                        + " packages.source: debian.",
                    output: fetched.lastLines())
        }
        // Without a place of its own gpg makes one in root's home.
        try files.makeDirectory("\(directory)/gnupg")
        let listing = try await runner.run(
            Command(
                "gpg",
                ["--homedir", "\(directory)/gnupg", "--batch", "--show-keys", "--with-colons"]
                    + ["--with-fingerprint", target]))
        // Whoever's key lies in the same file could sign too.
        guard let found = Self.onlyKey(listing.standardOutput), found.fingerprint == repository.fingerprint,
            let key = try files.read(target)
        else {
            throw PgafError(
                .packagesFailed, "The key from \(repository.keyURL) is not the one that belongs to \(repository.name).",
                remedy: "Do not use that mirror: somebody stands between you and it, or it serves another repository. A"
                    + " mirror that you sign yourself needs packages.keys.\(repository.name).",
                cause: "expected the fingerprint \(repository.fingerprint), and no other key beside it",
                output: listing.lastLines())
        }
        guard found.validity != "e", found.validity != "r" else {
            let what = found.validity == "e" ? "has expired" : "was revoked by its owner"
            throw PgafError(
                .packagesFailed, "The key of \(repository.name) from \(repository.keyURL) \(what).",
                remedy: "Compare the machine's clock; if it is right, wait for a renewed key there, or set"
                    + " \(repository.mirrorKey) to a mirror that has one.",
                cause: "fingerprint \(repository.fingerprint)")
        }
        return key
    }

    /// Why apt took nothing from a server over TLS: it trusts the machine's authorities alone, and is not led to plain
    /// HTTP. nil for any other failure.
    ///
    /// Source: methods/connect.cc and methods/basehttp.cc of apt; its words of releases 2.6 (GnuTLS) and 3.0 (OpenSSL).
    static func distrust(_ fetched: CommandResult, of address: String, _ repository: AptRepository) -> PgafError? {
        let output = fetched.lastLines()
        if fetched.tells(["Certificate verification failed", "certificate verify failed"]) {
            return PgafError(
                .packagesFailed, "The machine does not trust the certificate behind \(address).",
                remedy: "If that mirror is your own, put its authority's certificate on the machine as"
                    + " /usr/local/share/ca-certificates/NAME.crt and run `sudo update-ca-certificates` there. If not,"
                    + " compare the machine's clock and set \(repository.mirrorKey) to another mirror: somebody may"
                    + " stand between you and this one.",
                output: output)
        }
        guard fetched.tells(["Redirection from https to"]) else { return nil }
        return PgafError(
            .packagesFailed, "\(address) leads away from TLS, to where apt does not follow.",
            remedy: "Set \(repository.mirrorKey) to a mirror that serves its files itself; apt's last lines say where"
                + " this one leads.",
            output: output)
    }

    /// The primary key in gpg's colon listing; nil when there is none, or more than one.
    ///
    /// Source: doc/DETAILS of GnuPG. The validity is `e` for an expired key and `r` for a revoked one.
    static func onlyKey(_ listing: String) -> (validity: String, fingerprint: String)? {
        var key: (validity: String, fingerprint: String)?
        for line in listing.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            if fields[0] == "pub" {
                guard key == nil, fields.count > 1 else { return nil }
                key = (fields[1], "")
            } else if fields[0] == "fpr", fields.count > 9, key?.fingerprint == "" {
                // Those of subkeys follow.
                key?.fingerprint = fields[9]
            }
        }
        return key
    }
}
