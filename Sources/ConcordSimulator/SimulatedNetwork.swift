package import ConcordBytes
package import ConcordRaft
import ConcordReplica

/// The links between members: which are cut, how long a message takes, and what is lost on the way.
///
/// A connection keeps its messages in order and loses them only when it breaks; on top of that, messages of
/// consensus may be lost, doubled and overtaken, which Raft must bear.
package struct SimulatedNetwork: Sendable {
    package struct Weather: Sendable {
        package var lossPercent: UInt64
        package var duplicatePercent: UInt64
        package var delayMicroseconds: ClosedRange<UInt64>
        /// Of 100 messages, how many take up to 50 times as long.
        package var slowPercent: UInt64

        package static let fair = Weather(
            lossPercent: 0, duplicatePercent: 0, delayMicroseconds: 20...120, slowPercent: 0)

        /// Draws how bad it is.
        package static func drawn(from random: inout SeededRandom) -> Weather {
            Weather(
                lossPercent: random.chance(percent: 40) ? random.below(12) : 0,
                duplicatePercent: random.chance(percent: 40) ? random.below(12) : 0,
                delayMicroseconds: 20...(50 + random.below(3000)),
                slowPercent: random.chance(percent: 40) ? random.below(8) : 0)
        }
    }

    private struct Link: Hashable {
        var from: MemberID
        var to: MemberID
    }

    package var weather: Weather
    private var random: SeededRandom
    private var cutLinks: Set<Link> = []
    private var lastDelivery: [Link: UInt64] = [:]

    package init(weather: Weather, seed: UInt64) {
        self.weather = weather
        random = SeededRandom(seed: seed)
    }

    package mutating func cut(from: MemberID, to: MemberID) {
        cutLinks.insert(Link(from: from, to: to))
    }

    package mutating func healAll() {
        cutLinks.removeAll()
    }

    package func isCut(from: MemberID, to: MemberID) -> Bool {
        cutLinks.contains(Link(from: from, to: to))
    }

    /// When a message that leaves now arrives: nowhere, once or twice.
    mutating func deliveries(of message: PeerMessage, from: MemberID, to: MemberID, now: UInt64) -> [UInt64] {
        guard !isCut(from: from, to: to) else { return [] }
        let arrival = now + delay()
        guard case .raft = message else {
            let link = Link(from: from, to: to)
            let inOrder = max(arrival, lastDelivery[link] ?? 0)
            lastDelivery[link] = inOrder
            return [inOrder]
        }
        if random.chance(percent: weather.lossPercent) { return [] }
        if random.chance(percent: weather.duplicatePercent) { return [arrival, now + delay()] }
        return [arrival]
    }

    private mutating func delay() -> UInt64 {
        let range = weather.delayMicroseconds
        let delay = range.lowerBound + random.below(range.upperBound - range.lowerBound + 1)
        return random.chance(percent: weather.slowPercent) ? delay * (1 + random.below(50)) : delay
    }
}
