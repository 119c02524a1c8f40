import ConcordBytes

/// A member's clocks: the monotonic one, which has its own start and rate, and the wall clock, which people set.
struct SimulatedClock {
    /// What the monotonic clock showed at `since`, in microseconds.
    private var shown: UInt64
    private var since: UInt64 = 0
    /// Parts in a million: 1,000,000 is a true clock.
    private var rate: UInt64 = 1_000_000
    private var wallOffset: Int64 = 0

    /// - Parameter start: what the monotonic clock shows when the simulation begins, in microseconds.
    init(start: UInt64) {
        shown = start
    }

    func milliseconds(_ now: UInt64) -> UInt64 {
        microseconds(now) / 1000
    }

    /// For display; never before 1970.
    func wallMilliseconds(_ now: UInt64) -> UInt64 {
        UInt64(max(0, 1_700_000_000_000 + Int64(now / 1000) + wallOffset))
    }

    /// The first moment at which the clock shows at least `deadline` milliseconds.
    func time(ofMilliseconds deadline: UInt64) -> UInt64 {
        let wanted = deadline.multipliedReportingOverflow(by: 1000)
        guard !wanted.overflow, wanted.partialValue > shown else { return since }
        let ahead = wanted.partialValue - shown
        guard ahead < 1 << 40 else { return .max }
        return since + (ahead * 1_000_000 + rate - 1) / rate
    }

    mutating func setRate(_ newRate: UInt64, now: UInt64) {
        shown = microseconds(now)
        since = now
        rate = newRate
    }

    mutating func leap(byMicroseconds jump: UInt64) {
        shown += jump
    }

    mutating func setWall(byMilliseconds jump: Int64) {
        wallOffset += jump
    }

    private func microseconds(_ now: UInt64) -> UInt64 {
        shown + (now - since) * rate / 1_000_000
    }
}
