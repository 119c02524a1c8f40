import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordStorage
import Testing

@Suite struct PeerMessageCodingTests {
    private let messages: [PeerMessage] = [
        .forward(
            Command(
                operation: .put(PutOperation(key: Key(text: "/a"), value: [1, 2, 3])),
                origin: Origin(member: 7, boot: 2, sequence: 9, done: 8), retry: .key([65]))),
        .forwardRefused(boot: 3, sequence: 12, overloaded: true),
        .announce(ClusterID(99)),
        .formed(
            ClusterID(98), Configuration(members: [.init(id: MemberID(3), name: "c", peerAddress: "127.0.0.1:7401")])),
        .positionsRequest(id: 4),
        .removed(LogIndex(41)), .membershipRequest, .diskSpace(isFull: true), .diskSpace(isFull: false),
        .forwardRefusedForSpace(boot: 4, sequence: 77),
        .stateReport(
            StateReport(points: [
                StatePoint(index: LogIndex(8), hash: 1 << 100), StatePoint(index: LogIndex(9), hash: 0),
            ])),
        .stateReport(StateReport(points: [], isDistrusted: true)),
        .snapshotRequest(from: LogIndex(900)),
        .positionsResponse(
            id: 4, [MemberPosition(id: MemberID(3), matchIndex: LogIndex(17), lag: 2, silentMilliseconds: 30)]),
        .snapshotChunk(
            SnapshotChunk(
                identity: SnapshotIdentity(index: LogIndex(90), term: Term(4), bytes: 5000, checksum: 17), offset: 4990,
                bytes: [1, 2, 3])),
        .snapshotStatus(
            SnapshotStatus(
                identity: SnapshotIdentity(index: LogIndex(90), term: Term(4), bytes: 5000, checksum: 17),
                received: 5000)),
        .raft(
            Message(
                from: MemberID(1), to: MemberID(2), term: Term(3),
                body: .append(
                    .init(
                        previousIndex: LogIndex(4), previousTerm: Term(2), commit: LogIndex(4), round: 8,
                        clusterClock: 1234,
                        entries: [
                            Entry(index: LogIndex(5), term: Term(3), clock: 1000, kind: .commands, payload: [9, 8])
                        ])))),
        .transferRequest(id: 5, target: "b"),
        .transferRequest(id: 5, target: nil),
        .transferResponse(id: 5, .underWay(MemberID(3))),
        .transferResponse(id: 5, .leads(Term(9))),
        .transferResponse(id: 5, .refused(.abandoned)),
        .raft(
            Message(
                from: MemberID(1), to: MemberID(2), term: Term(3),
                body: .voteRequest(.init(lastIndex: LogIndex(4), lastTerm: Term(2))))),
    ]

    private func encoded(_ message: PeerMessage) -> [UInt8] {
        var writer = ByteWriter()
        message.encode(into: &writer)
        return writer.bytes
    }

    private func decoded(_ bytes: [UInt8]) -> PeerMessage? {
        var reader = ByteReader(bytes)
        return try? PeerMessage(decoding: &reader)
    }

    @Test func everyMessageSurvives() {
        for message in messages { #expect(decoded(encoded(message)) == message) }
    }

    @Test func aMessageCutAnywhereIsRefused() {
        for message in messages {
            let bytes = encoded(message)
            for end in 0..<bytes.count { #expect(decoded(Array(bytes[..<end])) == nil) }
        }
    }

    @Test func aPartThatReachesBeyondItsSnapshotIsRefused() {
        let identity = SnapshotIdentity(index: LogIndex(90), term: Term(4), bytes: 5000, checksum: 17)
        for (offset, count) in [(UInt64(4998), 3), (5001, 0), (.max, 1)] {
            let chunk = SnapshotChunk(identity: identity, offset: offset, bytes: Array(repeating: 1, count: count))
            #expect(decoded(encoded(.snapshotChunk(chunk))) == nil, "offset \(offset)")
        }
        #expect(decoded(encoded(.snapshotStatus(SnapshotStatus(identity: identity, received: 5001)))) == nil)
        let huge = SnapshotIdentity(index: LogIndex(1 << 62), term: Term(4), bytes: 5000, checksum: 17)
        #expect(decoded(encoded(.snapshotStatus(SnapshotStatus(identity: huge, received: 1)))) == nil)
    }

    @Test func aReportOfHashesThatNoMemberTellsIsRefused() {
        func report(_ indices: [UInt64], isDistrusted: Bool = false) -> [UInt8] {
            let points = indices.map { StatePoint(index: LogIndex($0), hash: 5) }
            return encoded(.stateReport(StateReport(points: points, isDistrusted: isDistrusted)))
        }
        let most = Array(1...UInt64(ReplicaLimits.statePointsMax))
        #expect(decoded(report([])) != nil && decoded(report(most)) != nil)
        #expect(decoded(report(most + [UInt64.max])) == nil, "too many")
        #expect(decoded(report([8, 8])) == nil && decoded(report([8, 7])) == nil && decoded(report([0])) == nil)
        #expect(decoded(report([8], isDistrusted: true)) == nil, "of a state that its member does not trust")
    }

    @Test func aReportHasItsBytes() {
        let report = StateReport(points: [StatePoint(index: LogIndex(0x0102), hash: 3 << 64 | 4)])
        let zeros = [UInt8](repeating: 0, count: 7)
        #expect(
            encoded(.stateReport(report)) == [17, 0, 1, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 4] + zeros + [3] + zeros)
        #expect(encoded(.snapshotRequest(from: LogIndex(7))) == [18, 7, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test func leftoverBytesAreRefused() {
        for message in messages { #expect(decoded(encoded(message) + [0]) == nil) }
    }

    /// Nothing that arrives on the peer port may trap, whatever it says.
    @Test func randomAndMutatedBytesNeverTrap() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<20_000 {
            var bytes = encoded(messages[Int(random.below(UInt64(messages.count)))])
            for _ in 0...random.below(4) {
                bytes[Int(random.below(UInt64(bytes.count)))] = UInt8(truncatingIfNeeded: random.next())
            }
            _ = decoded(bytes)
            _ = decoded((0..<random.below(80)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        }
    }
}
