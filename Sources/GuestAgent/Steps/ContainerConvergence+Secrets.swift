import Shared

/// What a container gets as files that only root and its own user may read: passwords, and its certificate with the key.
extension ContainerConvergence {
    /// What the container's secrets should be, by file name; the entrypoint copies them at each start.
    private func secretFiles(_ context: AgentContext) throws -> [String: Secret] {
        let certificates = CertificateStore(files: context.files, topology: context.topology)
        var files = ["pgpass": context.topology.passwordFile(name, context.secrets)]
        files["server.pem"] = try certificates.server(name)
        files["ca.crt"] = try certificates.authority().map { Secret($0) }
        return files
    }

    func secretDifferences(_ context: AgentContext) throws -> [Change] {
        let directory = context.topology.secretsDirectory(name)
        let files = try secretFiles(context)
        let differing = try files.filter { try context.files.read("\(directory)/\($0.key)") != $0.value.revealed }
        let passwords =
            differing["pgpass"] == nil ? [] : [Change(.change, "passfile", "hand \(name) the changed passwords")]
        // A run may have ended between the files and the container: what it has then is not known.
        let isUnknown = try passwords.isEmpty && context.files.read(mark(context)) != Self.mark(files)
        guard try isUnknown || differing.keys.contains(where: { $0 != "pgpass" }) || isAboutToBeRenewed(context) else {
            return passwords
        }
        return passwords + [Change(.change, "certificate", "hand \(name) its new certificate")]
    }

    /// Whether a plan has another certificate made for the container by the step before.
    private func isAboutToBeRenewed(_ context: AgentContext) throws -> Bool {
        guard context.isPlanning, let request = context.topology.certificateRequests.first(where: { $0.name == name })
        else { return false }
        let store = CertificateStore(files: context.files, topology: context.topology)
        if let supplied = context.certificates {
            return try store.differing(from: supplied).contains { $0 == name || $0 == "authority" }
        }
        return try store.reasonForAuthority() != nil || store.reason(for: request) != nil
    }

    /// File whose content tells which secrets the container has taken over.
    private func mark(_ context: AgentContext) -> String {
        "\(context.topology.directory)/nodes/\(name)/handed-over"
    }

    private static func mark(_ files: [String: Secret]) -> String {
        ContentHash.of(files.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value.revealed] }) + "\n"
    }

    /// Notes that the container has them now.
    func noteSecrets(_ context: AgentContext) throws {
        try context.files.write(Self.mark(secretFiles(context)), to: mark(context))
    }

    func writeSecrets(_ context: AgentContext) throws {
        try context.files.makeDirectory(context.topology.secretsDirectory(name))
        for (file, secret) in try secretFiles(context) {
            try context.files.write(secret.revealed, to: "\(context.topology.secretsDirectory(name))/\(file)")
        }
    }

    /// Gives a container that will be made anew its changed secrets before its turn comes: without the new password its
    /// pg_autoctl hears nothing from the monitor any more, and hands over to nobody.
    func handOverEarly(_ changes: [Change], _ context: AgentContext) async throws {
        guard changes.has("passfile") || changes.has("certificate") else { return }
        try writeSecrets(context)
        try await handOverSecrets(reloading: changes.has("certificate"), context)
    }

    /// Gives the written ones to the running container, as its entrypoint does at each start. One that Docker is about to
    /// start again lets nobody in, and has them from there.
    ///
    /// - Parameter reloading: whether PostgreSQL has to read them again.
    func handOverSecrets(reloading: Bool, _ context: AgentContext) async throws {
        let files = try secretFiles(context).keys.sorted().map { "\(ContainerLayout.secrets)/\($0)" }
        let status = try await context.docker.container(name)
        guard status?.status == "running" else { return }
        do {
            try await context.docker.checked(
                ["exec", "--user", "root", name, "install", "-o", "postgres", "-g", "postgres", "-m", "0600"] + files
                    + [ContainerLayout.runtime])
        } catch {
            // It may have ended just now.
            guard try await context.docker.container(name) == status else { return }
            throw error
        }
        if reloading { _ = try await context.psql.attempt(name, "SELECT pg_reload_conf();") }
    }
}
