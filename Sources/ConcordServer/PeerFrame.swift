package import ConcordBytes

/// What stands at the front of a queue of bytes from a peer. docs/formats.md, "Peer frames".
package struct PeerFrame: Equatable, Sendable {
    package enum Kind: UInt8, Sendable {
        case hello = 1
        case proof = 2
        case refusal = 3
        case message = 16
    }

    package enum Failure: Error, Equatable, Sendable {
        case tooLong
        case tooShort
        case unknownKind(UInt8)
        case checksum
    }

    package let kind: Kind
    /// Where its payload lies in the queue's storage.
    package let payload: Range<Int>
    /// To be consumed once the payload was read.
    package let byteCount: Int

    private static let lengthBytes = 4
    private static let kindBytes = 1
    private static let checksumBytes = 4

    /// The frame at the front of `queue`, whole and verified; `nil` until all of it has arrived.
    /// - Parameter payloadBytesMax: a longer frame is refused as soon as its length is known.
    package static func first(in queue: ByteQueue, payloadBytesMax: Int) throws(Failure) -> PeerFrame? {
        guard queue.count >= lengthBytes else { return nil }
        var length = 0
        for index in 0..<lengthBytes { length |= Int(queue[index]) << (8 * index) }
        guard length >= kindBytes + checksumBytes else { throw .tooShort }
        guard length <= kindBytes + payloadBytesMax + checksumBytes else { throw .tooLong }
        guard queue.count >= lengthBytes + length else { return nil }
        let start = queue.head + lengthBytes
        let checked = start..<start + length - checksumBytes
        var checksum: UInt32 = 0
        for index in 0..<checksumBytes {
            checksum |= UInt32(queue.storage[checked.upperBound + index]) << UInt32(8 * index)
        }
        guard CRC32C.checksum(queue.storage, in: checked) == checksum else { throw .checksum }
        guard let kind = Kind(rawValue: queue.storage[start]) else { throw .unknownKind(queue.storage[start]) }
        return PeerFrame(
            kind: kind, payload: start + kindBytes..<checked.upperBound, byteCount: lengthBytes + length)
    }

    /// Appends a frame whose payload `body` writes.
    package static func append(_ kind: Kind, to queue: inout ByteQueue, _ body: (inout ByteWriter) -> Void) {
        queue.write { writer in
            let start = writer.count
            writer.write(UInt32(0))
            writer.write(kind.rawValue)
            body(&writer)
            let checked = start + lengthBytes..<writer.count
            writer.write(CRC32C.checksum(writer.bytes, in: checked))
            let length = writer.count - start - lengthBytes
            precondition(length <= Int(Int32.max), "a frame for a peer is too long to be sent")
            writer.patch(UInt32(length), at: start)
        }
    }
}
