import Crypto

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A short piece of work, measured in processor time, so that other programs do not count.
enum ProcessorSpeed {
    /// Hashing 4 MiB took 3 to 25 ms on machines of the last ten years and 150 ms and more on one that QEMU emulates.
    /// Each of three times: where a hypervisor takes its processor away for a while, that counts as the thread's own time.
    static func isSlow() -> Bool { (0..<3).allSatisfy { _ in hashing(mebibytes: 4) > 0.075 } }

    /// Seconds of this thread's processor time.
    static func hashing(mebibytes: Int) -> Double {
        let piece = [UInt8](repeating: 0x5A, count: 1 << 20)
        let start = processorSeconds()
        var hash = SHA256()
        for _ in 0..<mebibytes { hash.update(data: piece) }
        _ = hash.finalize()
        return processorSeconds() - start
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
