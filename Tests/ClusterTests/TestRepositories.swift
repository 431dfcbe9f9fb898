import Foundation
import Shared
import TestSupport

/// Signed apt repositories as Docker and PGDG lay theirs out, made by the tests: thin packages under the real names, the
/// servers from Debian's own packages, Docker's client from this machine's.
///
/// Below `www` one directory for each way in which a mirror can be: `good`, those of `broken`, and `stale`, in which
/// there is a mirror of the Debian archive alone, whose lists have expired.
enum TestRepositories {
    /// What is wrong with Docker's repository in each of the directories of that name; everything else is missing there.
    static let broken = [
        "other-key", "two-keys", "other-signature", "expired", "tampered", "other-suite",
        "other-architecture",
    ]

    /// Builds all of it in an empty directory, and beside it an authority (`authority.crt`) with a certificate of its own
    /// for the mirror over TLS (`mirror.pem`, with its key).
    ///
    /// - Parameter host: address for which that certificate is, beside the name `mirror.invalid`.
    /// - Returns: fingerprints of the test's own keys by name: `good`, `other`, `expired`.
    static func build(in directory: String, host: String) async throws -> [String: String] {
        let runner = SubprocessRunner()
        let client = try await runner.checked(Command("sh", ["-c", "readlink -f $(command -v docker)"]), remedy: "")
        let result = try await runner.checked(
            Command("bash", ["-c", script, "build", directory, client.trimmedOutput, host], deadline: .seconds(120)),
            what: "The tests' repositories could not be made.", remedy: "scripts/prepare test")
        return Dictionary(
            uniqueKeysWithValues: result.standardOutput.split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ").map(String.init)
                return words.count == 2 ? (words[0], words[1]) : nil
            })
    }

    private static let script = #"""
        set -euo pipefail
        cd "$1"
        client=$2
        export GNUPGHOME=$1/gnupg LC_ALL=C.UTF-8
        mkdir -m 700 gnupg
        trap 'gpgconf --kill gpg-agent' EXIT
        architecture=$(dpkg --print-architecture)

        gpg_quiet() { gpg --batch --quiet --no-tty --pinentry-mode loopback --passphrase '' "$@" 2>>gpg.log; }
        past='20200101T000000'
        gpg_quiet --quick-gen-key good ed25519 sign never
        gpg_quiet --quick-gen-key other ed25519 sign never
        gpg_quiet --faked-system-time "$past" --quick-gen-key expired ed25519 sign 2d
        for key in good other expired; do
            gpg_quiet --armor --export "$key" >"$key.asc"
            echo "$key $(gpg --batch --with-colons --show-keys "$key.asc" | awk -F: '$1 == "fpr" { print $10; exit }')"
        done

        certificate() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "$@"; }
        certificate -subj '/CN=authority of a test' -keyout authority.key -out authority.crt
        certificate -subj /CN=mirror -addext "subjectAltName=DNS:mirror.invalid,IP:$3" \
            -CA authority.crt -CAkey authority.key -keyout mirror.pem -out mirror.crt
        cat mirror.crt >>mirror.pem

        # package POOL NAME DEPENDS: what lies in tree/NAME becomes a package.
        package() {
            mkdir -p "$1" "tree/$2/DEBIAN"
            {
                printf 'Package: %s\nVersion: 1.0\nArchitecture: all\nMaintainer: A test <test@example.org>\n' "$2"
                [ -z "$3" ] || printf 'Depends: %s\n' "$3"
                printf 'Description: thin package of a test\n'
            } >"tree/$2/DEBIAN/control"
            dpkg-deb --root-owner-group -Zgzip -z1 --build "tree/$2" "$1" >&2
        }
        mkdir -p tree/docker-ce-cli/usr/bin tree/postgresql-client-16/usr/{lib,share}/postgresql
        cp "$client" tree/docker-ce-cli/usr/bin/docker
        for place in lib share; do ln -s 17 "tree/postgresql-client-16/usr/$place/postgresql/16"; done
        package docker docker-ce 'docker-ce-cli, containerd.io'
        for name in docker-ce-cli containerd.io docker-compose-plugin docker-buildx-plugin; do package docker "$name" ''; done
        package pgdg postgresql-client-16 postgresql-client-17
        package pgdg postgresql-16 'postgresql-17, postgresql-client-16'
        package pgdg postgresql-16-auto-failover 'postgresql-17-auto-failover, postgresql-16'
        package pgdg postgresql-16-pglogical 'postgresql-17-pglogical, postgresql-16'

        # repository DIRECTORY SUITE COMPONENT POOL KEY [OPTIONS]: lists of a pool, signed.
        repository() {
            local lists="dists/$2/$3/binary-$architecture"
            mkdir -p "$1/$lists"
            cp -al "$4" "$1/pool"
            (
                cd "$1"
                apt-ftparchive packages pool >"$lists/Packages"
                apt-ftparchive -o "APT::FTPArchive::Release::Suite=$2" -o "APT::FTPArchive::Release::Codename=$2" \
                    -o "APT::FTPArchive::Release::Components=$3" \
                    -o "APT::FTPArchive::Release::Architectures=$architecture" \
                    -o "APT::FTPArchive::Release::ValidTime=${validity:-0}" release "dists/$2" >Release
                gpg_quiet "${@:6}" --local-user "$5" --clearsign --output "dists/$2/InRelease" Release
            )
        }
        mkdir www
        repository www/good/docker/linux/debian trixie stable docker good
        repository www/good/pgdg trixie-pgdg main pgdg good
        repository www/good/archive focal-pgdg-archive main pgdg good
        repository www/good/debian trixie main pgdg good
        validity=1 repository www/stale/debian trixie main pgdg good
        for place in docker/linux/debian/gpg pgdg/ACCC4CF8.asc archive/ACCC4CF8.asc; do cp good.asc "www/good/$place"; done

        repository www/other-key/docker/linux/debian trixie stable docker other
        cp other.asc www/other-key/docker/linux/debian/gpg
        repository www/two-keys/docker/linux/debian trixie stable docker other
        cat good.asc other.asc >www/two-keys/docker/linux/debian/gpg
        repository www/other-signature/docker/linux/debian trixie stable docker other
        cp good.asc www/other-signature/docker/linux/debian/gpg
        repository www/expired/docker/linux/debian trixie stable docker expired --faked-system-time "$past"
        cp expired.asc www/expired/docker/linux/debian/gpg
        repository www/tampered/docker/linux/debian trixie stable docker good
        cp good.asc www/tampered/docker/linux/debian/gpg
        victim=$(echo www/tampered/docker/linux/debian/pool/containerd.io_*.deb)
        cp "$victim" changed.deb
        printf X | dd of=changed.deb bs=1 seek=200 conv=notrunc status=none
        mv changed.deb "$victim"
        repository www/other-suite/docker/linux/debian bookworm stable docker good
        cp good.asc www/other-suite/docker/linux/debian/gpg
        architecture=s390x repository www/other-architecture/docker/linux/debian trixie stable docker good
        cp good.asc www/other-architecture/docker/linux/debian/gpg
        """#
}
