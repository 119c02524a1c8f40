package import ConcordReplica
import ConcordState
import ConcordStorage

/// The bytes of a backup, made a part at a time from a copy of the state: nothing but the copy and one part is held.
package struct BackupStream: Sendable {
    private var encoder: SnapshotEncoder
    private var image: StateImageWriter
    private var isBegun = false
    private var isEnded = false

    package init(_ source: BackupSource) {
        encoder = SnapshotEncoder(source.header)
        image = StateImageWriter(source.state)
    }

    /// The bytes that come next, and whether they are the last; `nil` behind the last.
    package mutating func next() -> (bytes: [UInt8], isLast: Bool)? {
        if isEnded { return nil }
        if !isBegun {
            isBegun = true
            return (encoder.head, false)
        }
        if let piece = image.next(bytes: BackupLimits.pieceBytes) { return (encoder.encode(piece), false) }
        isEnded = true
        return (encoder.trailer.bytes, true)
    }
}
