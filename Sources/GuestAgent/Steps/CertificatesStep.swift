import Shared

/// The cluster's own authority and the servers' certificates, made on this machine and renewed before they end.
struct CertificatesStep: Step {
    let id = "certificates"
    let title = "the certificates"
    let dependencies = ["image"]
    let topology: ClusterTopology

    func inspect(_ context: AgentContext) async throws -> [Change] {
        let store = CertificateStore(files: context.files, topology: topology)
        let authority =
            try store.authority() == nil
            ? [Change(.create, "authority", "make the cluster's certificate authority")] : []
        return authority
            + (try topology.certificateRequests.compactMap { request in
                try store.reason(for: request).map { reason in
                    Change(
                        .create, request.name, "make the certificate of \(request.name): \(reason)")
                }
            })
    }

    func apply(_ changes: [Change], _ context: AgentContext) async throws {
        let store = CertificateStore(files: context.files, topology: topology)
        let requests = topology.certificateRequests.filter { changes.has($0.name) }
        try await context.runner.checked(
            try store.prepare(requests), code: .certificateFailed, what: "The certificates could not be made.",
            remedy: Docker.remedy, onLine: context.output(id))
        for request in requests { try store.note(request) }
    }
}
