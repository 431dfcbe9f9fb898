import Shared

/// What a certificate should say, as the text of openssl's configuration; pure.
///
/// The text beside a certificate also tells whether that certificate is still the wanted one.
struct CertificateRequest: Sendable, Equatable {
    /// Container that the certificate is for; also the common name.
    var name: String
    /// Names and addresses by which clients come.
    var hosts: [String]
    /// Those of them that a certificate of the user's own must have too.
    var needed: [String] = []

    /// Days that a server certificate lasts; at most 825 are taken by all clients.
    static let days = 820
    /// Days before the end from which on `up` makes another one.
    static let renewal = 60
    /// Days that the cluster's own authority lasts.
    static let authorityDays = 3650

    /// Configuration of the one certificate.
    var text: String {
        let unique = hosts.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        let addresses = unique.filter { IPv4Address($0) != nil || $0.contains(":") }
        // Clients with a libpq before 15 look for an address among the names.
        let lines =
            unique.filter { !$0.contains(":") }.enumerated().map { "DNS.\($0.offset + 1) = \($0.element)" }
            + addresses.enumerated().map { "IP.\($0.offset + 1) = \($0.element)" }
        return """
            [req]
            prompt = no
            distinguished_name = subject
            [subject]
            CN = \(name)
            [extensions]
            basicConstraints = critical, CA:FALSE
            keyUsage = critical, digitalSignature
            extendedKeyUsage = serverAuth, clientAuth
            subjectKeyIdentifier = hash
            authorityKeyIdentifier = keyid
            subjectAltName = @hosts
            [hosts]

            """ + lines.joined(separator: "\n") + "\n"
    }

    /// Configuration of the authority, and of its signing.
    static func authority(_ cluster: String) -> String {
        """
        [req]
        prompt = no
        distinguished_name = subject
        [subject]
        O = pgaf
        CN = pgaf cluster \(cluster)
        [extensions]
        basicConstraints = critical, CA:TRUE, pathlen:0
        keyUsage = critical, keyCertSign, cRLSign
        subjectKeyIdentifier = hash
        [ca]
        default_ca = signing
        [signing]
        database = /tmp/index.txt
        new_certs_dir = /tmp
        rand_serial = yes
        default_md = sha256
        policy = any
        email_in_dn = no
        unique_subject = no
        [any]
        commonName = supplied
        organizationName = optional

        """
    }

    /// Makes what it is told to in the working directory: `$1` and `$2` are the first and last second of the servers'
    /// certificates, `$3` the last one of the authority's, then come the names. Each result is one file with key and
    /// certificate, put into place in one step. No value is part of the script.
    static let script = """
        set -euo pipefail
        umask 077
        begin=$1 end=$2 authority_end=$3
        shift 3
        sign() {
            : > /tmp/index.txt
            openssl ca -batch -notext -config authority.cnf -startdate "$begin" -in /tmp/request.pem \
                -out /tmp/certificate.pem -extensions extensions "$@"
        }
        request() {
            openssl ecparam -genkey -name prime256v1 -noout -out /tmp/key.pem
            openssl req -new -sha256 -key /tmp/key.pem -config "$1" -out /tmp/request.pem
        }
        keep() {
            cat /tmp/key.pem /tmp/certificate.pem > "$1.new"
            mv "$1.new" "$1"
        }
        if [ ! -s authority.pem ]; then
            request authority.cnf
            sign -selfsign -keyfile /tmp/key.pem -enddate "$authority_end"
            keep authority.pem
        fi
        for name in "$@"; do
            request "$name.cnf"
            sign -cert authority.pem -keyfile authority.pem -enddate "$end" -extfile "$name.cnf"
            keep "$name.pem"
        done
        """
}
