/// How a program is run as root.
enum Elevation {
    /// `sudo -n` in front unless the user is root already, who may have no sudo.
    static func arguments(_ arguments: [String], isRoot: Bool) -> [String] {
        isRoot ? arguments : ["sudo", "-n", "--"] + arguments
    }
}
