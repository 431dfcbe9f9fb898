import FoundationEssentials
import Shared

/// The user's own certificates in the place of those that the cluster would make.
extension CertificateStore {
    /// Whose certificates are not the ones that the user brings: `authority`, and containers by their names.
    func differing(from supplied: SuppliedCertificates) throws -> [String] {
        try texts(supplied).filter { try files.read(path($0.name)) != $0.text.revealed }.map(\.name)
    }

    /// Puts them in place.
    func keep(_ supplied: SuppliedCertificates) throws {
        for (name, text) in texts(supplied) { try files.write(text.revealed, to: path(name)) }
    }

    private func texts(_ supplied: SuppliedCertificates) -> [(name: String, text: Secret)] {
        [("authority", Secret(supplied.authority))]
            + topology.certificateRequests.compactMap { request in
                supplied.servers[request.name].map { (request.name, $0) }
            }
    }

    private func path(_ name: String) -> String { "\(topology.certificateDirectory)/\(name).pem" }

    /// Where they lie while they are looked at.
    private var checked: String { "\(topology.certificateDirectory)/supplied" }

    func removeChecked() { try? files.remove(checked) }

    /// Writes them to be looked at, and gives back the command that does so: it prints a line for each complaint and ends
    /// with another status than 0 when there is one.
    func check(_ supplied: SuppliedCertificates, _ requests: [CertificateRequest]) throws -> Command {
        try files.makeDirectory(topology.certificateDirectory)
        try files.makeDirectory(checked)
        for (name, text) in texts(supplied) { try files.write(text.revealed, to: "\(checked)/\(name).pem") }
        return opensslCommand(
            in: checked, readOnly: true, script: Self.checkScript,
            requests.flatMap { request in
                let hosts = request.needed.flatMap {
                    [IPv4Address($0) != nil || $0.contains(":") ? "-checkip" : "-checkhost", $0]
                }
                return [request.name] + hosts + [""]
            })
    }

    /// The arguments are, for each container, its name, the names and addresses that its certificate must have with
    /// openssl's option before each, and an empty one. No value is part of the script.
    static let checkScript = """
        set -euo pipefail
        status=0
        complain() {
            printf '%s\\n' "$*"
            status=1
        }
        while [ $# -gt 0 ]; do
            name=$1 file=$1.pem
            shift
            openssl verify -purpose sslserver -CAfile authority.pem -untrusted "$file" "$file" > /tmp/said 2>&1 ||
                complain "$name.crt: $(grep '^error' /tmp/said | head -n 1)"
            if ! key=$(openssl pkey -in "$file" -passin pass: -pubout 2> /tmp/said); then
                complain "$name.key: openssl cannot read it"
            elif [ "$key" != "$(openssl x509 -in "$file" -noout -pubkey)" ]; then
                complain "$name.key: it is not the key of $name.crt"
            fi
            while [ -n "$1" ]; do
                openssl x509 -in "$file" -noout "$1" "$2" 2>&1 | grep -q 'does match' ||
                    complain "$name.crt: it is not for $2"
                shift 2
            done
            shift
        done
        exit "$status"
        """
}
