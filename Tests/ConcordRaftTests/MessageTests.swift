import ConcordBytes
import ConcordRaft
import Testing

/// Bytes from peers: what is a message and what is refused.
struct MessageTests {
    private static let bound = UInt64(1) << 62

    private func decode(_ bytes: [UInt8]) -> Message? {
        var reader = ByteReader(bytes)
        guard let message = try? Message(decoding: &reader), reader.remaining == 0 else { return nil }
        return message
    }

    private func encode(_ message: Message) -> [UInt8] {
        var writer = ByteWriter()
        message.encode(into: &writer)
        return writer.bytes
    }

    private static let samples: [Message] = [
        message(1, 2, 5, preVoteRequest(9, 4)),
        message(1, 2, 5, preVoteResponse(6, true)),
        message(1, 2, 5, voteRequest(9, 4)),
        message(1, 2, 5, voteRequestByTransfer(9, 4)),
        message(1, 2, 5, voteResponse(5, false)),
        message(1, 2, 5, append(after: 0, 0)),
        message(1, 2, 5, append(after: 7, 3, [3, 3, 4, 5], commit: 8, round: 77)),
        message(1, 2, 5, matched(12, round: 3)),
        message(
            1, 2, 5,
            .appendResponse(
                .init(
                    result: .conflict(previousIndex: LogIndex(9), hintIndex: LogIndex(4), hintTerm: Term(2)), round: 1))
        ),
        message(1, 2, 5, heartbeat(round: 4, clock: 123_456)),
        message(1, 2, 5, .heartbeatResponse(.init(round: 4))),
        message(1, 2, 5, .barrierRequest(.init(id: .max))),
        message(1, 2, 5, .barrierResponse(.init(id: .max, index: LogIndex(3)))),
        message(1, 2, 5, .barrierResponse(.init(id: 1, index: nil))),
        message(1, 2, 5, .leaderResigned),
        message(1, 2, 5, .newerTerm),
        message(1, 2, 5, timeoutNow(9)),
    ]

    @Test(arguments: samples)
    func `Every message survives its encoding, and no shorter or longer one is taken for it`(sample: Message) {
        let bytes = encode(sample)
        #expect(decode(bytes) == sample)
        for length in 0..<bytes.count { #expect(decode(Array(bytes[..<length])) == nil) }
        #expect(decode(bytes + [0]) == nil)
    }

    @Test func `An unknown version or kind is refused`() {
        var bytes = encode(Self.samples[0])
        bytes[0] = 2
        #expect(decode(bytes) == nil)
        bytes[0] = 1
        for kind: UInt8 in [0, 14, 255] {
            bytes[1] = kind
            #expect(decode(bytes) == nil)
        }
    }

    @Test func `Numbers are taken up to 2 to the 62nd and refused from there on`() {
        let edge = Self.bound - 1
        let good: [Message] = [
            message(1, 2, edge, heartbeat(round: edge, clock: edge)), message(1, 2, edge, .newerTerm),
            message(1, 2, edge, append(after: edge, edge, [], commit: edge, round: edge)),
            message(1, 2, 1, matched(edge, round: edge)),
        ]
        for sample in good { #expect(decode(encode(sample)) == sample) }
        let bad: [Message] = [
            message(1, 2, edge + 1, .newerTerm), message(1, 2, .max, heartbeat()),
            message(1, 2, 1, heartbeat(round: edge + 1)), message(1, 2, 1, heartbeat(clock: edge + 1)),
            message(1, 2, 1, append(after: edge + 1, 1)), message(1, 2, 1, append(after: 1, 1, [], commit: edge + 1)),
            message(1, 2, 1, append(after: 1, 1, [], round: edge + 1)),
            message(1, 2, 1, append(after: edge, 1, [1])),
            message(1, 2, 1, matched(edge + 1)), message(1, 2, 1, matched(1, round: edge + 1)),
            message(1, 2, 1, .barrierResponse(.init(id: 1, index: LogIndex(edge + 1)))),
            message(1, 2, 1, voteResponse(edge + 1, true)), message(1, 2, 5, voteRequest(edge + 1, 1)),
        ]
        for sample in bad { #expect(decode(encode(sample)) == nil, "\(sample)") }
    }

    private func carrying(_ entries: [Entry], after previous: UInt64, _ previousTerm: UInt64) -> Message {
        let request = Message.AppendRequest(
            previousIndex: LogIndex(previous), previousTerm: Term(previousTerm), commit: .zero, round: 1,
            clusterClock: 0, entries: entries)
        return message(1, 2, 5, .append(request))
    }

    @Test func `Entries with a hole, falling terms, falling clocks or of a later term are refused`() {
        func entry(_ index: UInt64, _ term: UInt64, _ clock: UInt64 = 0) -> Entry {
            Entry(index: LogIndex(index), term: Term(term), clock: clock, kind: .commands, payload: [])
        }
        #expect(decode(encode(carrying([entry(4, 3, 1), entry(5, 5, 1)], after: 3, 3))) != nil)
        let bad: [[Entry]] = [
            [entry(5, 3)], [entry(3, 3)], [entry(4, 3), entry(6, 3)], [entry(4, 3), entry(4, 3)],
            [entry(4, 2)], [entry(4, 4), entry(5, 3)], [entry(4, 6)], [entry(4, 3, 2), entry(5, 3, 1)],
            [entry(4, 3, Self.bound)], [entry(4, 0)],
        ]
        for entries in bad { #expect(decode(encode(carrying(entries, after: 3, 3))) == nil, "\(entries)") }
        #expect(decode(encode(carrying([], after: 3, 6))) == nil, "a previous term above the sender's")
        #expect(decode(encode(carrying([], after: 0, 1))) == nil, "a term at index 0")
        #expect(decode(encode(carrying([], after: 3, 0))) == nil, "an entry without term")
    }

    @Test func `A configuration entry that cannot be read is refused with its message`() {
        var writer = ByteWriter()
        voters(3).encode(into: &writer)
        for (payload, isGood) in [(writer.bytes, true), (writer.bytes + [0], false), ([1, 2, 3], false), ([], false)] {
            let entry = Entry(index: LogIndex(1), term: Term(1), clock: 0, kind: .configuration, payload: payload)
            #expect((decode(encode(carrying([entry], after: 0, 0))) != nil) == isGood)
        }
    }

    @Test func `Other nonsense is refused`() {
        let bad: [Message] = [
            message(1, 2, 5, voteRequest(3, 5)), message(1, 2, 5, preVoteRequest(3, 6)),
            message(1, 2, 5, voteRequestByTransfer(3, 5)), message(1, 2, 0, timeoutNow(1)),
            message(1, 2, 5, timeoutNow(0)), message(1, 2, 5, timeoutNow(Self.bound)),
            message(1, 2, 5, voteRequest(0, 1)), message(1, 2, 5, voteRequest(1, 0)),
            message(1, 2, 0, heartbeat()), message(1, 2, 0, append(after: 0, 0)), message(1, 2, 0, matched(0)),
            message(1, 2, 0, voteRequest(0, 0)), message(1, 2, 1, voteResponse(0, true)),
            message(
                1, 2, 5,
                .appendResponse(
                    .init(
                        result: .conflict(previousIndex: LogIndex(1), hintIndex: LogIndex(2), hintTerm: .zero), round: 1
                    ))),
        ]
        for sample in bad { #expect(decode(encode(sample)) == nil, "\(sample)") }
    }

    @Test func `Counts and lengths that lie reserve nothing and trap nothing`() {
        var bytes = encode(message(1, 2, 5, append(after: 0, 0)))
        for offset in bytes.count - 4..<bytes.count { bytes[offset] = 0xFF }
        #expect(decode(bytes) == nil)
        let request = carrying(entries([UInt64](repeating: 1, count: RaftLimits.appendEntriesMax + 1)), after: 0, 0)
        #expect(decode(encode(request)) == nil)
        let large = Entry(
            index: LogIndex(1), term: Term(1), clock: 0, kind: .commands,
            payload: [UInt8](repeating: 0, count: RaftLimits.appendBytesMax + 1))
        var second = large
        second.index = LogIndex(2)
        second.payload = [0]
        #expect(decode(encode(carrying([large], after: 0, 0))) != nil)
        #expect(decode(encode(carrying([large, second], after: 0, 0))) == nil)
    }

    @Test func `No bytes trap the decoder, and no message traps a member`() {
        for seed in UInt64(0)..<400 {
            var random = SeededRandom(seed: seed)
            var seat = Seat(2, term: 4, log: entries([1, 1, 3, 4]), seed: seed)
            if seed % 3 == 0 { seat.win(by: 1) }
            for _ in 0..<60 {
                var bytes = encode(Self.samples[Int(random.below(UInt64(Self.samples.count)))])
                for _ in 0..<random.below(4) {
                    bytes[Int(random.below(UInt64(bytes.count)))] = UInt8(truncatingIfNeeded: random.next())
                }
                if let decoded = decode(bytes) { seat.receive(decoded) }
                seat.receive(Self.arbitrary(&random))
                if random.chance(percent: 10) { seat.passDeadline() }
                if random.chance(percent: 10) { seat.turn { _ = $0.propose([1]) } }
                if random.chance(percent: 10) { seat.turn { $0.readBarrier(id: random.next()) } }
                if random.chance(percent: 10) {
                    seat.turn { _ = $0.transferLeadership(to: MemberID(UInt128(random.below(5)))) }
                }
            }
        }
    }

    /// Small numbers, so that many of them fit together.
    private static func arbitrary(_ random: inout SeededRandom) -> Message {
        func small() -> UInt64 { random.below(9) }
        func huge() -> UInt64 { random.chance(percent: 5) ? random.next() : small() }
        let (index, term) = (huge(), huge())
        let body: Message.Body =
            switch random.below(13) {
            case 0: preVoteRequest(index, term)
            case 1: voteRequest(index, term)
            case 2: preVoteResponse(huge(), random.chance(percent: 50))
            case 3: voteResponse(huge(), random.chance(percent: 50))
            case 4, 5, 6:
                append(
                    after: small(), small(), (0..<small()).map { _ in small() }.sorted(), commit: huge(), round: huge())
            case 7: matched(index, round: small())
            case 8:
                .appendResponse(
                    .init(
                        result: .conflict(
                            previousIndex: LogIndex(index), hintIndex: LogIndex(huge()), hintTerm: Term(term)),
                        round: small()))
            case 9: heartbeat(round: huge(), clock: huge())
            case 10: .barrierResponse(.init(id: small(), index: LogIndex(index)))
            case 11: random.chance(percent: 50) ? timeoutNow(index) : voteRequestByTransfer(index, term)
            default: random.chance(percent: 50) ? .leaderResigned : .heartbeatResponse(.init(round: small()))
            }
        return message(UInt128(random.below(4) + 1), 2, small() + (random.chance(percent: 2) ? huge() : 0), body)
    }
}
