package import ConcordLinux
package import ConcordRaft

/// What ended an attempt to reach a peer, or the connection it became.
package enum PeerDialEnd: Equatable {
    /// Nobody listens there: the peer's process is gone.
    case refused
    /// The connection ended: before it was established, or later.
    case closed
    /// An attempt to connect got no answer at all.
    case unanswered
    /// The handshake took too long.
    case timeout
    case failed(SystemError)
    case handshake(HandshakeFailure)
    case overflow

    /// The end of an attempt that did not become a connection.
    package init(connecting error: SystemError) {
        if error.isConnectionRefused {
            self = .refused
        } else if error.isConnectionReset {
            // A listener had taken it, and was closed before anybody accepted it.
            self = .closed
        } else {
            self = .failed(error)
        }
    }
}

/// Finds out whether a peer is gone whose connection was closed: it is dialled, and how the attempts end decides.
package struct PeerProbe: Equatable {
    package enum Verdict: Equatable {
        case gone
        /// The network failed, not the peer's process: the election timeout decides.
        case unknown
        case dialAgain(afterMilliseconds: UInt64)
    }

    package let id: MemberID
    package let boot: UInt64
    /// Attempts that ended before anyone said who he is.
    private var closedAttempts = 0
    private var unansweredAttempts = 0

    package init(id: MemberID, boot: UInt64) {
        self.id = id
        self.boot = boot
    }

    /// Whether the peer is gone, now that another one, or another life of it, answered at its address.
    package func isGone(answering id: MemberID, boot: UInt64) -> Bool {
        id != self.id || boot != self.boot
    }

    /// How long an attempt may wait for an answer. A process that ends can swallow the first word of an attempt, and the
    /// kernel says it again only after a second; but the peer may also be far away, so each attempt waits longer.
    package var connectMilliseconds: UInt64 {
        ServerLimits.probeConnectMilliseconds << UInt64(unansweredAttempts)
    }

    /// An attempt ended and nobody had said who he is.
    package mutating func ended(_ end: PeerDialEnd) -> Verdict {
        switch end {
        case .refused: return .gone
        case .closed:
            // A process that ends closes its listener and its connections one after the other: between the two
            // an attempt can still be taken and reset.
            closedAttempts += 1
            guard closedAttempts <= ServerLimits.probeAttemptsMax else { return .unknown }
            return .dialAgain(afterMilliseconds: closedAttempts > 1 ? ServerLimits.probePauseMilliseconds : 0)
        case .unanswered:
            unansweredAttempts += 1
            guard unansweredAttempts < ServerLimits.probeUnansweredMax else { return .unknown }
            return .dialAgain(afterMilliseconds: 0)
        case .timeout, .failed, .handshake, .overflow: return .unknown
        }
    }
}
