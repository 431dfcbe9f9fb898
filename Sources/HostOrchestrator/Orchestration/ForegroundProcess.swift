import Shared
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Hands the terminal to another program for good (`psql`, `ssh`): it takes this process's place, so that signals, job
/// control and the exit status are its own.
enum ForegroundProcess {
    /// - Throws: `command.not-found` when the program cannot be started; does not return otherwise.
    static func replace(with command: Command) throws {
        for (name, value) in command.environment { setenv(name, value, 1) }
        if let directory = command.workingDirectory, chdir(directory) != 0 {
            throw PgafError.file(Errno(rawValue: errno), "enter", directory)
        }
        // exec keeps the ignored signals and the calling thread's mask; pgaf ignores SIGPIPE, and Dispatch's threads
        // block nearly all signals, so that the program could not be interrupted.
        signal(SIGPIPE, SIG_DFL)
        signal(SIGINT, SIG_DFL)
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        var arguments: [UnsafeMutablePointer<CChar>?] = ([command.executable] + command.arguments).map { strdup($0) }
        arguments.append(nil)
        execvp(command.executable, arguments)
        let reason = String(cString: strerror(errno))
        for argument in arguments { free(argument) }
        throw PgafError(
            .commandNotFound, "The program \"\(command.executable)\" could not be started.",
            remedy: "Install it or correct PATH, then run the same command again.", cause: reason)
    }

    /// The first executable of that name in the directories of `path`.
    static func find(
        _ name: String, path: String, isExecutable: (String) -> Bool = MachineFiles().isExecutable
    ) -> String? {
        path.split(separator: ":").lazy.map { "\($0)/\(name)" }.first(where: isExecutable)
    }
}
