import ConcordBytes
import ConcordModel
import ConcordState
import Testing

@Suite struct StateScrubTests {
    /// A state with every kind of record, many of each.
    private func machine() -> StateMachine {
        var machine = StateMachine()
        machine.beginEntry(epoch: Epoch(2), clock: 17)
        for number in 0..<300 {
            let key = Key(text: "/d\(number % 9)/n\(number)")
            let put = PutOperation(key: key, value: [1, 2, 3], createsParents: true)
            let retry: RetryIdentity =
                number % 3 == 0
                ? .key([UInt8(number % 251), 7, UInt8(number / 251)])
                : .client(ClientCall(client: UInt128(number), sequence: 1, done: 0))
            _ = machine.apply(
                Command(
                    operation: .put(put),
                    origin: Origin(member: UInt128(number % 4), boot: 1, sequence: UInt64(number) + 1, done: 0),
                    retry: retry))
        }
        machine.delete("/d3", recursive: true)
        return machine
    }

    /// - Returns: whether it is sound, and in how many steps that was found.
    private func scrub(_ machine: StateMachine, records: Int = 7, bytes: Int = 1 << 20) -> (Bool, steps: Int) {
        var scrub = StateScrub(machine)
        var steps = 1
        while true {
            if let isSound = scrub.advance(records: records, bytes: bytes) { return (isSound, steps) }
            steps += 1
        }
    }

    @Test func `a pass reads every record once, in steps of a bounded size`() {
        let machine = machine()
        expectConsistent(machine)
        let count = Int(StateScrub(machine).recordsCount)
        #expect(count > 1000)
        let (isSound, steps) = scrub(machine)
        #expect(isSound)
        #expect(steps == count / 7 + 1)
        #expect(scrub(machine, records: .max) == (true, 1))
        // Bytes bound a step as well, but for one record.
        #expect(scrub(machine, records: .max, bytes: 1).steps > count - 4)
    }

    @Test func `a byte that changed anywhere is found`() {
        let machine = machine()
        for offset in 0..<9 {
            var damaged = machine
            #expect(damaged.damageStoredNode(Key(text: "/d5/n5"), byte: offset) == true)
            #expect(damaged.stateHash == machine.stateHash && !scrub(damaged).0, "byte \(offset)")
        }
        for position in [0, 150, machine.retainedEventsCount - 1] {
            var damaged = machine
            #expect(damaged.damageHistory(at: position, isConsistent: false) == true)
            #expect(damaged.stateHash == machine.stateHash && !scrub(damaged).0, "event \(position)")
        }
        var damaged = machine
        #expect(damaged.damageFirstOutcome() == true)
        #expect(damaged.stateHash == machine.stateHash && !scrub(damaged).0)
    }

    @Test func `another decision is sound and has another hash`() {
        let machine = machine()
        var other = machine
        #expect(other.damageHistory(at: 9, isConsistent: true) == true)
        #expect(other.stateHash != machine.stateHash && scrub(other).0)
        #expect(other.damageHistory(at: other.retainedEventsCount, isConsistent: true) == false)
    }

    @Test func `a pass is of the state as it was when it began`() {
        var machine = machine()
        var scrub = StateScrub(machine)
        var isSound: Bool?
        var number = 0
        while isSound == nil {
            isSound = scrub.advance(records: 20, bytes: 1 << 20)
            machine.put("/d1/n\(number % 50)", "changed \(number)")
            machine.delete("/d2/n\(2 + number % 30 * 9)")
            number += 1
        }
        #expect(isSound == true)
        expectConsistent(machine)
    }

    @Test func `an image of memory that changed is not sound`() {
        func isSound(_ machine: StateMachine) -> Bool {
            var writer = StateImageWriter(machine)
            while writer.next(bytes: 500) != nil {}
            return writer.isSound
        }
        var machine = machine()
        #expect(isSound(machine))
        let good = machine
        _ = machine.damageStoredNode(Key(text: "/d5/n5"), byte: 8)
        #expect(!isSound(machine))
        machine = good
        _ = machine.damageHistory(at: 40, isConsistent: false)
        #expect(!isSound(machine))
        machine = good
        _ = machine.damageFirstOutcome()
        #expect(!isSound(machine))
    }
}
