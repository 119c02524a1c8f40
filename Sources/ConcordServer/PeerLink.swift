internal import ConcordBytes
internal import ConcordLinux
internal import ConcordRaft
internal import ConcordReplica

/// The way to one peer address: dialled again and again, with pauses that grow while nobody answers.
final class PeerLink {
    let target: HostAndPort
    /// As it was configured.
    let address: String
    var dial: PeerDial?
    /// When to dial, as long as `dial` is `nil` and no resolver is at work.
    var nextDial: UInt64 = 0
    var isResolving = false
    /// Who answered last.
    var lastIdentity: PeerIdentity?
    /// The connection that this peer sent on was closed: whether the peer is gone shall be found out.
    var probe: PeerProbe?
    /// The addresses of the target's host name, as resolved last, and which of them is next.
    private var resolved: [SocketAddress] = []
    private var nextAddress = 0
    private var pause = ServerLimits.redialMillisecondsMin

    init(target: HostAndPort, address: String) {
        self.target = target
        self.address = address
    }

    /// The address to dial next; `nil` when the resolver has to be asked first.
    func takeAddress() -> SocketAddress? {
        if let literal = SocketAddress.literal(target) { return literal }
        guard nextAddress < resolved.count else {
            resolved = []
            nextAddress = 0
            return nil
        }
        defer { nextAddress += 1 }
        return resolved[nextAddress]
    }

    func didResolve(_ addresses: [SocketAddress]) {
        isResolving = false
        resolved = addresses
        nextAddress = 0
    }

    /// Plans the next attempt after one that failed. The pause doubles, and varies by half so that members that
    /// lost each other at one moment do not meet again and again.
    func planRedial(now: UInt64, random: inout SeededRandom) {
        dial = nil
        nextDial = now + pause / 2 + random.below(pause / 2 + 1)
        pause = min(pause * 2, ServerLimits.redialMillisecondsMax)
    }

    /// Plans an attempt at once: a connection that had stood for a while was closed.
    func redialAtOnce(now: UInt64) {
        dial = nil
        nextDial = now
    }

    func established(_ identity: PeerIdentity) {
        lastIdentity = identity
        pause = ServerLimits.redialMillisecondsMin
    }
}
