import SystemPackage

/// Where text for people or programs goes: standard output, standard error, or a test's list.
protocol TextOutput: Sendable {
    func write(_ text: String)
}

/// An open file descriptor, written at once and unbuffered.
struct DescriptorOutput: TextOutput {
    let descriptor: Int32

    static let standardOutput = DescriptorOutput(descriptor: 1)
    static let standardError = DescriptorOutput(descriptor: 2)

    func write(_ text: String) {
        // A reader that has gone away (`| head`) is no failure of the work; the rest is not shown.
        _ = try? FileDescriptor(rawValue: descriptor).writeAll(text.utf8)
    }
}
