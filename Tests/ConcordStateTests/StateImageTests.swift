import ConcordBytes
import ConcordModel
import ConcordState
import Testing

/// The image of a state: what comes back is the state, and nothing else is taken for one. That a machine goes on from
/// its image as from itself is held by `ModelTests` and `StateHashTests`, with random commands.
@Suite struct StateImageTests {
    /// A state with every kind of record: values and none, lives one after the other, nodes that no parent counts,
    /// sequential names, a dropped history, clients, keys and origins.
    private static var story: StateMachine {
        var machine = StateMachine(settings: [SettingValue(.historyRevisionsMax, 12)])
        machine.beginEntry(epoch: Epoch(3), clock: 500)
        for round in 0..<4 {
            machine.put("/a/b/c", "value \(round)", parents: true)
            machine.put("/a/b/none", nil)
            machine.sequential("/a", "job-")
            machine.put("flat/x", "uncounted", needsParent: false)
            machine.increment("/n", by: 5)
            machine.delete("/a/b", recursive: true)
        }
        machine.put("/a/b/c", "last", parents: true)
        let origin = Origin(member: 9, boot: 2, sequence: 4, done: 3)
        for (retry, key) in [
            (RetryIdentity.client(ClientCall(client: 77, sequence: 1, done: 0)), "/by-client"),
            (.key([0x6B, 0x65, 0x79]), "/by-key"), (.none, "/n"),
        ] {
            let put = PutOperation(key: Key(text: key), value: [1], condition: .absent)
            let isLast = retry == .none
            _ = machine.apply(Command(operation: .put(put), origin: isLast ? origin : nil, retry: retry))
        }
        return machine
    }

    @Test func `a state comes back from its image, however that is cut`() throws {
        let machine = StateImageTests.story
        let whole = machine.image(pieceBytes: 1 << 20)
        #expect(whole.count == 1)
        for pieceBytes in [1, 100, 1000] {
            let pieces = machine.image(pieceBytes: pieceBytes)
            #expect(pieces.flatMap(\.self) == whole[0])
            #expect(pieceBytes > 1 || pieces.count > 30)
            let copy = try StateMachine.read(pieces)
            expectSame(copy, machine)
            #expect(copy.image(pieceBytes: 1 << 20) == whole)
        }
    }

    private func expectSame(_ copy: StateMachine, _ machine: StateMachine) {
        #expect(copy.stateHash == machine.stateHash && copy.recomputedHash() == machine.stateHash)
        #expect(copy.revision == machine.revision && copy.epoch == machine.epoch && copy.clock == machine.clock)
        #expect(copy.historyFloor == machine.historyFloor && copy.nodesCount == machine.nodesCount)
        let first = machine.historyFloor.rawValue
        for revision in first...machine.revision.rawValue {
            for key in ["/a", "/a/b", "/a/b/c", "/a/b/none", "flat/x", "/n", "/by-key"] {
                #expect(copy.node(key, at: revision) == machine.node(key, at: revision))
            }
            #expect(copy.names("/a", at: revision) == machine.names("/a", at: revision))
        }
        #expect(
            copy.events(after: Revision(first - 1), limit: 100)
                == machine.events(after: Revision(first - 1), limit: 100))
    }

    @Test func `an empty state has an image`() throws {
        let machine = StateMachine()
        let copy = try machine.reloaded()
        #expect(copy.stateHash == machine.stateHash)
    }

    /// A state that was too full of events for its settings is dropped in steps; an image may be made in between.
    @Test func `the image of a state goes with what it was made of, and not with what came later`() throws {
        var machine = StateImageTests.story
        let hash = machine.stateHash
        var writer = StateImageWriter(machine)
        var reader = StateImageReader()
        while let piece = writer.next(bytes: 64) {
            machine.put("/later", "\(machine.revision.rawValue)")
            machine.set(.historyRevisionsMax, 1)
            try reader.read(piece)
        }
        #expect(try reader.finish().stateHash == hash)
    }

    /// Every byte says something that the state hash, or a rule, would miss.
    @Test func `a flipped bit anywhere in an image is an error`() throws {
        let image = StateImageTests.story.image(pieceBytes: 1 << 20)[0]
        for position in image.indices {
            for bit in [UInt8(1), 128] {
                var damaged = image
                damaged[position] ^= bit
                #expect(throws: StateImageError.self, "byte \(position), bit \(bit)") {
                    try StateMachine.read([damaged])
                }
            }
        }
    }

    @Test func `an image that ends early, goes on or is another one is an error`() throws {
        let image = StateImageTests.story.image(pieceBytes: 1 << 20)[0]
        for end in 0..<image.count {
            #expect(throws: StateImageError.self) { try StateMachine.read([Array(image[..<end])]) }
        }
        #expect(throws: StateImageError.self) { try StateMachine.read([image, image]) }
        let records = StateImageTests.story.image(pieceBytes: 1)
        for missing in records.indices {
            var rest = records
            rest.remove(at: missing)
            #expect(throws: StateImageError.self) { try StateMachine.read(rest) }
            // Two events of one revision may change places unseen: the sum of digests knows no order.
            guard missing > 0,
                StateImageTests.revisionOfEvent(records[missing]) == nil
                    || StateImageTests.revisionOfEvent(records[missing])
                        != StateImageTests.revisionOfEvent(records[missing - 1])
            else { continue }
            rest.insert(records[missing], at: missing - 1)
            #expect(throws: StateImageError.self) { try StateMachine.read(rest) }
        }
    }

    private static func revisionOfEvent(_ record: [UInt8]) -> ArraySlice<UInt8>? {
        record[0] == 4 ? record[3..<11] : nil
    }

    @Test func `an image of a later version is named as that`() {
        var image = StateImageTests.story.image(pieceBytes: 1 << 20)[0]
        image[1] = 3
        #expect(throws: StateImageError.newerVersion(3)) { try StateMachine.read([image]) }
    }

    /// Reads an image as somebody would have made it who knows where the hash of a state stands.
    private static func readForged(_ records: [[UInt8]]) -> StateMachine? {
        do throws(StateImageError) { return try StateMachine.read(records) } catch {
            guard case .otherHash(let hash) = error else { return nil }
            var writer = ByteWriter()
            writer.write(hash)
            var forged = records
            forged[0].replaceSubrange(StateImage.hashBytes, with: writer.bytes)
            return try? StateMachine.read(forged)
        }
    }

    /// Random changes, with the hash of the result put into the image: what is still taken must be a state that
    /// bears any command.
    @Test(arguments: 0..<40) func `a forged image is refused or bears what comes`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let records = StateImageTests.story.image(pieceBytes: 1)
        var taken = 0
        for _ in 0..<300 {
            var forged = records
            for _ in 0...random.below(2) {
                let record = Int(random.below(UInt64(forged.count)))
                let byte = Int(random.below(UInt64(forged[record].count)))
                forged[record][byte] = random.chance(percent: 50) ? UInt8(random.below(4)) : UInt8(random.below(256))
            }
            guard var machine = StateImageTests.readForged(forged) else { continue }
            taken += 1
            for round in 0..<3 {
                machine.beginEntry(epoch: Epoch(9), clock: machine.clock + 700_000 * UInt64(round))
                machine.put("/a/b/c", "new", parents: true)
                machine.sequential("/a", "job-")
                machine.delete("/a", recursive: true)
                machine.delete("flat/x")
                machine.put("/a/b", nil, parents: true)
                let origin = Origin(member: 9, boot: 3, sequence: UInt64(round) + 1, done: UInt64(round))
                let call = ClientCall(client: 77, sequence: UInt64(round) + 2, done: UInt64(round) + 1)
                let put = PutOperation(key: Key(text: "/q"), value: [UInt8(round)])
                _ = machine.apply(Command(operation: .put(put), origin: origin, retry: .client(call)))
                machine.set(.historyRevisionsMax, 1)
            }
            #expect(machine.recomputedHash() == machine.stateHash)
        }
        #expect(taken > 0)
    }
}
