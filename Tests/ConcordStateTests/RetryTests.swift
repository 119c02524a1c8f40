import ConcordModel
import ConcordState
import Testing

private func command(
    _ operation: Operation, member: UInt128 = 1, boot: UInt64 = 1, _ sequence: UInt64, done: UInt64 = 0,
    retry: RetryIdentity = .none
) -> Command {
    Command(
        operation: operation, origin: Origin(member: member, boot: boot, sequence: sequence, done: done), retry: retry)
}

private func increment(_ key: String = "/n", by amount: Int64 = 1) -> Operation {
    .increment(IncrementOperation(key: Key(text: key), amount: amount))
}

@Suite struct OriginTests {
    @Test func `a write that is sent again finds its first outcome`() {
        var machine = StateMachine()
        let first = machine.apply(command(increment(), 1))
        machine.increment("/n", by: 100)
        let hash = machine.stateHash
        let again = machine.apply(command(increment(), 1))
        #expect(again.replayed && !again.valuesOmitted && !first.replayed)
        #expect(again.revision == Revision(1) && again.verdict == first.verdict)
        #expect(machine.value("/n") == "101" && machine.stateHash == hash)
        #expect(machine.apply(command(increment(), 2)).result?.number == 102)
        expectConsistent(machine)
    }

    @Test func `entries may arrive out of their order`() {
        var machine = StateMachine()
        #expect(machine.apply(command(increment(), 3)).result?.number == 1)
        #expect(machine.apply(command(increment(), 1)).result?.number == 2)
        #expect(machine.apply(command(increment(), 3)).result?.number == 1)
        #expect(machine.apply(command(increment(), 2)).result?.number == 3)
        #expect(machine.apply(command(increment(), 1)).result?.number == 2)
    }

    @Test func `what is done is forgotten, and refused without effect`() {
        var machine = StateMachine()
        for sequence in 1...4 as ClosedRange<UInt64> { _ = machine.apply(command(increment(), sequence)) }
        #expect(machine.apply(command(increment(), 5, done: 3)).result?.number == 5)
        let hash = machine.stateHash
        for sequence in 1...3 as ClosedRange<UInt64> {
            #expect(machine.apply(command(increment(), sequence)).code == .superseded)
        }
        #expect(machine.stateHash == hash)
        #expect(machine.apply(command(increment(), 4)).result?.number == 4)
        // A resend tells an older `done`; what was told once stays told.
        #expect(machine.apply(command(increment(), 6, done: 1)).result?.number == 6)
        #expect(machine.apply(command(increment(), 3)).code == .superseded)
        #expect(machine.apply(command(increment(), 7, done: 7)).code == .superseded)
        expectConsistent(machine)
    }

    @Test func `a newer boot ends the older one`() {
        var machine = StateMachine()
        _ = machine.apply(command(increment(), boot: 3, 1))
        _ = machine.apply(command(increment(), boot: 3, 2, done: 1))
        #expect(machine.apply(command(increment(), boot: 4, 1)).result?.number == 3)
        let hash = machine.stateHash
        #expect(machine.apply(command(increment(), boot: 3, 2)).code == .superseded)
        #expect(machine.apply(command(increment(), boot: 3, 9)).code == .superseded)
        #expect(machine.apply(command(increment(), boot: 2, 1)).code == .superseded)
        #expect(machine.stateHash == hash)
        // The sequences of the new boot begin anew.
        #expect(machine.apply(command(increment(), boot: 4, 2)).result?.number == 4)
        #expect(machine.apply(command(increment(), boot: 4, 1)).result?.number == 3)
        expectConsistent(machine)
    }

    @Test func `members do not know each other's sequences`() {
        var machine = StateMachine()
        _ = machine.apply(command(increment(), member: 1, 1))
        #expect(machine.apply(command(increment(), member: 2, 1)).result?.number == 2)
        #expect(machine.apply(command(increment(), member: UInt128.max, 1, done: 0)).result?.number == 3)
        #expect(machine.apply(command(increment(), member: 2, 1)).result?.number == 2)
    }

    @Test func `a refusal is an outcome, and stays one`() {
        var machine = StateMachine()
        let delete = Operation.delete(DeleteOperation(key: Key(text: "/n")))
        let create = Operation.put(PutOperation(key: Key(text: "/m"), value: [1], condition: .absent))
        machine.put("/m", "as it was")
        #expect(machine.apply(command(delete, 1)).code == .notFound)
        let refused = machine.apply(command(create, 2))
        machine.put("/n")
        machine.put("/m", "changed")
        #expect(machine.apply(command(delete, 1)).code == .notFound)
        let again = machine.apply(command(create, 2))
        #expect(again.replayed && again.verdict == refused.verdict && again.revision == Revision(1))
        #expect(again.refusal?.node?.value == Array("as it was".utf8))
        #expect(machine.node("/n") != nil)
    }

    @Test func `every kind of outcome is told again word for word`() {
        var machine = StateMachine()
        machine.put("/d/e/f", "x", parents: true)
        machine.put("/n", "41")
        let key = Key(text: "/k")
        let operations: [Operation] = [
            .put(PutOperation(key: key, value: [1])), .put(PutOperation(key: key, value: [2])),
            .createSequential(CreateSequentialOperation(parent: key, prefix: [0x61], value: nil, width: 5)),
            .createSequential(CreateSequentialOperation(parent: Key(text: "/no"), prefix: [], value: nil)),
            .createSequential(CreateSequentialOperation(parent: key, prefix: [0x2F], value: nil)),
            increment(), increment("/d/e/f"), increment("/x/y"),
            .delete(DeleteOperation(key: Key(text: "/d"))),
            .delete(DeleteOperation(key: Key(text: "/d"), recursive: true, batch: 1)),
            .delete(DeleteOperation(key: Key(text: "/d"), recursive: true)),
            .delete(DeleteOperation(key: Key(text: "/d"))),
            .put(PutOperation(key: Key(text: "/q/r"), value: nil)),
            .put(PutOperation(key: Key(text: "/q"), value: nil, condition: .exists)),
            .put(PutOperation(key: .root, value: nil)),
            .changeSettings([SettingValue(.clientsMax, 5)]), .changeSettings([SettingValue(.clientsMax, 0)]),
            .raiseFeatureLevel(1), .raiseFeatureLevel(0),
        ]
        var firsts: [Outcome] = []
        for (number, operation) in operations.enumerated() {
            firsts.append(machine.apply(command(operation, UInt64(number) + 1)))
        }
        machine.delete("/k", recursive: true)
        machine.put("/d")
        let hash = machine.stateHash
        for (number, operation) in operations.enumerated() {
            var expected = firsts[number]
            expected.replayed = true
            #expect(machine.apply(command(operation, UInt64(number) + 1)) == expected)
        }
        #expect(machine.stateHash == hash)
    }

    @Test func `below the floor an outcome is told without its nodes`() {
        var machine = StateMachine(settings: [SettingValue(.historyRevisionsMax, 2)])
        machine.put("/d")
        let put = Operation.put(PutOperation(key: Key(text: "/a"), value: [1]))
        let delete = Operation.delete(DeleteOperation(key: Key(text: "/d")))
        let create = Operation.put(PutOperation(key: Key(text: "/a"), value: [1], condition: .absent))
        let first = machine.apply(command(put, 1))
        let gone = machine.apply(command(delete, 2))
        let refused = machine.apply(command(create, 3))
        machine.put("/b")
        #expect(machine.historyFloor == Revision(3))
        let below = machine.apply(command(put, 1))
        #expect(below.replayed && below.valuesOmitted && below.revision == first.revision)
        #expect(below.result?.status == .created && below.result?.node == nil)
        let still = machine.apply(command(delete, 2))
        #expect(!still.valuesOmitted && still.verdict == gone.verdict)
        #expect(machine.apply(command(create, 3)).verdict == refused.verdict)
        machine.put("/b")
        #expect(machine.apply(command(delete, 2)).valuesOmitted)
        let omitted = machine.apply(command(create, 3))
        #expect(omitted.valuesOmitted && omitted.code == .alreadyExists && omitted.refusal?.node == nil)
    }

    @Test func `the present needs no history, but what was deleted does`() {
        var machine = StateMachine(settings: [SettingValue(.historyBytesMax, 0)])
        let put = Operation.put(PutOperation(key: Key(text: "/a"), value: [1]))
        let first = machine.apply(command(put, 1))
        #expect(machine.apply(command(put, 1)).verdict == first.verdict)
        let delete = Operation.delete(DeleteOperation(key: Key(text: "/a")))
        _ = machine.apply(command(delete, 2))
        let again = machine.apply(command(delete, 2))
        #expect(again.valuesOmitted && again.result?.number == 1 && again.result?.node == nil)
    }
}

@Suite struct ClientTests {
    private func call(_ sequence: UInt64, done: UInt64 = 0, client: UInt128 = 9, _ operation: Operation = increment())
        -> Command
    {
        Command(operation: operation, retry: .client(ClientCall(client: client, sequence: sequence, done: done)))
    }

    @Test func `a call takes effect once`() {
        var machine = StateMachine()
        let first = machine.apply(call(1))
        #expect(machine.apply(call(2)).result?.number == 2)
        let again = machine.apply(call(1))
        #expect(again.replayed && again.verdict == first.verdict && again.revision == first.revision)
        #expect(machine.apply(call(2, increment(by: 2))).code == .idempotencyConflict)
        #expect(machine.apply(call(2)).result?.number == 2)
        #expect(machine.value("/n") == "2")
        expectConsistent(machine)
    }

    @Test func `a call that is done is a conflict and has no effect`() {
        var machine = StateMachine()
        for sequence in 1...3 as ClosedRange<UInt64> { _ = machine.apply(call(sequence)) }
        #expect(machine.apply(call(4, done: 2)).result?.number == 4)
        #expect(machine.apply(call(2)).code == .conflict)
        #expect(machine.apply(call(1, done: 0)).code == .conflict)
        #expect(machine.apply(call(5, done: 5)).code == .conflict)
        #expect(machine.apply(call(3, done: 1)).replayed)
        #expect(machine.value("/n") == "4")
    }

    @Test func `an unknown client begins with its first call`() {
        var machine = StateMachine()
        #expect(machine.apply(call(2)).code == .clientExpired)
        #expect(machine.apply(call(0)).code == .conflict)
        #expect(machine.apply(call(1, done: 1)).code == .conflict)
        #expect(machine.revision == .zero)
        #expect(machine.apply(call(1)).result?.number == 1)
        #expect(machine.apply(call(2)).result?.number == 2)
    }

    @Test func `a client is forgotten when it was silent for long, and not sooner`() {
        var machine = StateMachine(settings: [SettingValue(.clientKeptMilliseconds, 1000)])
        machine.beginEntry(epoch: Epoch(1), clock: 500)
        _ = machine.apply(call(1))
        machine.beginEntry(epoch: Epoch(1), clock: 1500)
        #expect(machine.apply(call(1)).replayed)
        machine.beginEntry(epoch: Epoch(1), clock: 2500)
        #expect(machine.apply(call(2)).result?.number == 2)
        machine.beginEntry(epoch: Epoch(1), clock: 3501)
        #expect(machine.apply(call(3)).code == .clientExpired)
        #expect(machine.apply(call(1)).result?.number == 3)
        expectConsistent(machine)
    }

    @Test func `silent clients leave by themselves, those who speak stay`() {
        var machine = StateMachine(settings: [
            SettingValue(.clientKeptMilliseconds, 1000), SettingValue(.clientsMax, 3),
        ])
        for client in 1...3 as ClosedRange<UInt128> { _ = machine.apply(call(1, client: client)) }
        #expect(machine.apply(call(1, client: 4)).code == .overloaded)
        machine.beginEntry(epoch: Epoch(1), clock: 800)
        _ = machine.apply(call(2, client: 2))
        machine.beginEntry(epoch: Epoch(1), clock: 1001)
        #expect(machine.apply(call(1, client: 4)).result != nil)
        #expect(machine.apply(call(1, client: 5)).result != nil)
        #expect(machine.apply(call(1, client: 6)).code == .overloaded)
        #expect(machine.apply(call(3, client: 2)).result != nil)
        expectConsistent(machine)
    }

    @Test func `a client has so many calls open`() {
        var machine = StateMachine(settings: [SettingValue(.clientOpenMax, 3)])
        for sequence in 1...3 as ClosedRange<UInt64> { _ = machine.apply(call(sequence)) }
        let full = machine.apply(call(4))
        #expect(full.code == .overloaded && full.refusal?.setting == .clientOpenMax && machine.value("/n") == "3")
        #expect(machine.apply(call(3)).replayed)
        #expect(machine.apply(call(4, done: 1)).result?.number == 4)
        #expect(machine.apply(call(5, done: 1)).code == .overloaded)
        #expect(machine.apply(call(5, done: 4)).result?.number == 5)
    }
}

@Suite struct IdempotencyKeyTests {
    private func keyed(_ key: String, _ operation: Operation = increment()) -> Command {
        Command(operation: operation, retry: .key(Array(key.utf8)))
    }

    @Test func `a key takes effect once, and for one operation`() {
        var machine = StateMachine()
        let first = machine.apply(keyed("a"))
        #expect(machine.apply(keyed("b")).result?.number == 2)
        let again = machine.apply(keyed("a"))
        #expect(again.replayed && again.verdict == first.verdict)
        #expect(machine.apply(keyed("a", increment(by: 2))).code == .idempotencyConflict)
        #expect(machine.apply(keyed("a", .raiseFeatureLevel(9))).code == .idempotencyConflict)
        #expect(machine.value("/n") == "2" && machine.featureLevel == 1)
    }

    @Test func `a refusal is kept like any outcome`() {
        var machine = StateMachine()
        let delete = Operation.delete(DeleteOperation(key: Key(text: "/x")))
        #expect(machine.apply(keyed("d", delete)).code == .notFound)
        machine.put("/x")
        #expect(machine.apply(keyed("d", delete)).code == .notFound && machine.node("/x") != nil)
    }

    @Test func `a key is kept as long as promised, and then makes room`() {
        var machine = StateMachine(settings: [
            SettingValue(.idempotencyKeptMilliseconds, 1000), SettingValue(.idempotencyKeysMax, 2),
        ])
        machine.beginEntry(epoch: Epoch(1), clock: 10)
        _ = machine.apply(keyed("a"))
        machine.beginEntry(epoch: Epoch(1), clock: 20)
        _ = machine.apply(keyed("b"))
        machine.beginEntry(epoch: Epoch(1), clock: 1010)
        let full = machine.apply(keyed("c"))
        #expect(full.code == .overloaded && full.refusal?.setting == .idempotencyKeysMax)
        #expect(machine.apply(keyed("a")).replayed && machine.value("/n") == "2")
        machine.beginEntry(epoch: Epoch(1), clock: 1011)
        // That refusal was not stored: the same key may now do its work.
        #expect(machine.apply(keyed("c")).result?.number == 3)
        #expect(machine.apply(keyed("b")).replayed)
        expectConsistent(machine)
    }

    @Test func `clients and keys share their bytes`() {
        let record = StateLimits.retryRecordBytes
        var machine = StateMachine(settings: [SettingValue(.idempotencyBytesMax, 3 * record + 1)])
        let client = Command(operation: increment(), retry: .client(ClientCall(client: 1, sequence: 1, done: 0)))
        #expect(machine.apply(keyed("12")).result?.number == 1)
        #expect(machine.apply(client).code == .overloaded)
        machine.set(.idempotencyBytesMax, 3 * record + 2)
        #expect(machine.apply(client).result?.number == 2)
        let full = machine.apply(keyed("1"))
        #expect(full.code == .overloaded && full.refusal?.setting == .idempotencyBytesMax)
        let second = Command(operation: increment(), retry: .client(ClientCall(client: 1, sequence: 2, done: 1)))
        #expect(machine.apply(second).result?.number == 3)
        // Everything old goes when somebody needs the room.
        machine.beginEntry(epoch: Epoch(1), clock: 600_001)
        #expect(machine.apply(keyed("1")).result?.number == 4)
        #expect(machine.apply(client).result?.number == 5)
        expectConsistent(machine)
    }

    @Test func `old keys go a few at a time`() {
        var machine = StateMachine(settings: [SettingValue(.idempotencyKeptMilliseconds, 1)])
        for number in 0..<100 { _ = machine.apply(keyed("k\(number)")) }
        machine.beginEntry(epoch: Epoch(1), clock: 2)
        machine.increment("/n")
        // The oldest are gone by the order of clock and name; the others still answer.
        #expect(machine.apply(keyed("k99")).replayed)
        #expect(machine.apply(keyed("k0")).replayed == false)
        expectConsistent(machine)
    }
}

@Suite struct MixedIdentityTests {
    private let key = RetryIdentity.key([0x6B])

    @Test func `a client's retry through another member finds the first outcome, and both records answer`() {
        var machine = StateMachine()
        let first = machine.apply(command(increment(), member: 1, 1, retry: key))
        let second = machine.apply(command(increment(), member: 2, 1, retry: key))
        #expect(!first.replayed && second.replayed && second.verdict == first.verdict)
        // The client's own record is gone; each member still finds what it was told.
        machine.beginEntry(epoch: Epoch(1), clock: 700_000)
        machine.increment("/m")
        for member in [1, 2] as [UInt128] {
            let again = machine.apply(command(increment(), member: member, 1, retry: key))
            #expect(again.replayed && again.verdict == first.verdict)
        }
        #expect(machine.apply(command(increment(), member: 1, 2, retry: key)).result?.number == 2)
        expectConsistent(machine)
    }

    @Test func `a refusal that the tables do not keep stays true for the member that told it`() {
        var machine = StateMachine(settings: [SettingValue(.idempotencyKeysMax, 1)])
        _ = machine.apply(Command(operation: increment(), retry: .key([1])))
        #expect(machine.apply(command(increment(), 1, retry: key)).code == .overloaded)
        machine.set(.idempotencyKeysMax, 2)
        // The entry that was sent twice must not take effect after its sender said 429.
        #expect(machine.apply(command(increment(), 1, retry: key)).code == .overloaded)
        #expect(machine.apply(command(increment(), 2, retry: key)).result?.number == 2)
    }

    @Test func `a conflict of identities is stored for its origin only`() {
        var machine = StateMachine()
        _ = machine.apply(command(increment(), 1, retry: key))
        let other = command(increment(by: 5), 2, retry: key)
        #expect(machine.apply(other).code == .idempotencyConflict)
        let again = machine.apply(other)
        #expect(again.code == .idempotencyConflict && again.replayed)
        #expect(machine.apply(command(increment(), 3, retry: key)).result?.number == 1)
    }

    @Test func `a superseded command does not reach the client's record`() {
        var machine = StateMachine()
        _ = machine.apply(command(increment(), 1))
        _ = machine.apply(command(increment(), 2, done: 1))
        #expect(machine.apply(command(increment(), 1, retry: key)).code == .superseded)
        #expect(machine.apply(command(increment(), 3, retry: key)).result?.number == 3)
    }
}
