/// The one place that quotes for a POSIX shell.
///
/// SSH's exec channel takes a single string which the remote login shell parses, so argument arrays have to be quoted
/// there; nothing else in pgaf goes through a shell.
public enum ShellQuoting {
    /// The argument in single quotes; works for every string without NUL in every POSIX shell.
    public static func quote(_ argument: String) -> String {
        "'" + argument.replacingScalar("'", with: "'\\''") + "'"
    }

    /// The argument as it is if no shell could misread it, otherwise quoted.
    public static func quoteIfNeeded(_ argument: String) -> String {
        let plain = argument.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "_-./:=@%+,".utf8.contains(byte)
            }
        }
        return plain && !argument.isEmpty ? argument : quote(argument)
    }

    /// A whole command line for a remote shell.
    public static func commandLine(_ arguments: [String]) -> String {
        arguments.map(quoteIfNeeded).joined(separator: " ")
    }
}
