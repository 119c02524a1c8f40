import ConcordBytes
package import ConcordRaft

/// The hash of a member's state when the last entry that it had applied was this one.
package struct StatePoint: Equatable, Sendable {
    package var index: LogIndex
    package var hash: UInt128

    package init(index: LogIndex, hash: UInt128) {
        self.index = index
        self.hash = hash
    }
}

/// What a member tells all others of its state, now and then.
package struct StateReport: Equatable, Sendable {
    /// In the order of their indices, none twice; none of a member that does not trust its state.
    package var points: [StatePoint]
    package var isDistrusted: Bool

    package init(points: [StatePoint], isDistrusted: Bool = false) {
        self.points = points
        self.isDistrusted = isDistrusted
    }

    /// The hash at an index, if the member told it.
    func hash(at index: LogIndex) -> UInt128? {
        points.first { $0.index == index }?.hash
    }

    func encode(into writer: inout ByteWriter) {
        writer.write(isDistrusted)
        writer.write(UInt32(points.count))
        for point in points {
            writer.write(point.index.rawValue)
            writer.write(point.hash)
        }
    }

    init(decoding reader: inout ByteReader) throws(ByteError) {
        let isDistrusted = try reader.readBool()
        let count = try reader.readCount(
            limit: isDistrusted ? 0 : ReplicaLimits.statePointsMax, bytesEach: StateReport.pointBytes)
        var points: [StatePoint] = []
        for _ in 0..<count {
            let index = LogIndex(try reader.readUInt64())
            guard index > points.last?.index ?? .zero else { throw .invalid }
            points.append(StatePoint(index: index, hash: try reader.readUInt128()))
        }
        self.init(points: points, isDistrusted: isDistrusted)
    }

    private static let pointBytes = 8 + 16
}

/// The hashes that a member remembers of its own state.
///
/// Members pass the same indices at different times, so each remembers the hash at indices that all choose alike: at
/// close ones for as long as members usually lie apart, and at a few that lie far apart for those far behind.
package struct HashTrail: Sendable {
    package private(set) var points: [StatePoint] = []

    package init() {}

    /// Whether the hash at this index is remembered: at most it need not be computed.
    package static func remembers(_ index: LogIndex) -> Bool { index.rawValue % ReplicaLimits.hashStride == 0 }

    /// An entry was applied as a whole, one whose hash is remembered.
    package mutating func applied(_ index: LogIndex, hash: UInt128) {
        points.append(StatePoint(index: index, hash: hash))
        points.removeAll { point in
            let isCoarse = point.index.rawValue % ReplicaLimits.hashStrideCoarse == 0
            let stride = isCoarse ? ReplicaLimits.hashStrideCoarse : ReplicaLimits.hashStride
            return point.index.rawValue + stride * ReplicaLimits.hashesKept <= index.rawValue
        }
    }

    /// All of them, and the present one: it counts also where another was remembered, as the state may have changed
    /// since and must not.
    func report(at index: LogIndex, hash: UInt128) -> StateReport {
        guard index > .zero else { return StateReport(points: []) }
        return StateReport(points: points.filter { $0.index < index } + [StatePoint(index: index, hash: hash)])
    }
}

/// What follows from the hashes of several members at one index.
package enum StateVerdict: Equatable, Sendable {
    /// Too few have told theirs, and none of the voters disagrees with another.
    case open
    /// A majority has the hash of this member.
    case agreed
    /// A majority has another one: this member's state is wrong.
    case outvoted
    /// Voters disagree, and those that have told nothing yet will decide.
    case undecided
    /// Voters disagree, and no hash can come to a majority.
    case divided

    /// - Parameters:
    ///   - own: the hash of the member `id`, which need not vote.
    ///   - other: the hash that another member told for this index.
    package init(of id: MemberID, own: UInt128, in configuration: Configuration, other: (MemberID) -> UInt128?) {
        func hash(_ member: MemberID) -> UInt128? { member == id ? own : other(member) }
        var told: [UInt128] = []
        for member in configuration.members where member.role != .learner {
            if let hash = hash(member.id), !told.contains(hash) { told.append(hash) }
        }
        if let right = told.first(where: { right in configuration.hasQuorum { hash($0) == right } }) {
            self = right == own ? .agreed : .outvoted
        } else if told.count <= 1 {
            self = .open
        } else {
            let canWin = told.contains { right in configuration.hasQuorum { hash($0) ?? right == right } }
            self = canWin ? .undecided : .divided
        }
    }
}
