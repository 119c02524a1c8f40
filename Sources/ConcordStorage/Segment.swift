import ConcordBytes

/// The names of the log's files: `log-` and the segment's sequence number in 16 hexadecimal digits.
enum SegmentName {
    private static let prefix = "log-"

    static func of(_ sequence: UInt64) -> String {
        let digits = String(sequence, radix: 16)
        return prefix + String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The sequence number that a name stands for, or `nil` for a name that is no segment's.
    static func sequence(of name: String) -> UInt64? {
        guard name.hasPrefix(prefix), let sequence = UInt64(name.dropFirst(prefix.count), radix: 16) else { return nil }
        return of(sequence) == name ? sequence : nil
    }

    /// Whether a crash left this file while it was being made.
    static func isLeftover(_ name: String) -> Bool {
        name.hasSuffix(temporarySuffix) && sequence(of: String(name.dropLast(temporarySuffix.count))) != nil
    }
}

/// The making of a segment's file, apart from the log that it is for, so that another thread can do it while
/// the log goes on writing.
package struct SegmentPreparation: Equatable, Sendable {
    package let sequence: UInt64
    package let bytes: Int

    /// Writes the whole file with zeros under a temporary name, makes it durable, and only then gives it its
    /// name: a segment with a name has all of its blocks, the first one durably zero. Overwriting blocks that
    /// were written before costs half of what appending to a file does, and cannot run out of space.
    ///
    /// - Throws: `.full` when there is no room; then `discard` must give back what was taken.
    package func run<Storage: Disk>(on disk: inout Storage) throws(StorageError) {
        try discard(on: &disk)
        let file = try inNewRoom { () throws(DiskError) in try disk.open(temporary, creating: true) }
        do throws(StorageError) {
            try inNewRoom { () throws(DiskError) in
                try writeZeros(to: file, in: 0..<bytes, on: &disk)
                try disk.synchronize(file)
            }
        } catch {
            disk.close(file)
            throw error
        }
        disk.close(file)
        try inNewRoom { () throws(DiskError) in try disk.rename(temporary, to: SegmentName.of(sequence)) }
        try onDisk { () throws(DiskError) in try disk.synchronizeDirectory() }
    }

    /// Takes away what a run has left that found no room: it may be all the room that there was.
    package func discard<Storage: Disk>(on disk: inout Storage) throws(StorageError) {
        try onDisk { () throws(DiskError) in
            if try disk.list().contains(temporary) { try disk.remove(temporary) }
        }
    }

    private var temporary: String { SegmentName.of(sequence) + temporarySuffix }
}

/// Writes zeros into `range` of a file, not yet durable.
func writeZeros<Storage: Disk>(
    to file: DiskFile, in range: Range<Int>, on disk: inout Storage
) throws(DiskError) {
    var position = range.lowerBound
    while position < range.upperBound {
        let count = min(range.upperBound - position, StorageLimits.preparationBytes)
        try disk.write([UInt8](repeating: 0, count: count), to: file, at: position)
        position += count
    }
}
