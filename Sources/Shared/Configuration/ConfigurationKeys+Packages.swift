/// Keys of where software comes from.
extension ConfigurationKeys {
    static let packages: [ConfigurationKey<Configuration>] = [
        .init(
            "packages.source", \.packages.source, .choice,
            "Where Docker and PostgreSQL come from; `auto` is pgdg if its hosts answer, else debian."),
        .init(
            "packages.mirrors.docker", \.packages[.docker], ValueKind.webAddress.optional(),
            "In place of https://download.docker.com, `auto`: below it lie linux/DISTRIBUTION/dists and"
                + " linux/DISTRIBUTION/gpg."),
        .init(
            "packages.mirrors.pgdg", \.packages[.pgdg], ValueKind.webAddress.optional(),
            "In place of https://apt.postgresql.org/pub/repos/apt, `auto`: below it lie dists and the key ACCC4CF8.asc."
                + " https://apt-archive.postgresql.org/pub/repos/apt means PGDG's archive for every release: for one that"
                + " it has retired lately."),
        .init(
            "packages.mirrors.pgdg_archive", \.packages[.pgdgArchive], ValueKind.webAddress.optional(),
            "In place of https://apt-archive.postgresql.org/pub/repos/apt, `auto`, which has the packages for retired"
                + " distributions such as Ubuntu 20.04; laid out likewise."),
        .init(
            "packages.mirrors.debian", \.packages[.debian], ValueKind.webAddress.optional(),
            "Debian archive for the base image and what is installed in it with the source debian; `auto` is the"
                + " machine's own, which what is installed on the machine always comes from."),
        .init(
            "packages.mirrors.registry", \.packages[.registry],
            ValueKind.registry.optional(),
            "Registry from which a base image that names none is pulled: ubuntu:focal as REGISTRY/library/ubuntu:focal;"
                + " `auto` is Docker Hub."),
        .init(
            "packages.keys.docker", \.packages[.dockerKey], ValueKind.keyFingerprint.optional(),
            "Key that signs Docker's repository; `auto` is Docker's own."),
        .init(
            "packages.keys.pgdg", \.packages[.pgdgKey], ValueKind.keyFingerprint.optional(),
            "Key that signs PGDG's repository and its archive; `auto` is PGDG's own."),
        .init(
            "packages.proxy", \.packages[.proxy], ValueKind.proxyAddress.optional("none"),
            "HTTP proxy for what pgaf fetches with apt, on the machine and in images; `none` leaves it to the machine's"
                + " apt. A Docker engine that pgaf installs under systemd pulls through it too, any other through a"
                + " proxy of its own."),
    ]
}

extension ValueKind where Value == String {
    /// An address to which paths are added.
    fileprivate static var webAddress: ValueKind {
        let words = "an address such as https://mirror.example/path, without user, password and `/` at its end"
        return address(words) { WebAddress.isBase($0, schemes: ["http", "https"]) }
    }

    fileprivate static var proxyAddress: ValueKind {
        let words = "an address such as http://proxy.example:3128, without user and password"
        return address(words) { WebAddress.isBase($0, schemes: ["http"]) && !$0.dropFirst(7).contains("/") }
    }

    fileprivate static var registry: ValueKind {
        address("a registry such as mirror.example:5000 or mirror.example/hub", where: NameRules.isRegistryPrefix)
    }

    /// What holds an `@` may hold a password before it.
    private static func address(_ words: String, where rule: @escaping @Sendable (String) -> Bool) -> ValueKind {
        var kind = text(words, where: rule)
        kind.hides = { $0.contains("@") }
        return kind
    }

    fileprivate static var keyFingerprint: ValueKind {
        text("a fingerprint of 40 hexadecimal digits without blanks", where: NameRules.isKeyFingerprint)
    }
}
