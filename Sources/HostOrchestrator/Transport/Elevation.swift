import Foundation
import Shared

/// How a program is run as root.
public enum Elevation {
    /// Whether this program itself runs as root.
    public static var isRoot: Bool { geteuid() == 0 }

    /// `sudo -n` in front unless the user is root already, who may have no sudo: a password prompt would wait unseen.
    static func arguments(_ arguments: [String], isRoot: Bool) -> [String] {
        isRoot ? arguments : ["sudo", "-n"] + arguments
    }

    /// The same for a program of this computer.
    static func command(_ command: Command, isRoot: Bool = Elevation.isRoot) -> Command {
        let words = arguments([command.executable] + command.arguments, isRoot: isRoot)
        var result = command
        (result.executable, result.arguments) = (words[0], Array(words.dropFirst()))
        return result
    }
}
