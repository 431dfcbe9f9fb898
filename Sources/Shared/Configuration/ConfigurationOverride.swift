/// A value given by a flag; stronger than variables and files.
public struct ConfigurationOverride: Sendable, Equatable {
    /// Path of the key: `machine.vagrant.memory`, `postgres.settings.work_mem`.
    public var key: String
    /// The value as typed: the text of a scalar, YAML for lists and mappings.
    public var value: String
    /// What problems name as the place: `--nodes`, `--set machine.kind`.
    public var flag: String

    /// A flag of its own for one key.
    public init(key: String, value: String, flag: String) {
        self.key = key
        self.value = value
        self.flag = flag
    }

    /// The argument of `--set`: `KEY=VALUE`.
    ///
    /// - Throws: `usage` when there is no `=` or no key; the text is not shown, since it may hold a password.
    public init(setting argument: String) throws {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
            throw PgafError(
                .usage, "--set needs KEY=VALUE, but its argument has no key before a `=`.",
                remedy: "Write for instance --set machine.vagrant.memory=8192.")
        }
        key = String(argument[..<equals]).trimmed
        value = String(argument[argument.index(after: equals)...])
        flag = "--set \(key.unicodeScalars.contains(where: \.isUnsafeToShow) ? key.shown : key)"
    }
}
