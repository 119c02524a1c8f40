/// What the replay in the order of revisions is done on: an object, and what a history shows of the revisions that
/// no answered operation claims.
protocol RevisionedObject {
    associatedtype Action

    /// Whether every revision was made by an operation of the history. If not, others use the same revisions.
    static var ownsAllRevisions: Bool { get }

    /// Does an answered operation.
    /// - Returns: `nil` when the answer is what the object says.
    mutating func judge(_ action: Action, at revision: Int64, by operation: Int) -> Contradiction?
    /// Does an operation of unknown outcome.
    /// - Returns: false when it changes nothing, and so cannot have made a revision.
    mutating func perform(_ action: Action, at revision: Int64, by operation: Int) -> Bool
    /// Where a later `rewind` goes back to. Before the first one, changes need not be remembered.
    mutating func mark() -> Int
    mutating func rewind(to mark: Int)

    /// Whether `unknown` can have any influence on the answer to `action`, or on whether it changes something.
    static func isRelated(_ unknown: Action, to action: Action) -> Bool
    /// Takes in what the answers show of revisions that `gaps` lists.
    mutating func learn(from operations: ReplayTimeline<Action>, gaps: [Int64])
    /// Operations whose answers tell what the revision changed; empty when none does.
    func witnesses(of revision: Int64) -> [Int]
    /// Whether `unknown` can have made the revision, as far as this is known before the replay.
    func canHaveMade(_ revision: Int64, _ unknown: Action) -> Bool
}

/// How an answer differs from what the object was, and the operations that made the object so.
struct Contradiction {
    let expectation: String
    let authors: [Int]
}

/// What the replay does with one operation of a history. Those without a part in it (failed ones, reads of unknown
/// outcome) have none.
struct ReplayPart<Action> {
    enum Kind {
        case change
        /// Its answer is judged as of this revision.
        case read(at: Int64)
        /// Its answer says nothing of the object, but it was given at its revision.
        case seen
        case unknownChange
    }

    /// In the history.
    let position: Int
    let action: Action
    let kind: Kind
}

/// The parts of a history by what revisions say of them. An index is one in `parts`.
struct ReplayTimeline<Action> {
    struct Placed {
        let revision: Int64
        let index: Int
    }

    struct Unknown {
        /// The highest revision seen before it was invoked: what it did came later.
        let lowerBound: Int64
        let index: Int
        /// The same number for operations that ask the same.
        let likeness: Int
    }

    var parts: [ReplayPart<Action>]
    /// Ascending, each revision once.
    var changes: [Placed] = []
    /// Ascending; each is judged after the change of its revision.
    var reads: [Placed] = []
    /// Ascending by their lower bounds.
    var unknowns: [Unknown] = []
    /// By a log of what was committed: the likeness of what made a revision.
    var likenessOfRevision: [Int64: Int] = [:]
}
