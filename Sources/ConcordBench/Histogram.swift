/// Counts durations in buckets whose width grows with their value, so that every quantile is right to less than
/// one percent however long the tail is (after HdrHistogram, Tene 2012).
package struct Histogram: Sendable {
    /// Values below 2^8 have a bucket each; above, every doubling has 128.
    private static let exactBits = 8
    private static let halfCount = 1 << (exactBits - 1)
    private static let bucketsCount = (64 - exactBits + 2) * halfCount

    private var buckets = [UInt64](repeating: 0, count: Histogram.bucketsCount)
    package private(set) var count: UInt64 = 0
    package private(set) var maximum: UInt64 = 0

    package init() {}

    package mutating func record(_ value: UInt64) {
        buckets[Histogram.index(of: value)] += 1
        count += 1
        maximum = max(maximum, value)
    }

    package mutating func add(_ other: Histogram) {
        for index in buckets.indices { buckets[index] += other.buckets[index] }
        count += other.count
        maximum = max(maximum, other.maximum)
    }

    /// The value that this share of all values does not exceed; 0 when there is none.
    /// - Parameter share: from 0 to 1.
    package func quantile(_ share: Double) -> UInt64 {
        precondition(share >= 0 && share <= 1, "a quantile lies between 0 and 1")
        guard count > 0 else { return 0 }
        let rank = max(1, UInt64((Double(count) * share).rounded(.up)))
        var seen: UInt64 = 0
        for (index, number) in buckets.enumerated() where number > 0 {
            seen += number
            if seen >= rank { return min(Histogram.upperEnd(of: index), maximum) }
        }
        return maximum
    }

    package static func index(of value: UInt64) -> Int {
        let bits = UInt64.bitWidth - value.leadingZeroBitCount
        if bits <= exactBits { return Int(value) }
        let shift = bits - exactBits
        return shift * halfCount + Int(value >> UInt64(shift))
    }

    /// The greatest value of a bucket.
    package static func upperEnd(of index: Int) -> UInt64 {
        if index < 2 * halfCount { return UInt64(index) }
        let shift = index / halfCount - 1
        let mantissa = UInt64(index - shift * halfCount)
        let (end, overflow) = (mantissa + 1).multipliedReportingOverflow(by: 1 << UInt64(shift))
        return overflow ? UInt64.max : end - 1
    }
}

/// Middle, ends and spread of a few measurements.
package struct Sample: Sendable {
    package let sorted: [Double]

    package init(_ values: [Double]) {
        sorted = values.sorted()
    }

    /// 0 when there are none.
    package var median: Double {
        if sorted.isEmpty { return 0 }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    package var least: Double { sorted.first ?? 0 }
    package var most: Double { sorted.last ?? 0 }

    /// The smallest value that this share of all does not exceed.
    package func quantile(_ share: Double) -> Double {
        guard !sorted.isEmpty else { return 0 }
        let rank = Int((Double(sorted.count) * share).rounded(.up))
        return sorted[min(max(rank, 1), sorted.count) - 1]
    }
}
