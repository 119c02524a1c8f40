import ConcordBytes
import ConcordReplica

/// The links between members, by position: which are cut, how long a message takes, and what is lost on the way.
///
/// A connection keeps its messages in order and loses them only when it breaks; on top of that, messages of
/// consensus may be lost, doubled and overtaken, which Raft must bear.
struct SimulatedNetwork {
    struct Weather {
        var lossPercent: UInt64 = 0
        var duplicatePercent: UInt64 = 0
        var delayMicroseconds: ClosedRange<UInt64> = 20...120
        /// Of 100 messages, how many take up to 50 times as long.
        var slowPercent: UInt64 = 0

        /// Draws how bad it is, of what `classes` allow.
        static func drawn(_ classes: Set<FaultClass>, from random: inout SeededRandom) -> Weather {
            var weather = Weather()
            let (loss, duplicates, longest, slow) = (
                1 + random.below(15), 1 + random.below(15), 200 + random.below(8000), 1 + random.below(8)
            )
            if classes.contains(.loss) { weather.lossPercent = loss }
            if classes.contains(.duplication) { weather.duplicatePercent = duplicates }
            if classes.contains(.delay) {
                weather.delayMicroseconds = 20...longest
                weather.slowPercent = slow
            }
            return weather
        }
    }

    private struct Link {
        /// How many partitions cut it now.
        var cuts = 0
        /// What a slow link adds, in microseconds.
        var extra: UInt64 = 0
        /// Counts the connections: what was sent on an earlier one is gone.
        var connection: UInt64 = 0
        var lastDelivery: UInt64 = 0
    }

    var weather: Weather
    private var random: SeededRandom
    private let count: Int
    private var links: [Link]

    init(members: Int, weather: Weather, seed: UInt64) {
        self.weather = weather
        random = SeededRandom(seed: seed)
        count = members
        links = Array(repeating: Link(), count: members * members)
    }

    mutating func cut(from: Int, to: Int) {
        links[from * count + to].cuts += 1
    }

    mutating func mend(from: Int, to: Int) {
        links[from * count + to].cuts -= 1
    }

    func isCut(from: Int, to: Int) -> Bool {
        links[from * count + to].cuts > 0
    }

    func isConnected(_ one: Int, _ other: Int) -> Bool {
        !isCut(from: one, to: other) && !isCut(from: other, to: one)
    }

    mutating func slow(from: Int, to: Int, byMicroseconds extra: UInt64) {
        links[from * count + to].extra = extra
    }

    /// Takes all that is wrong away. On a slow link messages would wait behind those that left long ago: it gets a new
    /// connection.
    mutating func healAll() {
        weather = Weather()
        for one in 0..<count {
            for other in 0..<count where links[one * count + other].extra > 0 { close(one, other) }
        }
        for link in links.indices { (links[link].cuts, links[link].extra) = (0, 0) }
    }

    /// Breaks the connections between two members, with everything in flight.
    mutating func close(_ one: Int, _ other: Int) {
        for link in [one * count + other, other * count + one] {
            links[link].connection += 1
            links[link].lastDelivery = 0
        }
    }

    /// The connection that a message sent now goes by.
    func connection(from: Int, to: Int) -> UInt64 {
        links[from * count + to].connection
    }

    /// When a message that leaves now arrives: nowhere, once or twice.
    mutating func deliveries(of message: PeerMessage, from: Int, to: Int, now: UInt64) -> (UInt64?, UInt64?) {
        let link = from * count + to
        guard !isCut(from: from, to: to) else { return (nil, nil) }
        let arrival = now + delay() + links[link].extra
        guard case .raft = message else {
            links[link].lastDelivery = max(arrival, links[link].lastDelivery)
            return (links[link].lastDelivery, nil)
        }
        if weather.lossPercent > 0, random.chance(percent: weather.lossPercent) { return (nil, nil) }
        guard weather.duplicatePercent > 0, random.chance(percent: weather.duplicatePercent) else {
            return (arrival, nil)
        }
        return (arrival, now + delay() * (1 + random.below(20)))
    }

    private mutating func delay() -> UInt64 {
        let range = weather.delayMicroseconds
        let delay = range.lowerBound + random.below(range.upperBound - range.lowerBound + 1)
        guard weather.slowPercent > 0, random.chance(percent: weather.slowPercent) else { return delay }
        return delay * (1 + random.below(50))
    }
}
