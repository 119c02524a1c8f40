internal import ConcordBytes
internal import ConcordLinux
internal import ConcordReplica

/// One attempt to reach a peer, and the connection it becomes: this member sends on it and never receives.
final class PeerDial {
    enum Phase: Equatable {
        case connecting
        case handshaking
        case established(PeerIdentity)
    }

    let socket: StreamSocket
    let token: Token
    private(set) var phase = Phase.connecting
    /// Of connecting and handshaking.
    private(set) var deadline: UInt64
    private(set) var establishedAt: UInt64 = 0
    private var handshake: Handshake?
    private var input = ByteQueue()
    private var output = ByteQueue()
    private var interest: Interest = .writable
    private let poller: Poller
    private let credentials: PeerCredentials

    init(
        to address: SocketAddress, place: UInt64, poller: Poller, credentials: PeerCredentials, patience: UInt64,
        now: UInt64
    ) throws(SystemError) {
        let socket = try StreamSocket.connect(to: address)
        token = Token(.dial, place: place)
        deadline = now + patience
        try poller.loop.watch(socket.number, token: token.rawValue, interest: .writable)
        self.socket = socket
        self.poller = poller
        self.credentials = credentials
    }

    var identity: PeerIdentity? {
        if case .established(let identity) = phase { return identity }
        return nil
    }

    /// Waits no longer than `milliseconds` from now for an answer to the attempt to connect.
    func hurry(_ milliseconds: UInt64, now: UInt64) {
        if phase == .connecting { deadline = min(deadline, now + milliseconds) }
    }

    /// - Returns: why it is over, or `nil` while it goes on.
    func handle(_ event: ReadyDescriptor, scratch: borrowing ScratchBuffer, now: UInt64) -> PeerDialEnd? {
        switch phase {
        case .connecting:
            if let error = socket.connectionResult() {
                return PeerDialEnd(connecting: error)
            }
            do throws(SystemError) {
                try PeerSockets.tune(socket)
            } catch {
                return .failed(error)
            }
            phase = .handshaking
            deadline = now + ServerLimits.handshakeMilliseconds
            handshake = Handshake(
                role: .dialer, identity: credentials.identity, secret: credentials.secret,
                nonce: SystemRandom.bytes(count: PeerHello.nonceBytes), output: &output)
            return flush()
        case .handshaking:
            return continueHandshake(scratch: scratch, now: now) ?? flush()
        case .established:
            if event.isReadable {
                // Nothing is ever said on this side: the end, or a peer that is none.
                switch socket.receive(into: &input, scratch: scratch) {
                case .blocked: break
                case .moved, .ended, .failed: return .closed
                }
            }
            return event.isWritable ? flush() : nil
        }
    }

    private func continueHandshake(scratch: borrowing ScratchBuffer, now: UInt64) -> PeerDialEnd? {
        guard var machine = handshake else { return .closed }
        let received = socket.receive(into: &input, scratch: scratch)
        let progress = machine.receive(&input, output: &output)
        handshake = machine
        switch progress {
        case .failed(let failure):
            // A refusal on its way is worth one attempt.
            _ = flush()
            return .handshake(failure)
        case .established(let identity):
            guard input.isEmpty else { return .handshake(.malformed) }
            phase = .established(identity)
            deadline = .max
            establishedAt = now
            handshake = nil
        case .needMore:
            switch received {
            case .moved, .blocked: break
            case .ended, .failed: return .closed
            }
        }
        return nil
    }

    /// - Returns: `.overflow` when the peer takes too little; the message is not queued then.
    func queue(_ message: PeerMessage) -> PeerDialEnd? {
        guard output.count < ServerLimits.peerQueueBytesMax else { return .overflow }
        PeerFrame.append(.message, to: &output) { message.encode(into: &$0) }
        return nil
    }

    /// Sends what waits, and asks the kernel to tell when the rest may go.
    func flush() -> PeerDialEnd? {
        var blocked = false
        while !output.isEmpty && !blocked {
            switch socket.send(from: &output) {
            case .moved: break
            case .blocked, .ended: blocked = true
            case .failed: return .closed
            }
        }
        let wanted: Interest = blocked ? [.readable, .writable] : .readable
        if wanted != interest {
            do throws(SystemError) {
                try poller.loop.change(socket.number, token: token.rawValue, interest: wanted)
            } catch {
                return .failed(error)
            }
            interest = wanted
        }
        return nil
    }
}

/// How this member presents itself to peers.
struct PeerCredentials {
    var identity: PeerIdentity
    /// Empty: none, and both ports are loopback.
    var secret: [UInt8]
}

enum PeerSockets {
    /// A peer whose machine vanished answers nothing at all: its connection shall end within seconds, so that a
    /// new one can be made as soon as the machine is back.
    static func tune(_ socket: borrowing StreamSocket) throws(SystemError) {
        try socket.detectLoss(
            idleSeconds: 2, intervalSeconds: 1, probesMax: 3, unacknowledgedMilliseconds: 1500)
    }
}
