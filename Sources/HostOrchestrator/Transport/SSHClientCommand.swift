import Shared

/// The command line of OpenSSH's client for a terminal on a machine: libssh has none.
public enum SSHClientCommand {
    /// The client with the same keys and known_hosts as `SSHConnection`, and no configuration of the user.
    ///
    /// - Parameters:
    ///   - remote: program and arguments; empty means a login shell.
    ///   - terminal: whether the remote side gets a terminal, in which output and errors are one and lines end with CRLF.
    public static func interactive(_ parameters: SSHParameters, remote: [String], terminal: Bool) -> Command {
        var arguments = options(parameters) + [terminal ? "-t" : "-T", "--", parameters.host]
        if !remote.isEmpty { arguments.append(ShellQuoting.commandLine(remote)) }
        return Command("ssh", arguments, deadline: nil)
    }

    /// How the client reaches the machine, and nothing of the user's own configuration.
    static func options(_ parameters: SSHParameters) -> [String] {
        var arguments = [
            "-F", "/dev/null",
            "-o", "UserKnownHostsFile=\(quotedForOption(parameters.knownHostsFile))",
            "-o", "GlobalKnownHostsFile=/dev/null",
            "-o", "StrictHostKeyChecking=yes",
            "-o", "IdentitiesOnly=\(parameters.usesAgent ? "no" : "yes")",
            "-o", "LogLevel=ERROR",
            "-p", String(parameters.port),
            "-l", parameters.user,
        ]
        // Not `-i`, which looks for the file before it expands `%`, and so finds none whose name has one.
        for file in parameters.identityFiles { arguments += ["-o", "IdentityFile=\(quotedForOption(file))"] }
        return arguments
    }

    /// The client takes several files in this option, separated by white space, and knows double quotes, backslashes and
    /// comments.
    private static func quotedForOption(_ path: String) -> String {
        let inside = escaped(path).replacingScalar("\\", with: "\\\\").replacingScalar("\"", with: "\\\"")
        return "\"\(inside)\""
    }

    /// The client expands `%h` and its like in paths.
    private static func escaped(_ path: String) -> String {
        path.replacingScalar("%", with: "%%")
    }
}
