import ConcordModel
import ConcordState
import Testing

@Suite struct SpeedTests {
    @Test func `a million nodes are made in seconds`() {
        for (label, origins) in [("plain", false), ("with origins", true)] {
            var machine = StateMachine()
            machine.put("/d")
            let value = [UInt8](repeating: 7, count: 100)
            let count: UInt64 = 1_000_000
            var commands: [Command] = []
            for number in 0..<count {
                let key = Key(text: "/d/node-\(10_000_000 + (number &* 7919) % count)")
                let origin = Origin(member: 5, boot: 1, sequence: number + 1, done: number > 64 ? number - 64 : 0)
                commands.append(Command(operation: .put(PutOperation(key: key, value: value)), origin: origins ? origin : nil))
            }
            let time = ContinuousClock().measure {
                for command in commands { _ = machine.apply(command) }
            }
            print(label, time, Double(count) / (Double(time.components.attoseconds) / 1e18 + Double(time.components.seconds)))
            let puts = ContinuousClock().measure { for command in commands.prefix(200000) { _ = machine.apply(Command(operation: command.operation)) } }
            print("200k replaced", puts)
            let hash = ContinuousClock().measure { #expect(machine.recomputedHash() == machine.stateHash) }
            print("hash", hash)
        }
    }
}
