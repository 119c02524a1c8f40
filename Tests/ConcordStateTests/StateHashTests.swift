import ConcordBytes
import ConcordModel
import ConcordState
import Testing

@Suite struct StateHashTests {
    /// Commands that touch every kind of record.
    private static func story(_ machine: inout StateMachine) {
        machine.beginEntry(epoch: Epoch(2), clock: 17)
        machine.put("/config/a", "one", parents: true)
        machine.put("/config/a", "two")
        machine.put("/flat/key", needsParent: false)
        machine.sequential("/config", "s-")
        machine.increment("/count", by: -3)
        machine.set(.historyRevisionsMax, 5)
        let put = PutOperation(key: Key(text: "/x"), value: [0, 255], condition: .absent)
        for (number, retry) in [
            RetryIdentity.none, .key([1, 2]), .client(ClientCall(client: 77, sequence: 1, done: 0)), .key([1, 2]),
        ].enumerated() {
            let origin = Origin(member: 5, boot: 2, sequence: UInt64(number) + 1, done: UInt64(number) / 2)
            _ = machine.apply(
                Command(operation: .put(put), origin: origin, retry: retry, wallMilliseconds: UInt64(number)))
        }
        machine.delete("/config", recursive: true, batch: 2)
    }

    /// Swift seeds its hashing anew in every process; this number is the same in all of them, and in every build
    /// that follows the rules of feature level 1.
    @Test func `a fixed story has a fixed hash`() {
        var machine = StateMachine()
        #expect(machine.stateHash == 166_029_492_475_843_157_940_763_058_789_066_990_557)
        StateHashTests.story(&machine)
        #expect(machine.stateHash == 17_812_660_036_207_860_702_955_892_858_809_017_017)
        expectConsistent(machine)
    }

    @Test func `a flipped bit anywhere in a node is seen`() {
        var machine = StateMachine()
        StateHashTests.story(&machine)
        machine.put("/y", "value")
        for offset in 0..<7 {
            var damaged = machine
            #expect(damaged.damageStoredNode(Key(text: "/y"), byte: offset) == true)
            #expect(damaged.stateHash == machine.stateHash)
            #expect(damaged.recomputedHash() != damaged.stateHash)
        }
        var damaged = machine
        #expect(damaged.damageStoredNode(Key(text: "/y"), byte: 7) == false)
        #expect(damaged.damageStoredNode(.root, byte: 0) == false)
        expectConsistent(damaged)
        // The original shares its bytes with nobody that was damaged.
        expectConsistent(machine)
    }

    @Test func `damage that is written over in the present stays visible in the past`() {
        var machine = StateMachine()
        machine.put("/y", "value")
        _ = machine.damageStoredNode(Key(text: "/y"), byte: 3)
        machine.put("/y", "new")
        #expect(machine.recomputedHash() != machine.stateHash)
    }

    @Test func `two members that were told different things differ`() {
        var machine = StateMachine()
        StateHashTests.story(&machine)
        var hashes: [UInt128] = [machine.stateHash]
        for change in 0..<9 {
            var other = machine
            switch change {
            case 0: other.put("/z", nil)
            case 1: other.put("/z", "")
            case 2: other.put("/z", needsParent: false)
            case 3: other.set(.valueBytesMax, 77)
            case 4: other.beginEntry(epoch: Epoch(3), clock: 17)
            case 5: other.beginEntry(epoch: Epoch(2), clock: 18)
            case 6: other.change(add: [4])
            case 7: other.configure([MembershipTests.member(4)])
            default: _ = other.apply(Command(operation: .raiseFeatureLevel(1), retry: .key([9])))
            }
            expectConsistent(other)
            hashes.append(other.stateHash)
        }
        #expect(Set(hashes).count == hashes.count)
    }

    @Test func `a copy is a snapshot`() {
        var machine = StateMachine(settings: [SettingValue(.historyRevisionsMax, 3000)])
        var random = SeededRandom(seed: 4)
        for number in 0..<4000 { machine.put("/d\(random.below(40))/n\(number)", "v", parents: true) }
        let snapshot = machine
        let hash = snapshot.stateHash
        let names = snapshot.names("/d7", at: 3000)
        for number in 0..<4000 {
            if number % 2 == 0 { machine.put("/d\(random.below(40))/n\(random.below(4000))", "w", parents: true) }
            machine.delete("/d\(random.below(40))", recursive: true, batch: 20)
        }
        #expect(snapshot.stateHash == hash && snapshot.recomputedHash() == hash)
        #expect(snapshot.revision == Revision(4000) && snapshot.names("/d7", at: 3000) == names)
        expectConsistent(machine)
    }

    /// The retry tables under random requests: two machines agree, and the hash kept is the hash of what is there.
    @Test(arguments: 0..<40) func `machines agree on who was heard before`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let settings = [
            SettingValue(.clientsMax, 3), SettingValue(.idempotencyKeysMax, 6), SettingValue(.clientOpenMax, 3),
            SettingValue(.idempotencyBytesMax, 1500), SettingValue(.idempotencyKeptMilliseconds, 40),
            SettingValue(.clientKeptMilliseconds, 60), SettingValue(.historyRevisionsMax, 15),
        ]
        var one = StateMachine(settings: settings)
        var two = StateMachine(settings: settings)
        var clock: UInt64 = 0
        var effects: [UInt64: Operation] = [:]
        for step in 0..<400 {
            clock += random.below(4)
            let epoch = Epoch(1 + UInt64(step) / 100)
            let sequence = random.below(UInt64(step) / 8 + 3)
            let retry: RetryIdentity =
                switch random.below(3) {
                case 0: .none
                case 1:
                    .client(
                        ClientCall(
                            client: UInt128(random.below(5)), sequence: sequence, done: random.below(sequence + 1)))
                default: .key([UInt8(random.below(12))])
                }
            let origin = Origin(
                member: UInt128(random.below(3)), boot: 1 + UInt64(step) / 150, sequence: sequence,
                done: sequence - min(sequence, 1 + random.below(6)))
            let operation = Operation.increment(
                IncrementOperation(key: Key(text: "/n"), amount: Int64(random.below(3))))
            let command = Command(
                operation: operation, origin: random.chance(percent: 80) ? origin : nil, retry: retry)
            one.beginEntry(epoch: epoch, clock: clock)
            two.beginEntry(epoch: epoch, clock: clock)
            let revision = one.revision
            let outcome = one.apply(command)
            #expect(two.apply(command) == outcome && one.stateHash == two.stateHash, "seed \(seed)")
            #expect(one.stateHash == one.recomputedHash(), "seed \(seed) step \(step)")
            if step % 20 == 0 { two = try two.reloaded() }
            let took = one.revision > revision
            #expect(took == (outcome.result != nil && !outcome.replayed), "seed \(seed) step \(step)")
            if took { effects[one.revision.rawValue] = operation }
            if outcome.replayed, outcome.result != nil {
                #expect(effects[outcome.revision.rawValue] != nil, "seed \(seed) step \(step)")
            }
        }
    }
}
