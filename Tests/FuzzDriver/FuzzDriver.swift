import CLibFuzzer
import Dispatch
import Foundation
import Fuzzing
import Synchronization

/// One target under libFuzzer: `pgaf-fuzz TARGET [libFuzzer's options and directories]`. `scripts/fuzz` runs them all.
@main enum FuzzDriver {
    static func main() throws {
        guard let name = CommandLine.arguments.dropFirst().first, let target = FuzzTarget(rawValue: name) else {
            return print(FuzzTarget.allCases.map(\.rawValue).joined(separator: "\n"))
        }
        if let folder = CommandLine.arguments.dropFirst(2).first, folder.hasPrefix("seeds=") {
            return try writeSeeds(of: target, to: String(folder.dropFirst(6)))
        }
        chosen.withLock { $0 = target }
        // libFuzzer takes the rest; the name of the target is none of its options.
        var words = ([CommandLine.arguments[0]] + CommandLine.arguments.dropFirst(2)).map { strdup($0) }
        words.append(nil)
        var count = Int32(words.count - 1)
        let status = words.withUnsafeMutableBufferPointer { buffer in
            var base = buffer.baseAddress
            return LLVMFuzzerRunDriver(&count, &base) { FuzzDriver.feed(UnsafeBufferPointer(start: $0, count: $1)) }
        }
        exit(status)
    }

    private static let chosen = Mutex<FuzzTarget?>(nil)

    /// libFuzzer calls and waits; what it calls may wait for actors.
    private static func feed(_ data: UnsafeBufferPointer<UInt8>) -> Int32 {
        let bytes = Array(data)
        guard let target = chosen.withLock({ $0 }) else { return -1 }
        let ended = DispatchSemaphore(value: 0)
        Task.detached {
            do { try await target.feed(bytes) } catch { fatalError("\(target.rawValue): \(error)") }
            ended.signal()
        }
        ended.wait()
        return 0
    }

    private static func writeSeeds(of target: FuzzTarget, to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (number, seed) in try target.seeds().enumerated() {
            try Data(seed).write(to: URL(filePath: "\(folder)/seed-\(number)"))
        }
    }
}

/// What libFuzzer's own `main` would call; the linker wants it, and the driver's `main` takes its place.
@_cdecl("LLVMFuzzerTestOneInput") public func neverCalled(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 { -1 }
