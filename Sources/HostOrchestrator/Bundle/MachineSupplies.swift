import Shared

/// What a machine has already of what a bundle can bring, and what it could take.
struct MachineSupplies: Sendable, Equatable {
    var release = BundleManifest.Release(distribution: "", codename: "")
    var architecture = ""
    var hasDocker = false
    var hasPsql = false
    /// Docker's id of the base image, and the hash with which the nodes' image is labelled.
    var images: BundleManifest.Images?
    /// The hash of everything from which the nodes' image was made; nil where that is not told.
    var inputs: String?
    /// Whether the cluster's data is that of PostgreSQL from PGDG, as its volumes say.
    var isFromPGDG = false

    /// Asks a machine, as root; names are positional parameters. What an engine has that does not run stays unknown.
    ///
    /// - Parameters:
    ///   - base: reference of the base image.
    ///   - image: reference of the nodes' image.
    ///   - cluster: whose volumes are looked at; those of none for an empty name.
    static func question(base: String, image: String, cluster: String = "") -> [String] {
        ["sh", "-c", script, "pgaf-supplies", base, image, cluster]
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
            echo "inputs=$(docker image inspect --format '{{index .Config.Labels "pgaf.inputs"}}' "$2" 2>/dev/null)"
        fi
        data=$(docker volume ls --quiet --filter "label=pgaf.cluster=$3" --filter label=pgaf.source=pgdg 2>/dev/null)
        if [ -n "$data" ]; then echo "source=pgdg"; fi
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
        if let text = fields["inputs"], !text.isEmpty { inputs = text }
        isFromPGDG = fields["source"] != nil
    }

    /// The parts that have to be sent.
    ///
    /// - Throws: `bundle.unfit` when the bundle has not what is missing, or not for this machine.
    func needed(of bundle: BundleManifest) throws -> [BundleManifest.Part] {
        try bundle.check(architecture: architecture, of: "the machine")
        var parts: [BundleManifest.Part] = []
        if let wanted = bundle.images {
            if images != wanted { parts.append(.images) }
        } else {
            // A box has brought them, maybe that of an earlier release; where nobody tells, it is for the agent to see.
            let isOutdated = inputs != nil && bundle.inputs != nil && inputs != bundle.inputs
            guard images != nil, !isOutdated else {
                throw Self.lacking("\(isOutdated ? "current" : "the") images of the cluster's nodes")
            }
        }
        if !hasDocker || !hasPsql {
            let missing = [hasDocker ? nil : "Docker", hasPsql ? nil : "psql"].compactMap { $0 }
                .joined(separator: " and ")
            guard let packages = bundle.packages else { throw Self.lacking(missing) }
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
    static func lacking(_ what: String) -> PgafError {
        .lackingInBundle("The machine lacks \(what), and the bundle has only what goes with its own box.")
    }
}
