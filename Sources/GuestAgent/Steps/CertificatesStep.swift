import Shared

/// The cluster's own authority and the servers' certificates, made on this machine and renewed before they end; or the
/// user's own, put in place once they are found to be right.
struct CertificatesStep: Step {
    let id = "certificates"
    let title = "the certificates"
    let dependencies = ["image"]
    let topology: ClusterTopology

    func inspect(_ context: AgentContext) async throws -> [Change] {
        let store = CertificateStore(files: context.files, topology: topology)
        if let supplied = context.certificates {
            return try store.differing(from: supplied).map {
                Change(
                    .change, $0,
                    "put in place the certificate of \($0 == "authority" ? "the authority" : $0) that you bring")
            }
        }
        let authority = try store.reasonForAuthority().map {
            Change(.create, "authority", "make the cluster's certificate authority: \($0)")
        }
        return [authority].compactMap { $0 }
            + (try topology.certificateRequests.compactMap { request in
                let reason = try authority.map { _ in "it needs one of that authority" } ?? store.reason(for: request)
                return reason.map {
                    Change(.create, request.name, "make the certificate of \(request.name): \($0)")
                }
            })
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        let store = CertificateStore(files: context.files, topology: topology)
        if let supplied = context.certificates { return try await putInPlace(supplied, store, context) }
        if changes.has("authority") { try store.removeAuthority() }
        let requests = topology.certificateRequests.filter { changes.has($0.name) }
        do {
            try await context.runner.checked(
                try store.prepare(requests), code: .certificateFailed, what: "The certificates could not be made.",
                remedy: Docker.remedy, onLine: context.output(id))
        } catch let error as PgafError where error.output.contains(where: DockerDisk.isToldOf) {
            // Docker's own words are about its disk, a program's about the machine's, where the files are.
            if error.output.contains(where: { $0.contains("Error response from daemon") }) { throw error }
            throw PgafError.file(.noSpace, "write", topology.certificateDirectory)
        }
        for request in requests { try store.note(request) }
    }

    /// All or none: what is wrong with one of them would show only when that node's clients come.
    private func putInPlace(
        _ supplied: SuppliedCertificates, _ store: CertificateStore, _ context: AgentContext
    ) async throws {
        let check = try store.check(supplied, topology.certificateRequests)
        defer { store.removeChecked() }
        let result = try await context.runner.run(check, onLine: context.output(id))
        guard result.succeeded else {
            throw PgafError(
                .certificateFailed,
                "The certificates in \(context.configuration.access.certificates ?? "the request") cannot be used;"
                    + " those that are in use stay.",
                remedy: "Put others there that the clients' and the nodes' checks accept, and run `up` again.",
                output: result.lastLines())
        }
        try store.keep(supplied)
    }
}
