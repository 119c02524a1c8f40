import ConcordModel
import ConcordRaft
import ConcordReplica
import Testing

/// How much of the log one turn applies.
@Suite struct ApplyTurnTests {
    /// A leader that applies too much at once says nothing meanwhile, and is taken for dead.
    @Test func aTurnAppliesAboutAMebibyteHoweverLargeTheCommandsAre() {
        var harness = MemberHarness(members: 1)
        _ = harness.elect()
        let value = String(repeating: "v", count: 600 << 10)
        for number in 0..<12 {
            harness.request(UInt64(number), at: 0, harness.put("/large-\(number)", value))
            harness.settle()
        }
        let last = harness.replicas[0].appliedIndex
        #expect(harness.replies.count == 12 && harness.replies.allSatisfy { $0.isApplied })
        harness.restart(0)
        var applied: [UInt64] = []
        for _ in 0..<200 where harness.replicas[0].appliedIndex < last {
            let before = harness.replicas[0].appliedIndex
            if before == .zero { harness.now += 10 }
            harness.replicas[0].step(.tick(now: harness.now, wallMilliseconds: 1))
            let effects = harness.replicas[0].takeEffects()
            if let write = effects.logWrites.last { harness.replicas[0].step(.logDurable(write.sequence)) }
            let after = harness.replicas[0].appliedIndex
            if after > before { applied.append(after.rawValue - before.rawValue) }
            guard after > .zero, after < last else { continue }
            #expect(harness.replicas[0].nextDeadline <= harness.now, "the rest waits for nothing")
        }
        #expect(harness.replicas[0].appliedIndex >= last)
        #expect(applied.max() ?? 0 <= 3 && applied.count >= 6, "\(applied)")
    }
}
