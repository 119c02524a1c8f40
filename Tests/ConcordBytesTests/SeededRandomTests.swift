import ConcordBytes
import Testing

@Suite struct SeededRandomTests {
    /// The published numbers of SplitMix64: a change of the generator would make every printed seed worthless.
    @Test func aSeedGivesTheSameNumbersForEver() {
        var random = SeededRandom(seed: 0)
        #expect(random.next() == 0xE220_A839_7B1D_CDAF)
        #expect(random.next() == 0x6E78_9E6A_A1B9_65F4)
        #expect(random.next() == 0x06C4_5D18_8009_454F)
        #expect(random.next() == 0xF88B_B8A8_724C_81EC)
        random = SeededRandom(seed: 1_234_567)
        #expect(
            (0..<5).map { _ in random.next() } == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
            ])
    }

    @Test func boundedNumbersAreTheSameForEverToo() {
        var random = SeededRandom(seed: 42)
        #expect((0..<12).map { _ in random.below(10) } == [7, 1, 2, 3, 0, 8, 2, 8, 3, 6, 2, 4])
    }

    @Test func boundedNumbersStayBelowTheirBound() {
        var random = SeededRandom(seed: 3)
        for bound in [1, 2, 3, 1000, UInt64.max] {
            for _ in 0..<1000 { #expect(random.below(bound) < bound) }
        }
        var seen = [Int](repeating: 0, count: 7)
        for _ in 0..<7000 { seen[Int(random.below(7))] += 1 }
        #expect(seen.allSatisfy { (800...1200).contains($0) })
    }

    @Test func chancesAreAboutWhatTheySay() {
        var random = SeededRandom(seed: 4)
        #expect((2900...3100).contains((0..<10_000).count { _ in random.chance(percent: 30) }))
        #expect(!(0..<1000).contains { _ in random.chance(percent: 0) })
        #expect((0..<1000).allSatisfy { _ in random.chance(percent: 100) })
    }

    @Test func aCopyGoesItsOwnWay() {
        var first = SeededRandom(seed: 9)
        var second = first
        #expect(first.next() == second.next())
        _ = first.next()
        #expect(first != second)
    }

    @Test func aNumberBelowZeroIsOurBug() async {
        await #expect(processExitsWith: .failure) {
            var random = SeededRandom(seed: 1)
            _ = random.below(0)
        }
    }
}
