import ConcordBytes
import ConcordRaft
import ConcordReplica
import ConcordServer

/// What arrives on a peer port before anything is proved. The input is frames, with checksums put right so that they
/// are looked into, or bytes as they are. Whoever does not know the secret is never let in; the cut into pieces
/// changes nothing; and after a failure nothing is looked at.
func fuzz(_ input: [UInt8]) {
    var parts = InputBytes(input)
    let way = parts.byte()
    let role: PeerHello.Role = way & 1 == 0 ? .acceptor : .dialer
    let stream = way & 2 == 0 ? framed(&parts, role: role, echoes: way & 4 == 0) : parts.remaining()
    let whole = Conversation(role, [stream])
    let cut = Conversation(role, pieces(of: stream))
    precondition(whole.progress == cut.progress && whole.output == cut.output, "the cut changed the answer")
    if case .established = whole.progress { preconditionFailure("a stranger was let in") }
    checkHello(stream)
}

private struct Conversation {
    var progress = Handshake.Progress.needMore
    var output: [UInt8]

    init(_ role: PeerHello.Role, _ pieces: [[UInt8]]) {
        var answer = ByteQueue()
        var handshake = Handshake(
            role: role, identity: identity(1), secret: [UInt8]("secret".utf8),
            nonce: [UInt8](repeating: 7, count: PeerHello.nonceBytes), output: &answer)
        var queue = ByteQueue()
        for piece in pieces {
            queue.append(piece)
            guard case .needMore = progress else { break }
            progress = handshake.receive(&queue, output: &answer)
        }
        output = answer.take(answer.count)
    }
}

private func identity(_ id: UInt128) -> PeerIdentity {
    PeerIdentity(
        id: MemberID(id), name: "a", boot: 3, peerAddress: "127.0.0.1:7401", clientURL: "http://127.0.0.1:7400",
        featureLevel: 1, build: "1.0", clusterID: nil)
}

/// Frames with right lengths and checksums: a good hello, what the input says, or the member's own words sent back.
private func framed(_ parts: inout InputBytes, role: PeerHello.Role, echoes: Bool) -> [UInt8] {
    var queue = ByteQueue()
    for _ in 0..<6 where !parts.isEmpty {
        let kind = PeerFrame.Kind(rawValue: parts.byte() & 19) ?? .hello
        var payload = parts.piece()
        if kind == .hello, payload.count < 4 {
            let other: PeerHello.Role = role == .dialer ? .acceptor : .dialer
            let nonce = [UInt8](repeating: UInt8(payload.count), count: PeerHello.nonceBytes)
            payload = PeerHello(role: other, nonce: nonce, identity: identity(2)).encoded() + payload
        }
        if echoes, kind == .proof, payload.isEmpty { payload = [UInt8](repeating: 0, count: 32) }
        PeerFrame.append(kind, to: &queue) { $0.writeRaw(payload) }
    }
    return queue.take(queue.count)
}

/// A hello that is read is written alike, unless a newer build said more.
private func checkHello(_ bytes: [UInt8]) {
    var queue = ByteQueue()
    queue.append(bytes)
    guard let frame = try? PeerFrame.first(in: queue, payloadBytesMax: 1 << 16) else { return }
    let payload = Array(bytes[frame.payload])
    guard frame.kind == .hello, let hello = try? PeerHello(decoding: payload) else { return }
    let again = try? PeerHello(decoding: hello.encoded())
    precondition(again == hello, "a hello changes when it is written")
}
