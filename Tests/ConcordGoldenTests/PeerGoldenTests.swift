import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordServer
import ConcordStorage
import Testing

/// What members say to each other: handshake, frames, messages.
@Suite struct PeerGoldenTests {
    private static func message(_ body: Message.Body) -> Message {
        Message(from: MemberID(1), to: MemberID(2), term: Term(9), body: body)
    }

    private static let consensus: [(name: String, value: Message)] = [
        ("pre-vote request", message(.preVoteRequest(.init(lastIndex: LogIndex(7), lastTerm: Term(3))))),
        ("pre-vote response", message(.preVoteResponse(.init(requestedTerm: Term(9), granted: true)))),
        (
            "vote request by transfer",
            message(.voteRequest(.init(lastIndex: LogIndex(7), lastTerm: Term(3), isByTransfer: true)))
        ),
        ("vote response", message(.voteResponse(.init(requestedTerm: Term(9), granted: false)))),
        (
            "append",
            message(
                .append(
                    .init(
                        previousIndex: LogIndex(6), previousTerm: Term(3), commit: LogIndex(5), round: 11,
                        clusterClock: 250,
                        entries: [
                            Entry(index: LogIndex(7), term: Term(9), clock: 240, kind: .noop, payload: []),
                            Entry(index: LogIndex(8), term: Term(9), clock: 250, kind: .commands, payload: [1, 2]),
                        ])))
        ),
        ("append matched", message(.appendResponse(.init(result: .matched(LogIndex(8)), round: 11)))),
        (
            "append in conflict",
            message(
                .appendResponse(
                    .init(
                        result: .conflict(previousIndex: LogIndex(6), hintIndex: LogIndex(4), hintTerm: Term(2)),
                        round: 11)))
        ),
        ("heartbeat", message(.heartbeat(.init(round: 12, clusterClock: 300)))),
        ("heartbeat response", message(.heartbeatResponse(.init(round: 12)))),
        ("barrier request", message(.barrierRequest(.init(id: 0x1_0000_0001)))),
        ("barrier response", message(.barrierResponse(.init(id: 0x1_0000_0001, index: LogIndex(8))))),
        ("barrier response without an index", message(.barrierResponse(.init(id: 5, index: nil)))),
        ("leader resigned", message(.leaderResigned)), ("newer term", message(.newerTerm)),
        ("stand now", message(.timeoutNow(.init(lastIndex: LogIndex(8))))),
        ("question of a member in doubt", message(.doubtInquiry)),
        (
            "answer to it",
            message(
                .doubtAnswer(
                    .init(last: .init(term: Term(3), index: LogIndex(7)), isDoubtful: true, configuration: 77)))
        ),
    ]

    @Test func consensus() throws {
        let golden = try GoldenFile("consensus")
        try golden.hold(
            PeerGoldenTests.consensus, write: { message in encoded { message.encode(into: &$0) } },
            read: { bytes in try decoded(bytes) { reader throws(ByteError) in try Message(decoding: &reader) } })
        let known = knownKinds { kind throws(ByteError) in
            _ = try decoded([1, kind]) { reader throws(ByteError) in try Message(decoding: &reader) }
        }
        #expect(Set(golden.examples.map { $0.bytes[1] }) == known, "a message has no golden bytes")
    }

    private static let snapshot = SnapshotIdentity(index: LogIndex(90), term: Term(4), bytes: 5000, checksum: 17)

    private static let messages: [(name: String, value: PeerMessage)] = [
        ("consensus", .raft(message(.newerTerm))),
        (
            "forward",
            .forward(
                Command(
                    operation: .put(PutOperation(key: Key(text: "/a"), value: [1, 2, 3])),
                    origin: Origin(member: 7, boot: 2, sequence: 9, done: 8), retry: .key([65])))
        ),
        ("forward refused", .forwardRefused(boot: 3, sequence: 12, overloaded: true)),
        ("announce", .announce(ClusterID(99))),
        (
            "formed",
            .formed(
                ClusterID(98),
                Configuration(members: [.init(id: MemberID(3), name: "c", peerAddress: "127.0.0.1:7401")]))
        ),
        ("positions request", .positionsRequest(id: 4)),
        (
            "positions response",
            .positionsResponse(
                id: 4, [MemberPosition(id: MemberID(3), matchIndex: LogIndex(17), lag: 2, silentMilliseconds: 30)])
        ),
        ("part of a snapshot", .snapshotChunk(.init(identity: snapshot, offset: 4990, bytes: [1, 2, 3]))),
        ("how much of a snapshot", .snapshotStatus(.init(identity: snapshot, received: 5000))),
        ("wish for a leader", .transferRequest(id: 5, target: "b")),
        ("wish for any other leader", .transferRequest(id: 5, target: nil)),
        ("transfer under way", .transferResponse(id: 5, .underWay(MemberID(3)))),
        ("the wished one leads", .transferResponse(id: 5, .leads(Term(9)))),
        ("transfer refused", .transferResponse(id: 5, .refused(.abandoned))),
        ("removed", .removed(LogIndex(41))), ("question whether removed", .membershipRequest),
        ("full disk", .diskSpace(isFull: true)),
        ("forward refused for want of room", .forwardRefusedForSpace(boot: 4, sequence: 77)),
        (
            "state report",
            .stateReport(
                StateReport(points: [
                    StatePoint(index: LogIndex(8), hash: 0x0102), StatePoint(index: LogIndex(13), hash: 1 << 120),
                ]))
        ),
        ("report of a distrusted state", .stateReport(StateReport(points: [], isDistrusted: true))),
        ("wish for a snapshot", .snapshotRequest(from: LogIndex(77))),
    ]

    @Test func messages() throws {
        let golden = try GoldenFile("peer-messages")
        try golden.hold(
            PeerGoldenTests.messages, write: { message in encoded { message.encode(into: &$0) } },
            read: { bytes in try decoded(bytes) { reader throws(ByteError) in try PeerMessage(decoding: &reader) } })
        let known = knownKinds { tag throws(ByteError) in
            _ = try decoded([tag]) { reader throws(ByteError) in try PeerMessage(decoding: &reader) }
        }
        #expect(Set(golden.examples.map { $0.bytes[0] }) == known, "a tag has no golden bytes")
    }

    // MARK: Handshake

    private static func identity(_ number: UInt8) -> PeerIdentity {
        PeerIdentity(
            id: MemberID(UInt128(number)), name: "m\(number)", boot: 3, peerAddress: "127.0.0.1:7401",
            clientURL: "http://127.0.0.1:7400", featureLevel: 2, build: "0.1.0",
            clusterID: number == 1 ? ClusterID(0xCD) : nil)
    }

    private static func side(_ role: PeerHello.Role, output: inout ByteQueue) -> Handshake {
        let number: UInt8 = role == .dialer ? 1 : 2
        return Handshake(
            role: role, identity: identity(number), secret: [UInt8]("a secret of sixteen".utf8),
            nonce: [UInt8](repeating: number, count: PeerHello.nonceBytes), output: &output)
    }

    /// The frames of a whole conversation: hellos, and proofs over what both have said.
    @Test func handshake() throws {
        let golden = try GoldenFile("handshake").examples
        var (fromDialer, fromAcceptor) = (ByteQueue(), ByteQueue())
        var dialer = PeerGoldenTests.side(.dialer, output: &fromDialer)
        var acceptor = PeerGoldenTests.side(.acceptor, output: &fromAcceptor)
        var said: [(String, [UInt8])] = []
        var results: [Handshake.Progress] = []
        func take(_ queue: inout ByteQueue, _ name: String) -> ByteQueue {
            let bytes = queue.take(queue.count)
            said.append((name, Array(bytes)))
            var input = ByteQueue()
            input.append(Array(bytes))
            return input
        }
        for name in ["hello", "proof"] {
            var input = take(&fromDialer, "\(name) of the dialer")
            results.append(acceptor.receive(&input, output: &fromAcceptor))
            input = take(&fromAcceptor, "\(name) of the acceptor")
            results.append(dialer.receive(&input, output: &fromDialer))
        }
        #expect(
            results[2...] == [.established(PeerGoldenTests.identity(1)), .established(PeerGoldenTests.identity(2))])
        for refusal in [HandshakeRefusal.malformed, .otherVersion, .ownID, .wrongSecret] {
            var queue = ByteQueue()
            PeerFrame.append(.refusal, to: &queue) { $0.write(refusal.rawValue) }
            said.append(("refusal: \(refusal)", Array(queue.take(queue.count))))
        }
        var queue = ByteQueue()
        PeerFrame.append(.message, to: &queue) { PeerMessage.membershipRequest.encode(into: &$0) }
        said.append(("frame of a message", Array(queue.take(queue.count))))
        #expect(golden.map(\.name) == said.map(\.0))
        for (name, bytes) in said {
            #expect(hexadecimal(bytes) == golden.first { $0.name == name }.map { hexadecimal($0.bytes) }, "\(name)")
        }
        let hello = try PeerHello(decoding: Array(golden[0].bytes[5...].dropLast(4)))
        #expect(hello.identity == PeerGoldenTests.identity(1) && hello.role == .dialer)
    }
}
