import ConcordModel
import ConcordState
import Testing

@Suite struct LimitTests {
    private func expectRefused(
        _ outcome: Outcome, _ code: RefusalCode, _ setting: Setting, _ number: UInt64,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome.code == code, sourceLocation: sourceLocation)
        #expect(outcome.refusal?.setting == setting, sourceLocation: sourceLocation)
        #expect(outcome.refusal?.number == number, sourceLocation: sourceLocation)
    }

    @Test func `a value is as long as allowed and not longer`() {
        var machine = StateMachine(settings: [SettingValue(.valueBytesMax, 3)])
        #expect(machine.put("/a", "abc").result != nil)
        expectRefused(machine.put("/a", "abcd"), .tooLarge, .valueBytesMax, 3)
        expectRefused(machine.put("/b", "abcd"), .tooLarge, .valueBytesMax, 3)
        #expect(machine.increment("/n", by: 998).result != nil)
        #expect(machine.increment("/n", by: 1).result != nil)
        expectRefused(machine.increment("/n", by: 1), .tooLarge, .valueBytesMax, 3)
        expectRefused(machine.increment("/m", by: 1000), .tooLarge, .valueBytesMax, 3)
        #expect(machine.revision == Revision(3))
    }

    @Test func `a key is as long and as deep as allowed and not more`() {
        var machine = StateMachine(settings: [SettingValue(.keyBytesMax, 8), SettingValue(.keyLevelsMax, 3)])
        #expect(machine.put("/1234567").result != nil)
        expectRefused(machine.put("/12345678"), .tooLarge, .keyBytesMax, 8)
        #expect(machine.put("/a/b/c", parents: true).result != nil)
        expectRefused(machine.put("/a/b/c/d"), .limitExceeded, .keyLevelsMax, 3)
        #expect(machine.sequential("/", "a", width: 6).result?.key.text == "/a000001")
        expectRefused(machine.sequential("/", "a", width: 7), .tooLarge, .keyBytesMax, 8)
        expectRefused(machine.sequential("/a/b/c", "", width: 1), .limitExceeded, .keyLevelsMax, 3)
        expectRefused(machine.increment("/12345678"), .tooLarge, .keyBytesMax, 8)
        // What became too long by a later setting can still go.
        machine.set(.keyBytesMax, 2)
        #expect(machine.delete("/1234567").result != nil)
        #expect(machine.put("/a/b/c").code == .tooLarge)
    }

    @Test func `the longest keys that a log can carry do no harm`() {
        var machine = StateMachine(settings: [SettingValue(.keyBytesMax, 65_535)])
        let longest = Key([0x2F] + [UInt8](repeating: 0x61, count: 65_534))
        #expect(machine.apply(Command(operation: .put(PutOperation(key: longest, value: nil)))).result != nil)
        #expect(machine.answer(.node(NodeQuery(key: longest))) != .notFound)
        let longer = Key(longest.bytes + [0x61])
        #expect(machine.apply(Command(operation: .put(PutOperation(key: longer, value: nil)))).code == .tooLarge)
        let child = CreateSequentialOperation(parent: longest, prefix: longest.bytes.filter { $0 != 0x2F }, value: nil)
        #expect(machine.apply(Command(operation: .createSequential(child))).code == .tooLarge)
        #expect(machine.apply(Command(operation: .delete(DeleteOperation(key: longer)))).code == .notFound)
        expectConsistent(machine)
    }

    @Test func `the state holds so many nodes`() {
        var machine = StateMachine(settings: [SettingValue(.stateNodesMax, 3)])
        expectRefused(machine.put("/a/b/c/d", parents: true), .noSpace, .stateNodesMax, 3)
        #expect(machine.put("/a/b/c", parents: true).result != nil)
        expectRefused(machine.put("/d"), .noSpace, .stateNodesMax, 3)
        expectRefused(machine.increment("/d"), .noSpace, .stateNodesMax, 3)
        expectRefused(machine.sequential("/"), .noSpace, .stateNodesMax, 3)
        #expect(machine.put("/a", "replaced").result?.status == .replaced)
        #expect(machine.delete("/a/b/c").result != nil)
        #expect(machine.put("/d").result != nil)
    }

    @Test func `the state holds so many encoded bytes, and deletes are always allowed`() {
        let nodeBytes = StateLimits.nodeBytes
        var machine = StateMachine(settings: [SettingValue(.stateBytesMax, 2 * nodeBytes + 2 + 2 + 10)])
        #expect(machine.put("/a", "12345").result != nil)
        #expect(machine.put("/b", "12345").result != nil)
        let max = machine.setting(.stateBytesMax)
        expectRefused(machine.put("/b", "123456"), .noSpace, .stateBytesMax, max)
        expectRefused(machine.put("/c", nil), .noSpace, .stateBytesMax, max)
        #expect(machine.put("/b", "54321").result != nil)
        machine.set(.stateBytesMax, 1)
        #expect(machine.put("/b", "5432").result != nil)
        #expect(machine.put("/b", "4321").result != nil)
        expectRefused(machine.put("/b", "54321"), .noSpace, .stateBytesMax, 1)
        #expect(machine.delete("/b").result != nil && machine.delete("/a").result != nil)
        expectRefused(machine.put("/a", nil), .noSpace, .stateBytesMax, 1)
        machine.set(.stateBytesMax, nodeBytes + 2)
        #expect(machine.put("/a", nil).result != nil)
        expectConsistent(machine)
    }

    @Test func `settings change all or none, and move no revision`() {
        var machine = StateMachine()
        machine.put("/a")
        let changes = [SettingValue(.valueBytesMax, 5), SettingValue(.stateNodesMax, 0)]
        let refused = machine.apply(Command(operation: .changeSettings(changes)))
        expectRefused(refused, .invalidRequest, .stateNodesMax, 0)
        #expect(refused.refusal?.key == nil && machine.setting(.valueBytesMax) == 1 << 20)
        for setting in Setting.allCases {
            let (low, high) = (setting.range.lowerBound, setting.range.upperBound)
            var copy = machine
            #expect(copy.set(setting, low).result?.status == .settingsChanged && copy.setting(setting) == low)
            #expect(copy.set(setting, high).result != nil && copy.setting(setting) == high)
            #expect(copy.set(setting, high + 1).code == .invalidRequest)
            if low > 0 { #expect(copy.set(setting, low - 1).code == .invalidRequest) }
            #expect(copy.setting(setting) == high && copy.revision == Revision(1))
            #expect(copy.stateHash != machine.stateHash)
            expectConsistent(copy)
        }
        let twice = [SettingValue(.valueBytesMax, 5), SettingValue(.valueBytesMax, 6)]
        #expect(machine.apply(Command(operation: .changeSettings(twice))).code == .invalidRequest)
        #expect(machine.apply(Command(operation: .changeSettings([]))).result?.status == .settingsChanged)
        guard case .settings(let all, let level) = machine.answer(.settings) else {
            Issue.record("no settings were answered")
            return
        }
        #expect(all == Setting.allCases.map { SettingValue($0, $0.standard) } && level == 1)
    }

    @Test func `the feature level only rises`() {
        var machine = StateMachine()
        #expect(machine.featureLevel == 1)
        #expect(machine.apply(Command(operation: .raiseFeatureLevel(0))).code == .invalidRequest)
        let hash = machine.stateHash
        #expect(machine.apply(Command(operation: .raiseFeatureLevel(1))).result?.status == .settingsChanged)
        #expect(machine.stateHash == hash)
        #expect(machine.apply(Command(operation: .raiseFeatureLevel(7))).result?.status == .settingsChanged)
        #expect(machine.featureLevel == 7 && machine.revision == .zero && machine.stateHash != hash)
        #expect(machine.apply(Command(operation: .raiseFeatureLevel(6), featureLevel: 7)).code == .invalidRequest)
        expectConsistent(machine)
    }
}
