import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Where text for people or programs goes: standard output, standard error, or a test's list.
protocol TextOutput: Sendable {
    func write(_ text: String)
}

/// An open file descriptor, written at once and unbuffered.
struct DescriptorOutput: TextOutput {
    let descriptor: Int32
    /// Whether the program ends when nobody reads any more: one that only shows something has nothing left to do then.
    var endsWithItsReader = false

    static let standardOutput = DescriptorOutput(descriptor: 1)
    static let standardError = DescriptorOutput(descriptor: 2)

    func write(_ text: String) {
        do {
            _ = try FileDescriptor(rawValue: descriptor).writeAll(text.utf8)
        } catch {
            // A reader that has gone away (`| head`) is no failure of the work; the rest is not shown. The status is that of
            // a program which the system ends for it.
            if endsWithItsReader { exit(128 + SIGPIPE) }
        }
    }
}
