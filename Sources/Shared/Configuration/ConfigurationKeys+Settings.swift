/// The mapping of PostgreSQL settings.
extension ConfigurationKeys {
    static let settings = ConfigurationKey<Configuration>(
        path: "postgres.settings", type: "a mapping such as {work_mem: 64MB}",
        help: "PostgreSQL settings that override what pgaf derives from the machine.", isScalar: false, isSecret: false,
        read: { node, root, reading in
            reading.marks["postgres.settings"] = node.mark
            if node.isNull { return }
            guard case .mapping(let entries) = node.content else {
                return reading.report(
                    .configurationInvalid, node.mark,
                    "postgres.settings is \(node.shown), but must be a mapping such as {work_mem: 64MB}")
            }
            for entry in entries {
                reading.marks["postgres.settings.\(entry.key)"] = entry.keyMark
                if let value = entry.value.text {
                    root.postgres.settings[entry.key] = value
                } else {
                    reading.report(
                        .configurationInvalid, entry.value.mark,
                        "postgres.settings.\(entry.key.shown) is \(entry.value.shown), but must be one text or number")
                }
            }
        },
        problems: { root, _ in
            root.postgres.settings.sorted { $0.key < $1.key }.compactMap { name, value in
                OwnedSettings.complaint(about: name, value).map {
                    ConfigurationProblem(.configurationInvalid, "postgres.settings.\(name)", "postgres.settings: \($0)")
                }
            }
        },
        render: { root in
            let pairs = root.postgres.settings.sorted { $0.key < $1.key }
                .map { "\(YAMLText.quoteIfNeeded($0.key)): \(YAMLText.quoteIfNeeded($0.value))" }
            return "{\(pairs.joined(separator: ", "))}"
        })
}
