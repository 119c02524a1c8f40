import ConcordBytes
import Testing

@Suite struct ByteOrderTests {
    /// Bytes whose first difference lies before, at and behind the boundaries of words, and above 0x7F.
    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func orderIsThatOfUnsignedBytes(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let left = (0..<Int(random.below(30))).map { _ in UInt8([0, 1, 0x7F, 0x80, 0xFF][Int(random.below(5))]) }
        var right = left
        for _ in 0..<random.below(3) where !right.isEmpty {
            right[Int(random.below(UInt64(right.count)))] = UInt8(random.below(256))
        }
        if random.chance(percent: 30) { right += [UInt8(random.below(256))] }
        let leftCount = Int(random.below(UInt64(left.count + 1)))
        let rightCount = Int(random.below(UInt64(right.count + 1)))
        for (a, b) in [(left.count, right.count), (leftCount, rightCount)] {
            let order = ByteOrder.compare(left, a, right, b)
            #expect((order < 0) == left[..<a].lexicographicallyPrecedes(right[..<b]), "seed \(seed)")
            #expect((order == 0) == (left[..<a] == right[..<b]), "seed \(seed)")
            #expect(ByteOrder.compare(right, b, left, a).signum() == -order.signum(), "seed \(seed)")
            let common = ByteOrder.commonPrefix(left, a, right, b)
            #expect(left[..<common] == right[..<common], "seed \(seed)")
            #expect(common == a || common == b || left[common] != right[common], "seed \(seed)")
        }
    }

    @Test func aComparisonBeyondTheBytesIsOurBug() async {
        await #expect(processExitsWith: .failure) {
            _ = ByteOrder.compare([1], 2, [1, 2], 2)
        }
    }
}
