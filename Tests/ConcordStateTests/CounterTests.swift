import ConcordModel
import ConcordState
import Testing

@Suite struct CounterTests {
    @Test func `a counter is made by its first increment, below a parent that exists`() {
        var machine = StateMachine()
        #expect(machine.increment("/a/n").code == .parentNotFound)
        let made = machine.increment("/n", by: -7)
        #expect(made.result?.status == .created && made.result?.number == -7 && machine.value("/n") == "-7")
        let raised = machine.increment("/n", by: 10)
        #expect(raised.result?.status == .replaced && raised.result?.number == 3 && machine.value("/n") == "3")
        #expect(machine.node("/n")?.version == 2)
    }

    @Test(arguments: ["", "-", "-0", "00", "007", "+1", " 1", "1 ", "1.0", "0x1", "9223372036854775808", "١", "1e3"])
    func `only a number in its one form is counted on`(value: String) {
        var machine = StateMachine()
        machine.put("/n", value)
        #expect(machine.increment("/n").code == .conflict)
        #expect(machine.value("/n") == value && machine.revision == Revision(1))
    }

    @Test func `a directory without a value is no counter`() {
        var machine = StateMachine()
        machine.put("/n", nil)
        #expect(machine.increment("/n").code == .conflict)
    }

    @Test func `a counter stops at the end of the numbers`() {
        var machine = StateMachine()
        machine.put("/n", String(Int64.max - 1))
        #expect(machine.increment("/n").result?.number == Int64.max)
        #expect(machine.increment("/n").code == .conflict)
        #expect(machine.value("/n") == String(Int64.max))
        #expect(machine.increment("/n", by: Int64.min).result?.number == -1)
        #expect(machine.increment("/n", by: Int64.min).code == .conflict)
        #expect(machine.increment("/m", by: Int64.min).result?.number == Int64.min)
        #expect(machine.increment("/m", by: 0).result?.number == Int64.min)
    }
}

@Suite struct SequentialTests {
    @Test func `names begin with 1 and take twenty digits`() {
        var machine = StateMachine()
        machine.put("/q")
        let first = machine.sequential("/q", "item-")
        #expect(first.result?.key.text == "/q/item-00000000000000000001")
        #expect(first.result?.number == 1 && first.result?.status == .created)
        #expect(first.result?.node?.key == first.result?.key)
        #expect(machine.sequential("/q", "other-").result?.number == 2)
        #expect(machine.sequential("/q", "", width: 3).result?.key.text == "/q/003")
        machine.delete("/q/003")
        #expect(machine.sequential("/q", "", width: 3).result?.key.text == "/q/004")
        #expect(machine.node("/q")?.childrenCount == 3 && machine.node("/q")?.childVersion == 5)
        expectConsistent(machine)
    }

    @Test func `a missing parent is refused or made`() {
        var machine = StateMachine()
        let refused = machine.sequential("/a/q")
        #expect(refused.code == .parentNotFound && refused.refusal?.key == Key(text: "/a/q"))
        let made = machine.sequential("/a/q", "i", width: 2, parents: true)
        #expect(made.result?.key.text == "/a/q/i01" && machine.nodesCount == 3 && machine.revision == Revision(1))
    }

    @Test func `a name made by hand is passed over, and ever more are refused`() {
        var machine = StateMachine()
        machine.put("/q")
        for number in 1...3 { machine.put("/q/0\(number)") }
        #expect(machine.sequential("/q", width: 2).result?.number == 4)
        for number in 5...1004 { machine.put("/q/\(String(repeating: "0", count: 4 - "\(number)".count))\(number)") }
        #expect(machine.sequential("/q", width: 4).code == .conflict)
        #expect(machine.sequential("/q", "free-", width: 4).result?.number == 5)
        #expect(machine.sequential("/q", width: 4).result?.number == 1005)
    }

    @Test func `an exhausted width is refused and the order never inverts`() {
        var machine = StateMachine()
        machine.put("/q")
        for number in 1...9 { #expect(machine.sequential("/q", width: 1).result?.number == Int64(number)) }
        let revision = machine.revision
        #expect(machine.sequential("/q", width: 1).code == .limitExceeded)
        #expect(machine.revision == revision)
        #expect(machine.sequential("/q", width: 2).result?.key.text == "/q/10")
        #expect(machine.sequential("/q", width: 1).code == .limitExceeded)
    }

    @Test(arguments: [1 << 31 - 2, 1 << 32 - 2, 1 << 53 - 2, 9_999_999_998, 1 << 63 - 4] as [UInt64])
    func `names keep their order around`(number: UInt64) throws {
        var machine = StateMachine()
        machine.put("/q")
        #expect(machine.setSequentialCounter(of: Key(text: "/q"), to: number) == false)
        machine.sequential("/q")
        #expect(machine.setSequentialCounter(of: Key(text: "/q"), to: number) == true)
        expectConsistent(machine)
        var keys: [Key] = []
        for step in 1...3 as ClosedRange<UInt64> {
            let result = try #require(machine.sequential("/q").result)
            #expect(result.number == Int64(number + step))
            keys.append(result.key)
        }
        #expect(keys == keys.sorted() && Set(keys).count == 3)
        let isAtTheEnd = number + 3 == UInt64(Int64.max)
        #expect((machine.sequential("/q").code == .limitExceeded) == isAtTheEnd)
        #expect((machine.sequential("/q").code == .limitExceeded) == isAtTheEnd)
        expectConsistent(machine)
    }

    @Test func `a prefix that would make another parent is refused`() {
        var machine = StateMachine()
        machine.put("/q")
        #expect(machine.sequential("/q", "a/b").code == .invalidRequest)
        #expect(machine.sequential("/q", "/").code == .invalidRequest)
        #expect(machine.sequential("/q", width: 0).code == .invalidRequest)
        #expect(machine.sequential("/q", width: 21).code == .invalidRequest)
        #expect(machine.revision == Revision(1))
    }

    @Test func `a parent made again counts from the beginning`() {
        var machine = StateMachine()
        machine.put("/q")
        machine.sequential("/q")
        machine.delete("/q", recursive: true)
        machine.put("/q")
        #expect(machine.sequential("/q").result?.number == 1)
        expectConsistent(machine)
    }
}
