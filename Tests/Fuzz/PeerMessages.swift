import ConcordBytes
import ConcordReplica

/// The payload of a frame from another member. What is read would be written byte for byte alike, so what is read
/// again is the same.
func fuzz(_ input: [UInt8]) {
    var reader = ByteReader(input)
    guard let message = try? PeerMessage(decoding: &reader) else { return }
    var writer = ByteWriter()
    message.encode(into: &writer)
    precondition(writer.bytes == input, "two encodings of one message are accepted")
}
