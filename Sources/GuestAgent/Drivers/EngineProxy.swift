import Shared

/// The proxy through which the Docker engine pulls, as a drop-in of its systemd service: given to an engine that pgaf
/// installs and kept as configured from then on, never to one that was there before.
struct EngineProxy: Sendable {
    let runner: any CommandRunner
    let files: MachineFiles
    /// `http://HOST:PORT`; nil for none.
    let proxy: String?

    static let subject = "proxy"
    private static let directory = "/etc/systemd/system/docker.service.d"
    /// pgaf's alone.
    private static let file = "\(directory)/pgaf-proxy.conf"

    /// What differs from what the file should say.
    ///
    /// - Parameter isNew: whether the engine is about to be installed.
    func change(isNew: Bool) throws -> Change? {
        let found = try files.read(Self.file)
        guard found != text, found != nil || isNew else { return nil }
        let when = isNew ? "" : " at its next start"
        guard let proxy else {
            return Change(.change, Self.subject, "take the proxy away from the Docker engine\(when)")
        }
        let kind: Change.Kind = found == nil ? .create : .change
        return Change(kind, Self.subject, "give the Docker engine the proxy \(proxy)\(when)")
    }

    /// Writes or removes the file. The engine reads it at its next start, which is its owner's to bring about: all
    /// containers stop with it.
    ///
    /// - Throws: `file.failed`, `disk.full`, `docker.unavailable`.
    func apply() async throws {
        if let text {
            try files.makeDirectory(Self.directory, mode: 0o755)
            try files.write(text, to: Self.file, mode: 0o644)
        } else {
            try files.remove(Self.file)
        }
        try await runner.checked(
            Command("systemctl", ["daemon-reload"]), code: .dockerUnavailable,
            remedy: "Run the same command on the machine to see why.")
    }

    /// A host and a port have nothing in them that systemd reads otherwise between quotes. Docker asks no proxy for what is
    /// on loopback anyway, a mirror of the registry for instance.
    private var text: String? {
        proxy.map { proxy in
            let variables = ["HTTP_PROXY=\(proxy)", "HTTPS_PROXY=\(proxy)", "NO_PROXY=localhost,127.0.0.0/8,::1"]
            let line = variables.map { "\"\($0)\"" }.joined(separator: " ")
            return "# Written by pgaf for packages.proxy.\n[Service]\nEnvironment=\(line)\n"
        }
    }

    /// What to do where an engine does not pull through the proxy that the configuration names.
    static func remedy(_ proxy: String) -> String {
        "The engine pulls through a proxy of its own, which pgaf gives only to one that it installs itself under"
            + " systemd. Write `[Service]` and below it `Environment=HTTPS_PROXY=\(proxy)` into"
            + " \(directory)/proxy.conf, then run `sudo systemctl daemon-reload` and `sudo systemctl restart docker`,"
            + " which stops all containers for that time."
    }
}
