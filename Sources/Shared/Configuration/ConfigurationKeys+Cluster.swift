/// Keys of the cluster's objects: image, network, monitor, nodes, pooler.
extension ConfigurationKeys {
    static let cluster: [ConfigurationKey<Configuration>] = [
        .init(
            "image.name", \.image.name,
            .text(
                "an image name of lower-case words such as registry.example:5000/team/name",
                where: NameRules.isImageName),
            "Name of the container image that all nodes run."),
        .init(
            "image.tag", \.image.tag,
            .text("a tag of letters, digits, `_`, `.` and `-`, at most 128", where: NameRules.isImageTag),
            "Tag of that image."),
        .init(
            "image.base", \.image.base,
            ValueKind.text("an image such as debian:trixie or NAME@sha256:DIGEST", where: NameRules.isImageReference)
                .optional(), "Base image; `auto` is the one that belongs to packages.source."),
        .init(
            "network.name", \.network.name, .text(Words.dockerName, where: NameRules.isDockerName),
            "Name of the cluster's own Docker network."),
        .init(
            "network.subnet", \.network.subnet,
            ValueKind.text(subnetWords, complaint: complaint(aboutSubnet:)).optional(),
            "Its IPv4 range; `auto` takes a free /24 once and remembers it."),
        .init(
            "monitor.name", \.monitor.name, .text(Words.containerName, where: NameRules.isContainerName),
            "Container name of the pg_auto_failover monitor."),
        .init(
            "monitor.hostname", \.monitor.hostname,
            ValueKind.text(Words.hostName, where: NameRules.isHostName).optional(),
            "Its host name inside the network; `auto` is its name."),
        .init(
            "monitor.volume", \.monitor.volume,
            ValueKind.text(Words.dockerName, where: NameRules.isDockerName).optional(),
            "Its Docker volume; `auto` is its name and `_data`."),
        .init("monitor.port", \.monitor.port, .publishedPort, "Port on which the monitor is published."),
        .init(
            "monitor.user", \.monitor.user,
            .text("autoctl_node") { name in
                name == MonitorSettings().user
                    ? nil
                    : "must be \(MonitorSettings().user): pg_auto_failover itself creates that user and knows no other"
            }, "PostgreSQL user with which the nodes register; fixed by pg_auto_failover."),
        nodes,
        .init("pooler.port", \.pooler.port, .publishedPort, "Port kept free for a connection pooler."),
    ]

    private static let subnetWords = "an IPv4 range with a prefix from 16 to 28 such as 172.30.7.0/24"

    private static func complaint(aboutSubnet text: String) -> String? {
        guard let network = IPv4Network(text) else {
            guard let slash = text.lastIndex(of: "/"), let address = IPv4Address(text[..<slash]),
                let prefix = smallNumber(text[text.index(after: slash)...].utf8, upTo: 32)
            else { return "must be \(subnetWords)" }
            return "has bits beyond the prefix; write \(IPv4Network(containing: address, prefixLength: prefix))"
        }
        guard (16...28).contains(network.prefixLength) else { return "must be \(subnetWords)" }
        let first = network.base.bits >> 24
        return first == 0 || first == 127 || first >= 224
            ? "lies in a range that no container can use; take one such as 172.30.7.0/24" : nil
    }
}
