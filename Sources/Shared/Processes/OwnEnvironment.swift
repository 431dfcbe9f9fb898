#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// This process's own environment, which every program that it starts gets.
public enum OwnEnvironment {
    /// Takes the passwords out that a configuration has there, before any program is started: some live longer than pgaf
    /// does (Vagrant's, a password manager's agent), with the environment of their start.
    public static func withdrawPasswords(of configuration: Configuration) {
        for name in configuration.passwords.variables { unsetenv(name) }
    }
}
