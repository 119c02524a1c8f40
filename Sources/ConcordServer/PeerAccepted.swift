internal import ConcordBytes
internal import ConcordLinux
internal import ConcordReplica

/// A connection that a peer has dialled: this member receives on it, and sends nothing but the handshake.
final class PeerAccepted {
    enum Event {
        case connected(PeerIdentity)
        case message(from: PeerIdentity, PeerMessage)
    }

    enum End: Equatable {
        case closed
        case timeout
        case handshake(HandshakeFailure)
        /// After the handshake something arrived that is no message of ours.
        case malformed
    }

    let socket: StreamSocket
    let token: Token
    let deadline: UInt64
    private(set) var identity: PeerIdentity?
    private var handshake: Handshake
    private var input = ByteQueue()
    private var output = ByteQueue()

    init(
        _ socket: consuming StreamSocket, place: UInt64, poller: Poller, credentials: PeerCredentials, now: UInt64
    ) throws(SystemError) {
        token = Token(.accepted, place: place)
        deadline = now + ServerLimits.handshakeMilliseconds
        handshake = Handshake(
            role: .acceptor, identity: credentials.identity, secret: credentials.secret,
            nonce: SystemRandom.bytes(count: PeerHello.nonceBytes), output: &output)
        try PeerSockets.tune(socket)
        try poller.loop.watch(socket.number, token: token.rawValue, interest: .readable)
        self.socket = socket
    }

    var isProven: Bool { identity != nil }

    /// Takes in what has arrived, at most `ServerLimits.receiveBytesPerTurn` of it.
    /// - Returns: why it is over, or `nil` while it goes on.
    func receive(scratch: borrowing ScratchBuffer, into events: inout [Event]) -> End? {
        var taken = 0
        while taken < ServerLimits.receiveBytesPerTurn {
            let result = socket.receive(into: &input, scratch: scratch)
            if let end = process(into: &events) { return end }
            switch result {
            case .moved(let count):
                taken += count
                // A short read has emptied the socket: asking again would only be told so.
                if count < scratch.count { return nil }
            case .blocked: return nil
            case .ended, .failed: return .closed
            }
        }
        return nil
    }

    private func process(into events: inout [Event]) -> End? {
        if identity == nil {
            let progress = handshake.receive(&input, output: &output)
            // The few bytes of a handshake fit into the send buffer of a connection that has sent nothing yet.
            while !output.isEmpty {
                guard case .moved = socket.send(from: &output) else { return .closed }
            }
            switch progress {
            case .needMore: return nil
            case .failed(let failure): return .handshake(failure)
            case .established(let peer):
                identity = peer
                events.append(.connected(peer))
            }
        }
        guard let peer = identity else { return nil }
        do throws(MessageFailure) {
            while let message = try nextMessage() {
                events.append(.message(from: peer, message))
            }
            return nil
        } catch {
            return .malformed
        }
    }

    private struct MessageFailure: Error {}

    private func nextMessage() throws(MessageFailure) -> PeerMessage? {
        do {
            guard
                let frame = try PeerFrame.first(in: input, payloadBytesMax: ServerLimits.peerFrameBytesMax)
            else { return nil }
            guard frame.kind == .message else { throw MessageFailure() }
            let message = try decode(frame)
            input.consume(frame.byteCount)
            return message
        } catch {
            throw MessageFailure()
        }
    }

    /// A function of its own, so that the reader is gone, and the queue's storage shared by nobody, when the queue
    /// is changed next.
    private func decode(_ frame: PeerFrame) throws(ByteError) -> PeerMessage {
        var reader = ByteReader(input.storage, in: frame.payload)
        let message = try PeerMessage(decoding: &reader)
        try reader.finish()
        return message
    }
}
