import ConcordLinux
import ConcordRaft
import ConcordServer
import Testing

@Suite("A probe of a peer whose connection was closed")
struct PeerProbeTests {
    private let peer = PeerProbe(id: MemberID(7), boot: 3)

    @Test("finds it gone where nobody listens, or another life of it answers")
    func gone() {
        var probe = peer
        #expect(probe.ended(.refused) == .gone)
        #expect(peer.isGone(answering: MemberID(7), boot: 4))
        #expect(peer.isGone(answering: MemberID(8), boot: 3))
        #expect(!peer.isGone(answering: MemberID(7), boot: 3))
    }

    /// A killed leader was replaced only after an election timeout, once in a hundred times: an attempt that its
    /// listener took just before it was closed is reset while it is still connecting.
    @Test("asks again after an attempt that was taken and reset")
    func resetWhileConnecting() {
        // ECONNREFUSED, ECONNRESET, ENETUNREACH of Linux.
        let (refused, reset, unreachable) = (
            SystemError(code: 111, operation: "connect"), SystemError(code: 104, operation: "connect"),
            SystemError(code: 101, operation: "connect")
        )
        var probe = peer
        #expect(probe.ended(PeerDialEnd(connecting: reset)) == .dialAgain(afterMilliseconds: 0))
        #expect(probe.ended(PeerDialEnd(connecting: reset)) == .dialAgain(afterMilliseconds: 2))
        #expect(probe.ended(PeerDialEnd(connecting: refused)) == .gone)
        #expect(probe.ended(PeerDialEnd(connecting: unreachable)) == .unknown)
    }

    @Test("asks a bounded number of times")
    func bounded() {
        var probe = peer
        for _ in 0..<ServerLimits.probeAttemptsMax { #expect(probe.ended(.closed) != .unknown) }
        #expect(probe.ended(.closed) == .unknown)
    }

    /// A process that ends can swallow the first word of an attempt; the kernel says it again after a second only.
    @Test("does not wait for an answer as long as for a peer that is far away, but longer each time")
    func unanswered() {
        var probe = peer
        var waits: [UInt64] = []
        while true {
            waits.append(probe.connectMilliseconds)
            guard probe.ended(.unanswered) == .dialAgain(afterMilliseconds: 0) else { break }
        }
        #expect(waits == [20, 40, 80, 160])
        probe = peer
        _ = probe.ended(.unanswered)
        #expect(probe.ended(.refused) == .gone)
    }

    @Test(
        "leaves it to the election timeout when the network fails, not the peer",
        arguments: [
            PeerDialEnd.timeout, .handshake(.wrongSecret), .overflow,
        ])
    func unknown(end: PeerDialEnd) {
        var probe = peer
        #expect(probe.ended(end) == .unknown)
    }
}
