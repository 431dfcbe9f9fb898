import Shared

/// What `vagrant ssh-config` says about reaching the machine.
struct VagrantSSHConfig: Sendable, Equatable {
    var host: String
    var port: Int
    var user: String
    /// Every `IdentityFile` line, in order.
    var identityFiles: [String]

    /// Reads the text; values may stand in double quotes, the first value of a key counts as in OpenSSH.
    ///
    /// - Throws: `vagrant.failed` when host name or user is missing, or the port is none.
    init(_ text: String) throws {
        var values: [String: [String]] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.trimmed.split(maxSplits: 1) { $0.isWhitespace || $0 == "=" }
            guard words.count == 2, !words[0].hasPrefix("#") else { continue }
            let key = words[0].lowercased()
            // A second `Host` block is another machine's.
            if key == "host", values["host"] != nil { break }
            values[key, default: []].append(Self.unquoted(words[1].trimmed))
        }
        let port = values["port"]?.first.map { Int($0) ?? 0 } ?? 22
        guard let host = values["hostname"]?.first, let user = values["user"]?.first, (1...65535).contains(port) else {
            throw PgafError(
                .vagrantFailed, "`vagrant ssh-config` did not say how to reach the machine.",
                remedy: "Run `vagrant status` in the project directory; then `pgaf-host up` again.",
                output: text.split(whereSeparator: \.isNewline).suffix(12).map(String.init))
        }
        self.host = host
        self.user = user
        self.port = port
        identityFiles = values["identityfile"] ?? []
    }

    private static func unquoted(_ text: String) -> String {
        guard text.utf8.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else { return text }
        return String(text.dropFirst().dropLast()).replacing("\\\"", with: "\"")
    }

    /// For libssh; keys are the machine's own, so an agent's keys are left alone.
    func parameters(knownHosts: String) -> SSHParameters {
        SSHParameters(
            host: host, port: port, user: user, identityFiles: identityFiles, knownHostsFile: knownHosts)
    }
}
