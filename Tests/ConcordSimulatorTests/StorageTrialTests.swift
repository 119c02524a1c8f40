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

    @Test func itComesToEverythingThatItIsFor() {
        var counts = StorageTrial.Counts()
        for seed: UInt64 in 1...200 {
            var trial = StorageTrial(seed: seed)
            trial.run()
            counts.snapshots += trial.counts.snapshots
            counts.installed += trial.counts.installed
            counts.pruned += trial.counts.pruned
            counts.segmentsReleased += trial.counts.segmentsReleased
            counts.logsReset += trial.counts.logsReset
            counts.olderSnapshots += trial.counts.olderSnapshots
            counts.groupsDoubted += trial.counts.groupsDoubted
            counts.damageCut += trial.counts.damageCut
        }
        #expect(counts.snapshots > 200 && counts.installed > 100 && counts.pruned > 100, "\(counts)")
        #expect(counts.segmentsReleased > 100 && counts.logsReset > 20 && counts.olderSnapshots > 20, "\(counts)")
        #expect(counts.groupsDoubted > 20 && counts.damageCut > 20, "\(counts)")
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
