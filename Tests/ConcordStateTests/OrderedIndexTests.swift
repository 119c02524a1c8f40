import ConcordBytes
import ConcordState
import Testing

private struct Entry: IndexedRecord, Equatable {
    let keyBytes: [UInt8]
    var number: UInt64 = 0
    var keyCount: Int { keyBytes.count }
}

@Suite struct OrderedIndexTests {
    /// Grows to thousands, shrinks to nothing, and grows again; a sorted array says what must be there.
    @Test(arguments: 0..<6) func `an index holds what a sorted array holds`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var index = OrderedIndex<Entry>()
        var known: [[UInt8]: UInt64] = [:]
        for phase in 0..<6 {
            let growth: UInt64 = phase % 2 == 0 ? 80 : 15
            for _ in 0..<3000 {
                let key = randomKey(&random, inOrder: seed % 2 == 0)
                if random.chance(percent: growth) {
                    let number = random.next()
                    if let location = index.find(key) {
                        index.update(location) { $0.number = number }
                    } else {
                        index.insert(Entry(keyBytes: key, number: number))
                    }
                    known[key] = number
                } else if let victim = phase % 2 == 0 ? key : index.record(at: index.seek(key))?.keyBytes {
                    #expect(index.remove(victim)?.number == known.removeValue(forKey: victim), "seed \(seed)")
                }
            }
            compare(index, known, &random, seed)
        }
        for key in known.keys.sorted(by: { ByteOrder.compare($0, $0.count, $1, $1.count) < 0 }) {
            #expect(index.remove(key) != nil)
        }
        #expect(index.count == 0 && index.record(at: index.start) == nil)
    }

    private func randomKey(_ random: inout SeededRandom, inOrder: Bool) -> [UInt8] {
        let number = random.below(6000)
        if inOrder { return Array("/queue/item-\(100_000 + number)".utf8) }
        var key = Array("/\(number % 7)/".utf8)
        for shift in stride(from: 0, to: 13, by: 3) where number >> shift > 0 {
            key.append(UInt8(truncatingIfNeeded: number >> shift) & 7)
        }
        return key
    }

    private func compare(
        _ index: OrderedIndex<Entry>, _ known: [[UInt8]: UInt64], _ random: inout SeededRandom, _ seed: UInt64
    ) {
        let sorted = known.keys.sorted { ByteOrder.compare($0, $0.count, $1, $1.count) < 0 }
        var walked: [[UInt8]] = []
        var cursor = index.start
        while let entry = index.record(at: cursor) {
            walked.append(entry.keyBytes)
            #expect(known[entry.keyBytes] == entry.number)
            index.advance(&cursor)
        }
        #expect(walked == sorted, "seed \(seed)")
        #expect(index.count == UInt64(sorted.count))
        for _ in 0..<200 {
            let low = randomKey(&random, inOrder: seed % 2 == 0)
            let high = randomKey(&random, inOrder: seed % 2 == 0)
            let before = sorted.filter { ByteOrder.compare($0, $0.count, low, low.count) < 0 }.count
            #expect(index.record(at: index.seek(low))?.keyBytes == (before < sorted.count ? sorted[before] : nil))
            #expect(index.last(before: low)?.keyBytes == (before > 0 ? sorted[before - 1] : nil))
            #expect((index.record(low) != nil) == (known[low] != nil))
            let upTo = sorted.filter { ByteOrder.compare($0, $0.count, high, high.count) < 0 }.count
            let between = UInt64(max(0, upTo - before))
            #expect(index.count(from: low, before: high) == between, "seed \(seed)")
            let limit = random.below(6000)
            let bounded = index.count(from: low, before: high, limit: limit)
            #expect(between < limit ? bounded == between : bounded >= limit && bounded <= between, "seed \(seed)")
        }
    }

    @Test func `a copy of an index stays as it was`() {
        var index = OrderedIndex<Entry>()
        for number in 0..<5000 { index.insert(Entry(keyBytes: Array("\(number)".utf8))) }
        let copy = index
        for number in 0..<5000 where number % 3 != 0 { index.remove(Array("\(number)".utf8)) }
        for number in 5000..<9000 { index.insert(Entry(keyBytes: Array("\(number)".utf8))) }
        #expect(copy.count == 5000)
        for number in 0..<9000 {
            #expect((copy.record(Array("\(number)".utf8)) != nil) == (number < 5000))
            #expect((index.record(Array("\(number)".utf8)) != nil) == (number >= 5000 || number % 3 == 0))
        }
    }

    @Test func `keys that differ only in zero bytes and lengths are told apart`() {
        var index = OrderedIndex<Entry>()
        let keys: [[UInt8]] = [
            [], [0], [0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 1], [255],
        ]
        for key in keys.reversed() { index.insert(Entry(keyBytes: key)) }
        var walked: [[UInt8]] = []
        var cursor = index.start
        while let entry = index.record(at: cursor) {
            walked.append(entry.keyBytes)
            index.advance(&cursor)
        }
        #expect(walked == keys)
        #expect(keys.allSatisfy { index.record($0) != nil })
        #expect(index.record([0, 0, 0]) == nil)
    }
}

private struct Number: Blankable, Equatable, ExpressibleByIntegerLiteral {
    let value: UInt64
    static var blank: Number { 0 }

    init(_ value: UInt64) { self.value = value }
    init(integerLiteral value: UInt64) { self.value = value }
}

@Suite struct PagedQueueTests {
    @Test func `a queue numbers its elements for ever and forgets from the front`() {
        var queue = PagedQueue<Number>()
        for number in 1...100_000 as ClosedRange<UInt64> {
            queue.append(Number(number * 3))
            if number > 500 { queue.removeFirst() }
            #expect(queue.count == min(number, 500))
        }
        #expect(queue.first == 99_501 && queue.next == 100_001)
        #expect((99_501...100_000 as ClosedRange<UInt64>).allSatisfy { queue[$0] == Number($0 * 3) })
        #expect(!queue.contains(99_500) && !queue.contains(100_001) && !queue.contains(0))
        let copy = queue
        while !queue.isEmpty { queue.removeFirst() }
        queue.append(1)
        #expect(queue[100_001] == 1 && copy.count == 500 && copy[99_501] == Number(99_501 * 3))
    }

    @Test func `slots are used again before new ones`() {
        var array = PagedArray<Number>()
        let slots = (0..<1000).map { array.insert(Number(UInt64($0))) }
        for slot in slots where slot % 2 == 0 { array.remove(slot) }
        let again = (0..<500).map { array.insert(Number(1000 + UInt64($0))) }
        #expect(Set(again) == Set(slots.filter { $0 % 2 == 0 }))
        #expect(array.count == 1000 && array.insert(7) == 1000)
        #expect(slots.filter { $0 % 2 == 1 }.allSatisfy { array[$0] == Number(UInt64($0)) })
    }
}
