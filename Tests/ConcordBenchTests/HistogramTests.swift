import ConcordBench
import ConcordBytes
import Testing

@Suite struct HistogramTests {
    @Test func anEmptyOneHasNoQuantiles() {
        let histogram = Histogram()
        #expect(histogram.count == 0)
        #expect(histogram.quantile(0.5) == 0)
        #expect(histogram.maximum == 0)
    }

    @Test func smallValuesAreExact() {
        var histogram = Histogram()
        for value in UInt64(1)...100 { histogram.record(value) }
        #expect(histogram.quantile(0) == 1)
        #expect(histogram.quantile(0.5) == 50)
        #expect(histogram.quantile(0.99) == 99)
        #expect(histogram.quantile(1) == 100)
        #expect(histogram.count == 100)
    }

    @Test func bucketsFollowEachOtherWithoutGapOrOverlap() {
        var lower: UInt64 = 0
        for index in 0..<7424 {
            let upper = Histogram.upperEnd(of: index)
            #expect(upper >= lower)
            #expect(Histogram.index(of: lower) == index)
            #expect(Histogram.index(of: upper) == index)
            if upper == UInt64.max {
                #expect(index == 7423, "the last bucket ends with the greatest number")
                return
            }
            lower = upper + 1
        }
        Issue.record("the buckets end before the greatest number")
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func everyQuantileIsRightToOnePercent(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var histogram = Histogram()
        var values: [UInt64] = []
        for _ in 0..<20_000 {
            let value = random.next() >> random.below(64)
            values.append(value)
            histogram.record(value)
        }
        values.sort()
        for share in [0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1] {
            let exact = values[max(1, Int((Double(values.count) * share).rounded(.up))) - 1]
            let told = histogram.quantile(share)
            #expect(told >= exact && Double(told) <= Double(exact) * 1.01 + 1, "seed \(seed), share \(share)")
        }
        #expect(histogram.maximum == values.last)
    }

    @Test func partsAddUpToTheWhole() {
        var (left, right, whole) = (Histogram(), Histogram(), Histogram())
        var random = SeededRandom(seed: 7)
        for index in 0..<1000 {
            let value = random.below(1_000_000)
            if index % 2 == 0 { left.record(value) } else { right.record(value) }
            whole.record(value)
        }
        left.add(right)
        #expect(left.count == whole.count)
        #expect(left.maximum == whole.maximum)
        for share in [0.1, 0.5, 0.99] { #expect(left.quantile(share) == whole.quantile(share)) }
    }

    @Test func aSampleKnowsItsMiddleAndEnds() {
        #expect(Sample([3, 1, 2]).median == 2)
        #expect(Sample([4, 1, 2, 3]).median == 2.5)
        #expect(Sample([]).median == 0)
        #expect(Sample([5, 9]).least == 5)
        #expect(Sample((1...100).map(Double.init)).quantile(0.99) == 99)
        #expect(Sample([7]).quantile(0.99) == 7)
    }
}
