/// The one table of all keys, in the order of the documentation.
public enum ConfigurationKeys {
    public static let all: [ConfigurationKey<Configuration>] =
        top + machine + cluster + postgresql + access + packages + failover

    private static let top: [ConfigurationKey<Configuration>] = [
        .init(
            "cluster", \.cluster, .text(Words.dockerName, where: NameRules.isDockerName),
            "Name of the cluster; everything that pgaf makes is labelled with it.")
    ]

    /// Phrases that several keys share.
    enum Words {
        static let dockerName = "letters, digits, `_`, `.` and `-`, beginning with a letter or digit, at most 63"
        static let containerName = "letters, digits, `_` and `-` (and `.` between them), at most 63"
        static let hostName = "a host name of letters, digits, `-`, `_` and `.`"
        static let sqlName = "letters, digits and `_`, not beginning with a digit, at most 63"
        static let path = "a path without control characters"
    }
}
