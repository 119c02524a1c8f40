import ConcordSimulator
import Testing

@Suite struct StorageTrialTests {
    @Test func nothingDurableIsLostAndNothingIsInvented() {
        for seed: UInt64 in 40_001...40_200 {
            var trial = StorageTrial(seed: seed)
            trial.run()
            #expect(trial.problems.isEmpty, "seed \(seed): \(trial.problems.joined(separator: "; "))")
        }
    }

    @Test func theSameSeedIsTheSameTrial() {
        var hashes: Set<UInt64> = []
        for seed: UInt64 in 1...20 {
            var (one, other) = (StorageTrial(seed: seed), StorageTrial(seed: seed))
            one.run()
            other.run()
            #expect(one.hash == other.hash)
            hashes.insert(one.hash)
        }
        #expect(hashes.count == 20)
    }
}
