import FoundationEssentials
import Shared

/// The cluster's certificates as they lie on the machine: an authority of the cluster's own and one certificate for each
/// container, each in one file with its key, mode 0600.
struct CertificateStore: Sendable {
    let files: MachineFiles
    let topology: ClusterTopology

    private var directory: String { topology.certificateDirectory }

    /// The authority's certificate, PEM; nil before it is made.
    func authority() throws -> String? { try certificate("authority")?.certificate }

    /// The same as it goes over the wire.
    func encodedAuthority() throws -> String? { try certificate("authority")?.encoded }

    /// Key and certificate of a container; nil before they are made.
    func server(_ name: String) throws -> Secret? { try files.read("\(directory)/\(name).pem").map { Secret($0) } }

    private func certificate(_ name: String) throws -> CertificateText? {
        try files.read("\(directory)/\(name).pem").flatMap { CertificateText($0) }
    }

    /// Certificates that end soon or have ended: `up` would have renewed them.
    func warnings(at now: Date = Date()) -> [String] {
        (["authority"] + topology.certificateRequests.map(\.name)).compactMap { name in
            guard let found = (try? certificate(name)) ?? nil else { return nil }
            let days = Self.days(until: found.end, at: now)
            guard days < CertificateRequest.renewal else { return nil }
            let whose = name == "authority" ? "The cluster's certificate authority" : "The certificate of \(name)"
            let again = topology.configuration.access.certificates.map {
                "put another one into \($0), then run `pgaf-host up`"
            }
            let ends = days < 0 ? "ended on \(Timestamp.text(found.end).prefix(10))" : "ends in \(days) days"
            return "\(whose) \(ends): \(again ?? "`pgaf-host up` makes another one")."
        }
    }

    private static func days(until end: Date, at now: Date) -> Int {
        Int((end.timeIntervalSince(now) / 86_400).rounded(.down))
    }

    /// Why the authority has to be made, and with it every certificate; nil when it is there and lasts.
    func reasonForAuthority(at now: Date = Date()) throws -> String? {
        guard let text = try files.read("\(directory)/authority.pem"), let found = CertificateText(text) else {
            return "there is none"
        }
        guard text.contains("PRIVATE KEY") else { return "the one that is there is not the cluster's own" }
        return Self.ending(found, at: now)
    }

    private static func ending(_ found: CertificateText, at now: Date) -> String? {
        let days = days(until: found.end, at: now)
        return days < CertificateRequest.renewal ? "it ends in \(days) days" : nil
    }

    /// Why a certificate has to be made; nil when the one that is there is the wanted one.
    func reason(for request: CertificateRequest, at now: Date = Date()) throws -> String? {
        guard let found = try certificate(request.name) else { return "there is none" }
        guard let authority = try authority(), try files.read(mark(request.name)) == Self.mark(request, authority)
        else {
            return "it is for other names, or of another authority"
        }
        return Self.ending(found, at: now)
    }

    /// Forgets the authority, so that the next command makes another one.
    func removeAuthority() throws { try files.remove("\(directory)/authority.pem") }

    /// Notes what a new certificate was made for.
    func note(_ request: CertificateRequest) throws {
        guard let authority = try authority() else { return }
        try files.write(Self.mark(request, authority), to: mark(request.name))
    }

    private func mark(_ name: String) -> String { "\(directory)/\(name).made" }

    private static func mark(_ request: CertificateRequest, _ authority: String) -> String {
        ContentHash.of(["certificate", request.text, authority]) + "\n"
    }

    /// Writes the requests, and gives back the command that makes of them what `CertificateRequest.script` says.
    func prepare(_ requests: [CertificateRequest], at now: Date = Date()) throws -> Command {
        try files.makeDirectory(directory)
        try files.write(CertificateRequest.authority(topology.configuration.cluster), to: "\(directory)/authority.cnf")
        for request in requests { try files.write(request.text, to: "\(directory)/\(request.name).cnf") }
        func day(_ number: Int) -> String { Self.second(now.addingTimeInterval(Double(number) * 86_400)) }
        // Valid since yesterday: clocks differ, and one may be set back.
        let days = [day(-1), day(CertificateRequest.days - 1), day(CertificateRequest.authorityDays)]
        return opensslCommand(in: directory, script: CertificateRequest.script, days + requests.map(\.name))
    }

    /// A script around openssl, in a container of the nodes' image.
    func opensslCommand(
        in directory: String, readOnly: Bool = false, script: String, _ arguments: [String]
    ) -> Command {
        Command(
            "docker",
            HelperContainer.run + [
                "--tmpfs", "/tmp", "--user", "root", "--label", "\(Label.cluster)=\(topology.configuration.cluster)",
                "--volume", "\(files.place(directory)):/certificates\(readOnly ? ":ro" : "")",
                "--workdir", "/certificates", "--entrypoint", "bash", topology.configuration.image.reference, "-c",
                script, "bash",
            ] + arguments, deadline: .seconds(600))
    }

    /// YYYYMMDDHHMMSSZ.
    private static func second(_ date: Date) -> String {
        String(Timestamp.text(date).prefix(19).filter(\.isNumber)) + "Z"
    }
}
