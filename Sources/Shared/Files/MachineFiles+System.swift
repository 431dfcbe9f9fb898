import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

typealias CModeT = CInterop.Mode

extension MachineFiles {
    /// `fsync`, so that a rename never publishes a file whose bytes a power cut can still lose.
    package func synchronize(_ descriptor: FileDescriptor) throws {
        guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
    }

    func rename(_ old: String, to new: String) throws {
        #if canImport(Glibc)
            let result = Glibc.rename(old, new)
        #elseif canImport(Musl)
            let result = Musl.rename(old, new)
        #else
            let result = Darwin.rename(old, new)
        #endif
        guard result == 0 else { throw Errno(rawValue: errno) }
    }
}
