import ConcordRaft

/// The segments that a log still has, and up to where each is needed.
struct RetainedSegments: Equatable, Sendable {
    private(set) var first: UInt64
    /// For each segment from the first one on, the greatest index that a group in it holds; zero when none does, or
    /// only such as something later stands for.
    private var greatest: [LogIndex] = []
    /// Where the last base record stands: all segments before it are superseded.
    private var baseSegment: UInt64 = 0
    /// Where the last group stands. It goes on the chain of the groups, so one is always kept.
    private var lastGroupSegment: UInt64 = 0

    init(first: UInt64) {
        self.first = first
    }

    /// Whether no group stands in them.
    var isEmpty: Bool { lastGroupSegment == 0 }

    /// A group that holds indices up to `last` stands in `segment`.
    mutating func hold(upTo last: LogIndex, in segment: UInt64, isBase: Bool) {
        precondition(segment >= lastGroupSegment, "a group was written to a segment before the last one")
        let place = Int(segment - first)
        while greatest.count <= place { greatest.append(.zero) }
        greatest[place] = max(greatest[place], last)
        lastGroupSegment = segment
        if isBase { baseSegment = segment }
    }

    /// Whether the first segment holds nothing that is needed when everything up to `index` is not.
    func isFirstReleasable(upTo index: LogIndex) -> Bool {
        guard first < lastGroupSegment, let greatest = greatest.first else { return false }
        return greatest <= index || first < baseSegment
    }

    mutating func removeFirst() {
        greatest.removeFirst()
        first += 1
    }
}
