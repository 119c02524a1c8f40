import ConcordAPI
import ConcordBytes
import ConcordModel

/// What of a listing its answer and its cursor depend on.
struct ListShape: Equatable, Sendable {
    var scope: ListQuery.Scope
    var detail: ListQuery.Detail
}

/// Where a listing goes on: the revision that all its pages show and the last key of the page before. To clients
/// it is opaque; any member understands it.
///
/// The checksum covers the listed path and what is listed, so a cursor continues its own listing only.
struct ListCursor: Equatable {
    var revision: Revision
    var after: Key

    private static let version: UInt8 = 1
    private static let checksumBytes = 16

    func text(key: Key, shape: ListShape) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(ListCursor.version)
        writer.write(revision.rawValue)
        writer.writeRaw(after.bytes[min(key.bytes.count, after.bytes.count)...])
        writer.write(ListCursor.checksum(writer.bytes[...], key: key, shape: shape))
        return Base64URL.encode(writer.bytes)
    }

    init(revision: Revision, after: Key) {
        self.revision = revision
        self.after = after
    }

    /// - Returns: `nil` for what is no cursor of this listing.
    init?(_ text: [UInt8], key: Key, shape: ListShape) {
        guard let bytes = Base64URL.decode(text[...]), bytes.count > ListCursor.checksumBytes + 9 else { return nil }
        let content = bytes.dropLast(ListCursor.checksumBytes)
        var reader = ByteReader(bytes)
        do throws(ByteError) {
            guard try reader.readUInt8() == ListCursor.version else { return nil }
            revision = Revision(try reader.readUInt64())
            let suffix = try reader.readBytes(count: content.count - 9)
            after = Key(key.bytes + suffix)
            guard try reader.readUInt128() == ListCursor.checksum(content, key: key, shape: shape) else { return nil }
        } catch {
            return nil
        }
        guard after.isBelow(key), revision > .zero, revision.rawValue < DecimalText.limit,
            after.bytes.count <= ModelLimits.keyBytesMax
        else { return nil }
    }

    private static func checksum(_ content: ArraySlice<UInt8>, key: Key, shape: ListShape) -> UInt128 {
        var writer = ByteWriter()
        writer.write(shape.scope.rawValue)
        writer.write(shape.detail.rawValue)
        writer.writeBytes(key.bytes)
        writer.writeRaw(content)
        return SipHash128.hash(writer.bytes)
    }
}
