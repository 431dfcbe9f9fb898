import Shared

/// What a machine has already of what a bundle can bring, and what it could take.
struct MachineSupplies: Sendable, Equatable {
    var release = BundleManifest.Release(distribution: "", codename: "")
    var architecture = ""
    var hasDocker = false
    var hasPsql = false
    /// Docker's id of the base image, and the hash with which the nodes' image is labelled.
    var images: BundleManifest.Images?

    /// Asks a machine, as root; names are positional parameters. What an engine has that does not run stays unknown.
    ///
    /// - Parameters:
    ///   - base: reference of the base image.
    ///   - image: reference of the nodes' image.
    static func question(base: String, image: String) -> [String] {
        ["sh", "-c", script, "pgaf-supplies", base, image]
    }

    private static let script = #"""
        [ ! -r /etc/os-release ] || . /etc/os-release
        echo "distribution=${ID-}"
        echo "codename=${VERSION_CODENAME-}"
        echo "architecture=$(uname -m)"
        if [ -x /usr/sbin/dockerd ] || [ -x /usr/bin/dockerd ] || docker version >/dev/null 2>&1; then echo docker=yes; fi
        if psql --version >/dev/null 2>&1; then echo psql=yes; fi
        if base=$(docker image inspect --format '{{.Id}}' "$1" 2>/dev/null) &&
            hash=$(docker image inspect --format '{{index .Config.Labels "pgaf.hash"}}' "$2" 2>/dev/null); then
            echo "base=$base"
            echo "hash=$hash"
        fi
        """#

    /// Reads the answer; lines that it does not know are passed over.
    init(_ answer: String) {
        var fields: [String: String] = [:]
        for line in answer.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { fields[String(parts[0])] = String(parts[1]) }
        }
        release = .init(distribution: fields["distribution"] ?? "", codename: fields["codename"] ?? "")
        architecture = fields["architecture"] ?? ""
        hasDocker = fields["docker"] != nil
        hasPsql = fields["psql"] != nil
        if let base = fields["base"], let hash = fields["hash"] { images = .init(base: base, hash: hash) }
    }

    /// The parts that have to be sent.
    ///
    /// - Throws: `bundle.unfit` when the bundle has not what is missing, or not for this machine.
    func needed(of bundle: BundleManifest) throws -> [BundleManifest.Part] {
        guard architecture == bundle.architecture else {
            throw PgafError(
                .bundleUnfit,
                "The bundle is for \(bundle.architecture), the machine is \(TerminalText.clean(architecture)).",
                remedy: "Make the bundle on a machine of that architecture.")
        }
        var parts: [BundleManifest.Part] = []
        // A bundle with a box has no images of its own: the box brought them.
        if images == nil || (bundle.images != nil && images != bundle.images) {
            guard bundle.images != nil else { throw Self.lacking("the images of the cluster's nodes", bundle) }
            parts.append(.images)
        }
        if !hasDocker || !hasPsql {
            let missing = [hasDocker ? nil : "Docker", hasPsql ? nil : "psql"].compactMap { $0 }
                .joined(separator: " and ")
            guard let packages = bundle.packages else { throw Self.lacking(missing, bundle) }
            guard packages.release == release else {
                let own = TerminalText.clean(release.name)
                throw PgafError(
                    .bundleUnfit,
                    "The machine (\(own)) lacks \(missing), and the bundle's packages are for"
                        + " \(packages.release.name).",
                    remedy: "Install \(missing) there, or make the bundle on a machine with \(own).")
            }
            parts.append(.packages)
        }
        return parts
    }

    /// The error for a machine without what only the bundle's box has.
    static func lacking(_ what: String, _ bundle: BundleManifest) -> PgafError {
        PgafError(
            .bundleUnfit, "The machine lacks \(what), and the bundle has only what goes with its own box.",
            remedy: "Make a bundle with `--without-box`, and with `--machine` as for this machine.")
    }
}
