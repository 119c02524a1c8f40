import ConcordBytes
import ConcordRaft
import ConcordReplica
import ConcordServer
import Testing

/// Two sides of a handshake, and what lies between them.
private struct Conversation {
    var dialer: Handshake
    var acceptor: Handshake
    var toAcceptor = ByteQueue()
    var toDialer = ByteQueue()
    var dialerResult = Handshake.Progress.needMore
    var acceptorResult = Handshake.Progress.needMore

    init(
        dialer: PeerIdentity = identity("a"), acceptor: PeerIdentity = identity("b"), dialerSecret: String = "secret",
        acceptorSecret: String = "secret", dialerNonce: UInt8 = 1, acceptorNonce: UInt8 = 2
    ) {
        self.dialer = Handshake(
            role: .dialer, identity: dialer, secret: Array(dialerSecret.utf8), nonce: nonce(dialerNonce),
            output: &toAcceptor)
        self.acceptor = Handshake(
            role: .acceptor, identity: acceptor, secret: Array(acceptorSecret.utf8), nonce: nonce(acceptorNonce),
            output: &toDialer)
    }

    /// Delivers what lies between the two until nothing moves any more.
    mutating func run() {
        while !toAcceptor.isEmpty || !toDialer.isEmpty {
            if case .needMore = acceptorResult {
                acceptorResult = acceptor.receive(&toAcceptor, output: &toDialer)
            } else {
                toAcceptor.consume(toAcceptor.count)
            }
            if case .needMore = dialerResult {
                dialerResult = dialer.receive(&toDialer, output: &toAcceptor)
            } else {
                toDialer.consume(toDialer.count)
            }
        }
    }
}

private func nonce(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: PeerHello.nonceBytes) }

private func identity(_ name: String, cluster: UInt128? = nil, id: UInt128? = nil) -> PeerIdentity {
    PeerIdentity(
        id: MemberID(id ?? UInt128(name.utf8.first ?? 0)), name: name, boot: 3, peerAddress: "127.0.0.1:7401",
        clientURL: "http://127.0.0.1:7400", featureLevel: 1, build: "1.0", clusterID: cluster.map(ClusterID.init))
}

@Suite("A handshake between peers")
struct HandshakeTests {
    @Test("tells each side who the other is")
    func success() {
        var conversation = Conversation(dialer: identity("a", cluster: 9), acceptor: identity("b", cluster: 9))
        conversation.run()
        #expect(conversation.dialerResult == .established(identity("b", cluster: 9)))
        #expect(conversation.acceptorResult == .established(identity("a", cluster: 9)))
    }

    @Test("succeeds between a formed member and one that is not formed yet")
    func forming() {
        var conversation = Conversation(dialer: identity("a"), acceptor: identity("b", cluster: 9))
        conversation.run()
        #expect(conversation.dialerResult == .established(identity("b", cluster: 9)))
        #expect(conversation.acceptorResult == .established(identity("a")))
    }

    @Test("succeeds without a secret on both sides, and only then")
    func noSecret() {
        var none = Conversation(dialerSecret: "", acceptorSecret: "")
        none.run()
        #expect(none.dialerResult == .established(identity("b")))
        var one = Conversation(dialerSecret: "", acceptorSecret: "secret")
        one.run()
        #expect(one.acceptorResult == .failed(.wrongSecret))
    }

    @Test("fails on both sides when the secrets differ")
    func wrongSecret() {
        var conversation = Conversation(dialerSecret: "secret", acceptorSecret: "Secret")
        conversation.run()
        #expect(conversation.acceptorResult == .failed(.wrongSecret))
        #expect(conversation.dialerResult == .failed(.refused(.wrongSecret)))
    }

    @Test("fails on the dialer's side when the acceptor does not know the secret")
    func impostor() {
        // An acceptor that lets everybody in and sends some tag.
        var conversation = Conversation()
        _ = conversation.acceptor.receive(&conversation.toAcceptor, output: &conversation.toDialer)
        #expect(conversation.dialer.receive(&conversation.toDialer, output: &conversation.toAcceptor) == .needMore)
        PeerFrame.append(.proof, to: &conversation.toDialer) { $0.writeRaw([UInt8](repeating: 7, count: 32)) }
        let result = conversation.dialer.receive(&conversation.toDialer, output: &conversation.toAcceptor)
        #expect(result == .failed(.wrongSecret))
    }

    @Test("tells both sides of another cluster, by a proof")
    func otherCluster() {
        var conversation = Conversation(dialer: identity("a", cluster: 8), acceptor: identity("b", cluster: 9))
        conversation.run()
        let (eight, nine) = (ClusterID(8), ClusterID(9))
        #expect(conversation.acceptorResult == .failed(.otherCluster(theirs: eight, own: nine)))
        #expect(conversation.dialerResult == .failed(.otherCluster(theirs: nine, own: eight)))
    }

    @Test("refuses this member's own id")
    func ownID() {
        var conversation = Conversation(dialer: identity("a"), acceptor: identity("b", id: identity("a").id.rawValue))
        conversation.run()
        #expect(conversation.acceptorResult == .failed(.ownID))
        #expect(conversation.dialerResult == .failed(.refused(.ownID)))
    }

    @Test("refuses a proof that was recorded in an earlier conversation")
    func replay() {
        var recorded = Conversation()
        var bytes = ByteQueue()
        bytes.append(recorded.toAcceptor.take(recorded.toAcceptor.count))
        let hello = bytes
        recorded.toAcceptor = hello
        _ = recorded.acceptor.receive(&recorded.toAcceptor, output: &recorded.toDialer)
        _ = recorded.dialer.receive(&recorded.toDialer, output: &recorded.toAcceptor)
        let proof = recorded.toAcceptor

        var victim = Conversation(acceptorNonce: 3)
        victim.toAcceptor = hello
        #expect(victim.acceptor.receive(&victim.toAcceptor, output: &victim.toDialer) == .needMore)
        victim.toAcceptor = proof
        #expect(victim.acceptor.receive(&victim.toAcceptor, output: &victim.toDialer) == .failed(.wrongSecret))
    }

    @Test("refuses its own words sent back")
    func reflection() {
        var conversation = Conversation()
        var mirrored = conversation.toAcceptor
        var output = ByteQueue()
        // The id is its own, so it is refused even before the role is looked at.
        #expect(conversation.dialer.receive(&mirrored, output: &output) == .failed(.ownID))

        // Another member's hello with the dialer's role: a proof of the wrong role could come of it.
        var other = ByteQueue()
        _ = Handshake(role: .dialer, identity: identity("c"), secret: [], nonce: nonce(5), output: &other)
        var fresh = Conversation()
        #expect(fresh.dialer.receive(&other, output: &output) == .failed(.malformed))
    }

    @Test("refuses everything that was changed on the way: no byte of either hello is outside the proofs")
    func tampering() throws {
        let length = Conversation().toAcceptor.count
        for position in 4..<length - 4 {
            var conversation = Conversation()
            var payload = Array(conversation.toAcceptor.take(length)[5..<length - 4])
            guard position - 5 >= 0 && position - 5 < payload.count else { continue }
            payload[position - 5] ^= 1
            PeerFrame.append(.hello, to: &conversation.toAcceptor) { $0.writeRaw(payload) }
            conversation.run()
            if case .established = conversation.acceptorResult { Issue.record("byte \(position) is not covered") }
            if case .established = conversation.dialerResult { Issue.record("byte \(position) is not covered") }
        }
    }

    @Test("waits for more at every point where the bytes can end")
    func truncated() {
        let complete = Conversation().toAcceptor
        for count in 0..<complete.count {
            var conversation = Conversation()
            var part = ByteQueue()
            part.append(Array(complete.storage[..<count]))
            #expect(conversation.acceptor.receive(&part, output: &conversation.toDialer) == .needMore)
            #expect(conversation.toDialer.isEmpty)
        }
    }

    @Test("takes its bytes one at a time")
    func dripping() {
        var conversation = Conversation()
        var fromDialer = ByteQueue()
        var fromAcceptor = ByteQueue()
        swap(&fromDialer, &conversation.toAcceptor)
        for _ in 0..<2000 {
            if !fromDialer.isEmpty {
                conversation.toAcceptor.append(fromDialer.take(1))
                if conversation.acceptorResult == .needMore {
                    conversation.acceptorResult = conversation.acceptor.receive(
                        &conversation.toAcceptor, output: &fromAcceptor)
                }
            }
            if !fromAcceptor.isEmpty {
                conversation.toDialer.append(fromAcceptor.take(1))
                if conversation.dialerResult == .needMore {
                    conversation.dialerResult = conversation.dialer.receive(
                        &conversation.toDialer, output: &fromDialer)
                }
            }
        }
        #expect(conversation.dialerResult == .established(identity("b")))
        #expect(conversation.acceptorResult == .established(identity("a")))
    }

    @Test("leaves what follows it to the connection")
    func following() {
        var conversation = Conversation()
        _ = conversation.acceptor.receive(&conversation.toAcceptor, output: &conversation.toDialer)
        _ = conversation.dialer.receive(&conversation.toDialer, output: &conversation.toAcceptor)
        conversation.toAcceptor.append([1, 2, 3])
        let result = conversation.acceptor.receive(&conversation.toAcceptor, output: &conversation.toDialer)
        #expect(result == .established(identity("a")))
        #expect(conversation.toAcceptor.take(3) == [1, 2, 3])
    }

    @Test("refuses random bytes and never traps", arguments: 0..<200 as Range<UInt64>)
    func randomBytes(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var conversation = Conversation()
        let garbage = (0..<random.below(300)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        var input = ByteQueue()
        if random.chance(percent: 50) {
            // A well-formed frame around it: the checksum alone must not be what keeps it out.
            PeerFrame.append(random.chance(percent: 50) ? .hello : .proof, to: &input) { $0.writeRaw(garbage) }
        } else {
            input.append(garbage)
        }
        let result = conversation.acceptor.receive(&input, output: &conversation.toDialer)
        if case .established = result { Issue.record("seed \(seed) was let in") }
    }

    @Test("names a client port that was taken for a peer port")
    func httpOnThePeerPort() {
        var conversation = Conversation()
        var input = ByteQueue()
        input.append(Array("GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
        #expect(conversation.acceptor.receive(&input, output: &conversation.toDialer) == .failed(.malformed))
        #expect(HandshakeFailure.malformed.advice.contains("peer port"))
    }

    @Test("tells of another version, whatever else that version says")
    func otherVersion() {
        var conversation = Conversation()
        var input = ByteQueue()
        PeerFrame.append(.hello, to: &input) { writer in
            writer.writeRaw("CPHI")
            writer.write(UInt16(7))
            writer.write(UInt16(9))
            writer.writeRaw("something new")
        }
        let result = conversation.acceptor.receive(&input, output: &conversation.toDialer)
        #expect(result == .failed(.otherVersion(oldest: 7, newest: 9)))
        let answer = conversation.dialer.receive(&conversation.toDialer, output: &conversation.toAcceptor)
        #expect(answer == .failed(.refused(.otherVersion)))
    }

    @Test("speaks with a newer build that still speaks this version and says more")
    func newerBuild() throws {
        var bytes = PeerHello(role: .dialer, nonce: nonce(4), identity: identity("n")).encoded()
        bytes[6] = 2
        bytes.append(contentsOf: [1, 2, 3])
        #expect(try PeerHello(decoding: bytes).identity == identity("n"))
        bytes[6] = 1
        #expect(throws: PeerHello.Failure.malformed) { try PeerHello(decoding: bytes) }
    }

    @Test("says hello as docs/formats.md describes it, byte by byte")
    func layout() {
        var peer = identity("n", cluster: 0x0102, id: 0x0304)
        peer.boot = 5
        peer.featureLevel = 6
        let bytes = PeerHello(role: .acceptor, nonce: nonce(7), identity: peer).encoded()
        #expect(Array(bytes[0..<9]) == Array("CPHI".utf8) + [1, 0, 1, 0, 2])
        #expect(Array(bytes[9..<41]) == nonce(7))
        #expect(bytes[41] == 4 && bytes[42] == 3 && bytes[43..<57].allSatisfy { $0 == 0 })
        #expect(bytes[57] == 5 && bytes[58..<65].allSatisfy { $0 == 0 })
        #expect(bytes[65] == 2 && bytes[66] == 1 && bytes[67..<81].allSatisfy { $0 == 0 })
        #expect(Array(bytes[81..<88]) == [6, 0, 1, 0, 0, 0, UInt8(ascii: "n")])
        let texts = [peer.name, peer.peerAddress, peer.clientURL, peer.build]
        #expect(bytes.count == 83 + texts.reduce(0) { $0 + 4 + $1.utf8.count })
    }

    @Test("refuses a frame beyond the small limit as soon as its length is known")
    func tooLong() {
        var conversation = Conversation()
        var input = ByteQueue()
        input.append([0xFF, 0xFF, 0x00, 0x00])
        #expect(conversation.acceptor.receive(&input, output: &conversation.toDialer) == .failed(.malformed))
    }
}

@Suite("A frame between peers")
struct PeerFrameTests {
    @Test("comes out as it went in, also empty and behind consumed bytes")
    func roundTrip() throws {
        var queue = ByteQueue()
        queue.append([9, 9, 9])
        PeerFrame.append(.message, to: &queue) { $0.writeRaw([1, 2, 3]) }
        PeerFrame.append(.refusal, to: &queue) { _ in }
        queue.consume(3)
        let first = try #require(try PeerFrame.first(in: queue, payloadBytesMax: 3))
        #expect(first.kind == .message)
        #expect(Array(queue.storage[first.payload]) == [1, 2, 3])
        queue.consume(first.byteCount)
        let second = try #require(try PeerFrame.first(in: queue, payloadBytesMax: 0))
        #expect(second.kind == .refusal && second.payload.isEmpty)
        queue.consume(second.byteCount)
        #expect(queue.isEmpty)
        #expect(try PeerFrame.first(in: queue, payloadBytesMax: 0) == nil)
    }

    @Test("is refused with any single bit turned")
    func bits() throws {
        var queue = ByteQueue()
        PeerFrame.append(.message, to: &queue) { $0.writeRaw([1, 2, 3]) }
        let bytes = queue.take(queue.count)
        for bit in 0..<bytes.count * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            var input = ByteQueue()
            input.append(changed)
            let frame = try? PeerFrame.first(in: input, payloadBytesMax: 1 << 20)
            #expect(frame == nil, "bit \(bit)")
        }
    }

    @Test("is refused one byte above the limit, and for a kind that is not known")
    func limits() {
        var queue = ByteQueue()
        PeerFrame.append(.message, to: &queue) { $0.writeRaw([1, 2, 3]) }
        #expect(throws: PeerFrame.Failure.tooLong) { try PeerFrame.first(in: queue, payloadBytesMax: 2) }
        var short = ByteQueue()
        short.append([4, 0, 0, 0, 1, 1, 1, 1])
        #expect(throws: PeerFrame.Failure.tooShort) { try PeerFrame.first(in: short, payloadBytesMax: 100) }
        var unknown = ByteQueue()
        unknown.append([5, 0, 0, 0, 99])
        var writer = ByteWriter()
        writer.write(CRC32C.checksum([99]))
        unknown.append(writer.bytes)
        #expect(throws: PeerFrame.Failure.unknownKind(99)) { try PeerFrame.first(in: unknown, payloadBytesMax: 100) }
    }
}
