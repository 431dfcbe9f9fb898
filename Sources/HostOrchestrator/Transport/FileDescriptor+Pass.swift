import SystemPackage

extension FileDescriptor {
    /// Hands on so many bytes from where the file is now, or all that there are, in pieces of 1 MiB.
    ///
    /// - Returns: how many there were.
    func pass(_ count: Int, to take: (UnsafeRawBufferPointer) throws -> Int) throws -> Int {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        var left = count
        while left > 0 {
            let piece = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(left, buffer.count)]))
            guard piece > 0 else { break }
            _ = try take(UnsafeRawBufferPointer(rebasing: buffer[..<piece]))
            left -= piece
        }
        return count - left
    }
}
