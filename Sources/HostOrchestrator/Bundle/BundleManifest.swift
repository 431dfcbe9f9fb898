import Shared

/// The first file of a bundle: what it has, for which machines and configurations that is, and how to know it unharmed.
struct BundleManifest: Sendable, Codable, Equatable {
    static let name = "manifest.json"
    static let format = 1
    /// A real one has about 2 KB.
    static let limit = 1 << 20

    /// The other files by name; all but the agent may be missing.
    enum Part: String, Sendable, CaseIterable {
        case agent = "pgaf-agent"
        /// Both images, as `docker save` writes them, compressed.
        case images = "images.tar.gz"
        /// Debian packages with apt's index of them.
        case packages = "packages.tar"
        case box = "libvirt.box"
    }

    struct Member: Sendable, Codable, Equatable {
        var name: String
        var size: Int
        /// 64 hexadecimal digits.
        var sha256: String
    }

    /// The images that are packed.
    struct Images: Sendable, Codable, Equatable {
        /// Docker's id of the base image.
        var base: String
        /// The hash of its inputs that the nodes' image carries as a label.
        var hash: String
    }

    /// Machines for which the packages are.
    struct Release: Sendable, Codable, Equatable {
        /// `ID` and `VERSION_CODENAME` of os-release.
        var distribution: String
        var codename: String

        /// As people read it: `debian trixie`.
        var name: String { "\(distribution) \(codename)" }
    }

    struct Packages: Sendable, Codable, Equatable {
        var release: Release
        /// Those that are wanted; what they need is there too.
        var names: [String]
    }

    var format = Self.format
    /// The release of pgaf that packed it.
    var pgaf = PgafVersion.current
    /// RFC 3339.
    var made: String
    /// Of agent, images and packages, as the kernel says it: `x86_64`.
    var architecture: String
    /// What the images are made from, as keys of the configuration: `image.tag=latest`.
    var settings: [String]
    /// The agent's hash of everything that it makes the images from, which the nodes' image carries as a label too; nil
    /// in bundles that were made before there was one.
    var inputs: String?
    /// nil where the box has them.
    var images: Images?
    var packages: Packages?
    var members: [Member]

    func has(_ part: Part) -> Bool { members.contains { $0.name == part.rawValue } }

    /// Where the box of a virtual machine comes from that has to be made, and what it has to be.
    ///
    /// - Returns: a sentence or two; nil where it is the bundle's own.
    func otherBox(_ settings: VagrantSettings, _ provider: VagrantProvider) -> String? {
        let box = settings.box ?? provider.defaultBox
        if settings.box == nil, provider == .libvirt {
            guard !has(.box) else { return nil }
            return "The box \(box) is not in the bundle: it is made from the Debian archive, unless"
                + " `pgaf-host box build` has made it before."
        }
        return "The box \(box) is not in the bundle: Vagrant downloads it, unless it has it already (`vagrant box add"
            + " \(box)`, or `vagrant box add --name \(box) FILE`)."
            + (packages.map { " It has to be \($0.release.name), or to have Docker and psql in it." } ?? "")
    }

    /// - Parameters:
    ///   - architecture: as the kernel says it.
    ///   - place: what has it, as the error's sentence names it: `the machine`.
    /// - Throws: `bundle.unfit` for another one than the bundle's.
    func check(architecture: String, of place: String) throws {
        guard architecture == self.architecture else {
            throw PgafError(
                .bundleUnfit,
                "The bundle is for \(self.architecture), \(place) is \(TerminalText.clean(architecture)).",
                remedy: "Make the bundle on a machine of that architecture.")
        }
    }

    /// - Throws: `bundle.unfit` for another release or other images than the configuration wants.
    func check(_ configuration: Configuration) throws {
        guard pgaf == PgafVersion.current else {
            throw PgafError(
                .bundleUnfit, "The bundle was packed by pgaf \(pgaf), this program is \(PgafVersion.current).",
                remedy: "Use the pgaf-host that packed it, or make the bundle again with this one.")
        }
        let wanted = BundleSettings.of(configuration)
        let differing = (settings.filter { !wanted.contains($0) }, wanted.filter { !settings.contains($0) })
        guard differing.0.isEmpty, differing.1.isEmpty else {
            func words(_ settings: [String]) -> String {
                settings.isEmpty ? "nothing" : settings.joined(separator: ", ")
            }
            throw PgafError(
                .bundleUnfit,
                "The bundle's images are made from other settings: it has \(words(differing.0)), the configuration"
                    + " \(words(differing.1)).",
                remedy: "Make the bundle with this configuration, or set those keys as the bundle has them.")
        }
    }
}

/// The part of a configuration that decides what is in the images.
enum BundleSettings {
    /// As `--set` takes them.
    static func of(_ configuration: Configuration) -> [String] {
        let image = configuration.image
        let packages = configuration.postgres.packages.map { "\"\($0)\"" }.joined(separator: ", ")
        return ["image.name=\(image.name)", "image.tag=\(image.tag)"]
            + (image.base.map { ["image.base=\($0)"] } ?? [])
            + (configuration.postgres.version.map { ["postgres.version=\($0)"] } ?? [])
            + ["postgres.packages=[\(packages)]", "packages.source=debian"]
    }

    /// Where the images come from instead of the usual places, as `--set` takes it: what is in them is the same.
    static func places(_ configuration: Configuration) -> [String] {
        PackageSettings.Place.allCases.compactMap { place in
            configuration.packages[place].map { "packages.\(place.rawValue)=\($0)" }
        }
    }

    /// The same configuration with the only source that bundles have.
    ///
    /// - Throws: `configuration.conflict`.
    static func fromDebian(_ configuration: Configuration) throws -> Configuration {
        guard configuration.packages.source != .pgdg else {
            throw PgafError(
                .configurationConflict, "A bundle has software from the Debian archive, and packages.source is pgdg.",
                remedy: "Set packages.source to debian or auto.")
        }
        var configuration = configuration
        configuration.packages.source = .debian
        return configuration
    }
}
