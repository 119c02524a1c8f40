import ConcordBytes
import Testing

@Suite struct ByteWordTests {
    @Test func `byte strings are ordered as unsigned bytes, a prefix first`() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<20_000 {
            var strings: [[UInt8]] = []
            for _ in 0..<2 {
                strings.append(
                    (0..<random.below(20)).map { _ in random.chance(percent: 80) ? 7 : UInt8(random.below(256)) })
            }
            let (left, right) = (strings[0], strings[1])
            let order = ByteOrder.compare(left, left.count, right, right.count)
            #expect((order < 0) == left.lexicographicallyPrecedes(right) && (order == 0) == (left == right))
            let common = zip(left, right).prefix { $0 == $1 }.count
            #expect(ByteOrder.commonPrefix(left, left.count, right, right.count) == common)
            let (one, other) = (
                ByteOrder.word(left, from: 0, count: left.count), ByteOrder.word(right, from: 0, count: right.count)
            )
            if one != other { #expect((one < other) == (order < 0)) }
        }
    }

    @Test func `only the counted bytes take part`() {
        #expect(ByteOrder.compare([1, 2, 3], 2, [1, 2, 9, 9], 2) == 0)
        #expect(ByteOrder.compare([1, 2, 3], 3, [1, 2, 9, 9], 2) > 0)
        #expect(ByteOrder.word([1, 2, 3], from: 1, count: 2) == 0x0200_0000_0000_0000)
        #expect(ByteOrder.word([1, 2, 3], from: 2, count: 2) == 0 && ByteOrder.word([1], from: 9, count: 1) == 0)
        #expect(ByteOrder.word([0, 1, 2, 3, 4, 5, 6, 7, 8], from: 1, count: 9) == 0x0102_0304_0506_0708)
    }
}

@Suite struct SipHashStreamWordTests {
    @Test func `a stream of words is the hash of their bytes`() {
        var random = SeededRandom(seed: 3)
        for length in 0..<50 {
            let bytes = (0..<length).map { _ in UInt8(random.below(256)) }
            var stream = SipHashStream()
            var writer = ByteWriter()
            let word = random.next()
            stream.add(word)
            writer.write(word)
            stream.add(UInt128(word) << 3)
            writer.write(UInt128(word) << 3)
            let start = length / 3
            stream.add(bytes, from: start, count: length - start)
            writer.write(UInt64(length - start))
            writer.writeRaw(bytes[start...])
            writer.pad(to: 8)
            #expect(stream.finish() == SipHash128.hash(writer.bytes))
        }
    }
}
