#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where a file is written before it takes its place: beside it, under a name that no other writer has, since two that
/// shared one could publish each other's half.
struct TemporaryName {
    private let directory: String
    private let name: String
    let path: String

    private static let ending = ".pgaf-new"

    init(beside target: String) {
        let slash = target.lastIndex(of: "/")
        directory = slash.map { String(target[...$0]) } ?? "./"
        name = slash.map { String(target[target.index(after: $0)...]) } ?? target
        path = "\(target).\(getpid())-\(UInt32.random(in: 0...UInt32.max))\(Self.ending)"
    }

    /// Removes what killed processes left of the same file: it may hold secrets, and nobody else would.
    func removeLeftovers() {
        for other in SystemCalls.names(in: directory) {
            guard other.hasPrefix("\(name)."), other.hasSuffix(Self.ending) else { continue }
            let owner = other.dropFirst(name.count + 1).prefix { $0 != "-" }
            guard let process = pid_t(owner), process > 0, kill(process, 0) != 0, errno == ESRCH else { continue }
            try? SystemCalls.unlink(directory + other)
        }
    }
}
