internal import ConcordBytes
internal import ConcordLinux
internal import ConcordRaft
internal import ConcordReplica

/// All connections with peers. Each member dials every other one and sends on what it has dialled; it receives on
/// what it has accepted. So there are two connections between two members, and never a question which one to keep.
final class PeerNetwork {
    enum Event {
        case connected(PeerIdentity)
        case message(from: MemberID, PeerMessage)
        case lost(MemberID)
    }

    /// What the replica is to be told, since it was taken last.
    var events: [Event] = []
    var credentials: PeerCredentials

    private let poller: Poller
    private let log: Log
    private let resolver: Resolver
    private var throttle = LogThrottle(intervalMilliseconds: 10_000)
    private var random: SeededRandom
    private var links: [PeerLink] = []
    private var dials = SlotTable<PeerDial>()
    private var accepted = SlotTable<PeerAccepted>()
    /// Accepted, and not proved yet who they are; the oldest first.
    private var unproven: [PeerAccepted] = []
    private var linkOfDial: [UInt64: PeerLink] = [:]
    private var acceptedEvents: [PeerAccepted.Event] = []

    init(poller: Poller, credentials: PeerCredentials, log: Log, seed: UInt64) throws(SystemError) {
        self.poller = poller
        self.credentials = credentials
        self.log = log
        random = SeededRandom(seed: seed)
        resolver = try Resolver(waking: poller.wakeup)
    }

    // MARK: Whom to reach

    /// Dials exactly these addresses from now on. A link that is there already stays as it is.
    func setTargets(_ addresses: [String], now: UInt64) {
        var kept: [PeerLink] = []
        for address in addresses {
            if let link = links.first(where: { $0.address == address }) {
                kept.append(link)
            } else if let target = HostAndPort(address) {
                let link = PeerLink(target: target, address: address)
                link.nextDial = now
                kept.append(link)
            } else {
                log.error("peer_address_unusable", [("address", .text(address))])
            }
        }
        for link in links where !kept.contains(where: { $0 === link }) { closeDial(of: link) }
        links = kept
    }

    func send(_ message: PeerMessage, to member: MemberID, now: UInt64) {
        for link in links {
            guard let dial = link.dial, dial.identity?.id == member else { continue }
            if let end = dial.queue(message) { finish(link, end, now: now) }
            return
        }
        // Not connected: Raft sends again what counts.
    }

    /// Sends what was queued in this turn, once per peer.
    func flush(now: UInt64) {
        for link in links {
            guard let dial = link.dial, dial.identity != nil, let end = dial.flush() else { continue }
            finish(link, end, now: now)
        }
    }

    // MARK: Time

    var nextDeadline: UInt64 {
        var deadline = UInt64.max
        for link in links {
            if let dial = link.dial {
                deadline = min(deadline, dial.deadline)
            } else if !link.isResolving {
                deadline = min(deadline, link.nextDial)
            }
        }
        for connection in unproven { deadline = min(deadline, connection.deadline) }
        return deadline
    }

    func tick(now: UInt64) {
        takeResolved(now: now)
        for link in links {
            if let dial = link.dial {
                if dial.deadline <= now {
                    finish(link, dial.phase == .connecting ? .unanswered : .timeout, now: now)
                }
            } else if link.nextDial <= now && !link.isResolving {
                startDial(link, now: now)
            }
        }
        while let oldest = unproven.first, oldest.deadline <= now { finish(oldest, .timeout, now: now) }
    }

    private func takeResolved(now: UInt64) {
        for (target, result) in resolver.takeAnswers() {
            for link in links where link.target == target && link.isResolving {
                switch result {
                case .success(let addresses):
                    link.didResolve(addresses)
                    link.nextDial = now
                case .failure(let error):
                    link.didResolve([])
                    complain(link.address, "peer_unreachable", "\(error)", now: now)
                    link.planRedial(now: now, random: &random)
                }
            }
        }
    }

    // MARK: Dialling

    private func startDial(_ link: PeerLink, now: UInt64) {
        guard let address = link.takeAddress() else {
            link.isResolving = true
            resolver.ask(link.target)
            return
        }
        do throws(SystemError) {
            let patience = link.probe?.connectMilliseconds ?? ServerLimits.connectMilliseconds
            let dial = try makeDial(to: address, patience: patience, now: now)
            link.dial = dial
            linkOfDial[dial.token.rawValue] = link
        } catch {
            finish(link, PeerDialEnd(connecting: error), now: now)
        }
    }

    private func makeDial(
        to address: SocketAddress, patience: UInt64, now: UInt64
    ) throws(SystemError) -> PeerDial {
        var failure: SystemError?
        let place = dials.reserve()
        do throws(SystemError) {
            let dial = try PeerDial(
                to: address, place: place, poller: poller, credentials: credentials, patience: patience, now: now)
            dials.fill(place, with: dial)
            return dial
        } catch {
            failure = error
        }
        dials.remove(place)
        throw failure ?? .timeout("connect")
    }

    func handleDial(_ event: ReadyDescriptor, scratch: borrowing ScratchBuffer, now: UInt64) {
        let token = Token(rawValue: event.token)
        guard let dial = dials[token.place], let link = linkOfDial[token.rawValue] else { return }
        let wasEstablished = dial.identity != nil
        if let end = dial.handle(event, scratch: scratch, now: now) {
            finish(link, end, now: now)
        } else if !wasEstablished, let peer = dial.identity {
            established(link, peer)
        }
    }

    private func established(_ link: PeerLink, _ peer: PeerIdentity) {
        link.established(peer)
        if let probe = link.probe {
            link.probe = nil
            if probe.isGone(answering: peer.id, boot: peer.boot) { events.append(.lost(probe.id)) }
        }
        log.info(
            "peer_connected",
            [("peer", .text(peer.name)), ("address", .text(link.address)), ("id", "\(peer.id)")])
        events.append(.connected(peer))
    }

    private func closeDial(of link: PeerLink) {
        guard let dial = link.dial else { return }
        dials.remove(dial.token.place)
        linkOfDial[dial.token.rawValue] = nil
        link.dial = nil
    }

    private func finish(_ link: PeerLink, _ end: PeerDialEnd, now: UInt64) {
        let dial = link.dial
        closeDial(of: link)
        let stoodLong = dial?.identity != nil && now >= (dial?.establishedAt ?? now) + 1000
        report(link, end, dial?.identity, now: now)
        if link.probe != nil, resolveProbe(link, end, now: now) { return }
        if stoodLong && end == .closed {
            link.redialAtOnce(now: now)
        } else {
            link.planRedial(now: now, random: &random)
        }
    }

    /// - Returns: whether another attempt is under way at once.
    private func resolveProbe(_ link: PeerLink, _ end: PeerDialEnd, now: UInt64) -> Bool {
        guard var probe = link.probe else { return false }
        link.probe = nil
        switch probe.ended(end) {
        case .gone:
            events.append(.lost(probe.id))
            return false
        case .unknown: return false
        case .dialAgain(let pause):
            link.probe = probe
            link.redialAtOnce(now: now + pause)
            return true
        }
    }

    // MARK: Accepting

    var acceptedCount: Int { accepted.count }

    func accept(_ socket: consuming StreamSocket, now: UInt64) {
        guard accepted.count < ServerLimits.peerConnectionsMax else {
            complain("accepted", "peer_connections_exhausted", PeerNetwork.crowdAdvice, now: now)
            return
        }
        if unproven.count >= ServerLimits.unprovenPeersMax {
            // A member needs milliseconds: whoever has waited longest is none.
            complain("accepted", "peer_connections_exhausted", PeerNetwork.crowdAdvice, now: now)
            finish(unproven[0], .closed, now: now)
        }
        let place = accepted.reserve()
        do throws(SystemError) {
            let connection = try PeerAccepted(
                socket, place: place, poller: poller, credentials: credentials, now: now)
            accepted.fill(place, with: connection)
            unproven.append(connection)
        } catch {
            accepted.remove(place)
            complain("accepted", "peer_connection_failed", "\(error)", now: now)
        }
    }

    func handleAccepted(_ event: ReadyDescriptor, scratch: borrowing ScratchBuffer, now: UInt64) {
        guard let connection = accepted[Token(rawValue: event.token).place] else { return }
        let end = connection.receive(scratch: scratch, into: &acceptedEvents)
        for event in acceptedEvents {
            switch event {
            case .connected(let peer):
                unproven.removeAll { $0 === connection }
                supersede(by: connection, of: peer)
                dialBack(peer, now: now)
                events.append(.connected(peer))
            case .message(let peer, let message):
                events.append(.message(from: peer.id, message))
            }
        }
        acceptedEvents.removeAll(keepingCapacity: true)
        if let end { finish(connection, end, now: now) }
    }

    /// A peer that dials is there: it need not wait for the end of a pause, nor of an attempt whose first word may have
    /// gone to the process before it.
    private func dialBack(_ peer: PeerIdentity, now: UInt64) {
        for link in links
        where (link.dial?.phase ?? .connecting) == .connecting
            && (link.address == peer.peerAddress || link.lastIdentity?.id == peer.id)
        {
            closeDial(of: link)
            link.redialAtOnce(now: now)
        }
    }

    /// A peer that dials again has given up what it had dialled before.
    private func supersede(by connection: PeerAccepted, of peer: PeerIdentity) {
        for other in accepted.elements where other !== connection && other.identity?.id == peer.id {
            accepted.remove(other.token.place)
        }
    }

    private func finish(_ connection: PeerAccepted, _ end: PeerAccepted.End, now: UInt64) {
        accepted.remove(connection.token.place)
        unproven.removeAll { $0 === connection }
        switch end {
        case .handshake(let failure):
            complain("accepted", StaticString("peer_refused"), failure.advice, reason: failure.name, now: now)
        case .malformed:
            complain(
                connection.identity?.name ?? "accepted", "peer_sent_malformed_frame",
                "the connection was closed; if it happens again, the network between the two damages data", now: now)
        case .timeout:
            complain("accepted", "peer_handshake_timeout", "whoever connected did not finish the handshake", now: now)
        case .closed: break
        }
        if let peer = connection.identity { probe(peer, now: now) }
    }

    /// Finds out whether the peer is gone whose connection was closed: unless the way to it still stands, it is
    /// dialled at once.
    private func probe(_ peer: PeerIdentity, now: UInt64) {
        guard let link = links.first(where: { $0.lastIdentity?.id == peer.id }) else { return }
        let probe = PeerProbe(id: peer.id, boot: peer.boot)
        link.probe = probe
        if let dial = link.dial {
            dial.hurry(probe.connectMilliseconds, now: now)
        } else {
            link.nextDial = now
        }
    }

    // MARK: The log

    private static let crowdAdvice =
        "too many connections to the peer port have not proved who they are: find out who makes them"

    private func report(_ link: PeerLink, _ end: PeerDialEnd, _ peer: PeerIdentity?, now: UInt64) {
        if let peer {
            log.info("peer_disconnected", [("peer", .text(peer.name)), ("address", .text(link.address))])
        }
        switch end {
        case .handshake(let failure):
            complain(link.address, "peer_refused", failure.advice, reason: failure.name, now: now)
        case .refused:
            complain(link.address, "peer_unreachable", "nobody listens there; is that member running?", now: now)
        case .unanswered, .timeout:
            complain(link.address, "peer_unreachable", "it did not answer in time", now: now)
        case .failed(let error):
            complain(link.address, "peer_unreachable", "\(error)", now: now)
        case .overflow:
            complain(link.address, "peer_too_slow", "too much waited for it, so its connection was closed", now: now)
        case .closed:
            if peer == nil {
                complain(link.address, "peer_unreachable", "it closed the connection in the handshake", now: now)
            }
        }
    }

    private func complain(
        _ who: String, _ event: StaticString, _ advice: String, reason: String? = nil, now: UInt64
    ) {
        guard let suppressed = throttle.admit("\(who) \(event) \(reason ?? "")", now: now) else { return }
        var fields: [(StaticString, LogValue)] = [("address", .text(who))]
        if let reason { fields.append(("reason", .text(reason))) }
        fields.append(("advice", .text(advice)))
        if suppressed > 0 { fields.append(("repeated", .number(suppressed))) }
        log.warning(event, fields)
    }
}
