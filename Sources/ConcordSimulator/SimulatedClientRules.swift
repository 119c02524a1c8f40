package import ConcordChecker
import ConcordModel

/// What all clients together have seen: the history for the checker, and what must hold beyond it.
///
/// The rules are of the documentation and know nothing of the product's code.
package struct SeenByClients {
    /// What became of one try of an operation, to be counted.
    package enum Answer: Int, CaseIterable, Sendable {
        case ok
        case replayed
        case notFound
        case parentNotFound
        case notEmpty
        case revisionMismatch
        case alreadyExists
        case conflict
        case limitExceeded
        case overloadedTables
        case idempotencyConflict
        case clientExpired
        case noSpace
        case tooLarge
        case compacted
        case futureRevision
        case valuesOmitted
        case timeout
        case outcomeUnknown
        case noLeader
        case overloaded
        case recovering
        case broken
        case abandoned
        /// A refusal that no client may see.
        case impossible
    }

    /// What is over, in the order in which it ended.
    package private(set) var operations: [RecordedOperation] = []
    package private(set) var answers = [Int](
        repeating: 0, count: ClientWorkload.Kind.allCases.count * Answer.allCases.count)

    /// The highest revision of any answer.
    private(set) var newest = Revision.zero
    /// The history below this revision is gone for good, as a linearizable answer said.
    private(set) var compactedBelow = Revision.zero
    var settings = SettingsSeen()
    var asked = AskedSoFar()
    var unknownOutcomes = 0
    /// When each member last took over a snapshot, in virtual microseconds: it may answer a write that was under way then
    /// by what that kept of its outcome.
    var leaptAt: [Int: UInt64] = [:]
    /// How many members the cluster has.
    /// `nil` when members come and go.
    let membersCount: Int?
    private var events = 0
    private var insertions = 0
    /// By the position of the member: the newest local answer of a boot.
    private var local: [Int: (boot: UInt64, revision: Revision)] = [:]

    init(membersCount: Int?) {
        self.membersCount = membersCount
    }

    package func count(_ kind: ClientWorkload.Kind, _ answer: Answer) -> Int {
        answers[kind.rawValue * Answer.allCases.count + answer.rawValue]
    }

    mutating func tally(_ kind: ClientWorkload.Kind, _ answer: Answer) {
        answers[kind.rawValue * Answer.allCases.count + answer.rawValue] += 1
    }

    // MARK: Positions

    /// The position of the next event. Positions leave room for what is learnt only later to have begun in between.
    mutating func nextPosition() -> Int {
        events += 1
        return events << SeenByClients.insertionBits
    }

    /// A position right behind an event: before the next one.
    mutating func position(behind event: Int) -> Int {
        insertions += 1
        precondition(insertions < 1 << SeenByClients.insertionBits, "more insertions than there is room for")
        return event + insertions
    }

    private static let insertionBits = 24

    mutating func record(_ operation: RecordedOperation) {
        operations.append(operation)
    }

    /// The history with the positions 0, 1, 2, …
    package var history: [RecordedOperation] {
        let ends = operations.flatMap { $0.returned == .max ? [$0.invoked] : [$0.invoked, $0.returned] }.sorted()
        func rank(_ position: Int) -> Int {
            var (low, high) = (0, ends.count)
            while low < high {
                let middle = (low + high) / 2
                if ends[middle] < position { low = middle + 1 } else { high = middle }
            }
            return low
        }
        return operations.map { operation in
            var ranked = operation
            ranked.invoked = rank(operation.invoked)
            if operation.returned != .max { ranked.returned = rank(operation.returned) }
            return ranked
        }
    }

    // MARK: Rules

    /// Whether a retention was ever lowered, so that the history may be gone.
    var mayForget: Bool {
        settings.least(.historyBytesMax) < Setting.historyBytesMax.standard
            || settings.least(.historyRevisionsMax) < Setting.historyRevisionsMax.standard
    }

    /// A state of this revision was shown. Whatever begins from now on must see it.
    mutating func saw(_ revision: Revision) {
        newest = max(newest, revision)
    }

    /// - Returns: what is wrong with a local answer of a member: it never goes back, not over a restart either.
    mutating func judgeLocal(_ revision: Revision, member: Int, boot: UInt64) -> String? {
        if let last = local[member], last.revision > revision {
            return "boot \(boot) of a member showed revision \(revision.rawValue) after boot \(last.boot) showed "
                + "\(last.revision.rawValue)"
        }
        local[member] = (boot, revision)
        return nil
    }

    /// - Returns: what is wrong with the answer that the history at `asked` is gone.
    mutating func judgeCompacted(
        _ asked: Revision, firstAvailable: Revision, state: Revision, isLinearizable: Bool
    ) -> String? {
        if isLinearizable { compactedBelow = max(compactedBelow, firstAvailable) }
        guard asked < firstAvailable, firstAvailable <= state else {
            return "revision \(asked.rawValue) is compacted, and \(firstAvailable.rawValue) the first available"
                + " at \(state.rawValue)"
        }
        guard settings.least(.historyBytesMax) == Setting.historyBytesMax.standard else { return nil }
        let kept = settings.least(.historyRevisionsMax)
        guard asked.rawValue + kept <= state.rawValue else {
            return "revision \(asked.rawValue) is compacted at \(state.rawValue), and \(kept) are kept"
        }
        return nil
    }
}

/// What the clients know of the settings, each a register of its own.
struct SettingsSeen {
    private struct Change {
        var value: UInt64
        var invoked: Int
        /// `Int.max` while it is under way, and when nobody knows.
        var returned: Int
    }

    /// By the number of the setting.
    private var changes: [[Change]]

    init() {
        let last = Setting.allCases.map { Int($0.rawValue) }.max() ?? 0
        changes = Array(repeating: [], count: last + 1)
        for setting in Setting.allCases {
            changes[Int(setting.rawValue)] = [Change(value: setting.standard, invoked: -2, returned: -1)]
        }
    }

    mutating func begin(_ values: [SettingValue], at position: Int) {
        for value in values {
            changes[Int(value.setting.rawValue)].append(
                Change(value: value.value, invoked: position, returned: .max))
        }
    }

    /// - Parameter returned: `nil` when the change had no effect.
    mutating func end(_ values: [SettingValue], begunAt position: Int, returned: Int?) {
        for value in values {
            let setting = Int(value.setting.rawValue)
            guard let index = changes[setting].firstIndex(where: { $0.invoked == position }) else { continue }
            if let returned { changes[setting][index].returned = returned } else { changes[setting].remove(at: index) }
        }
    }

    /// Whether a setting may have had a value at some time since `position`: a change to it was begun, and no later
    /// one was over by then.
    func isPossible(_ setting: Setting, _ value: UInt64, since position: Int) -> Bool {
        changes[Int(setting.rawValue)].contains { $0.value == value && isPossible($0, of: setting, since: position) }
    }

    /// The highest value that a setting may have had since `position`.
    func highest(_ setting: Setting, since position: Int) -> UInt64 {
        let possible = changes[Int(setting.rawValue)].filter { isPossible($0, of: setting, since: position) }
        return possible.map(\.value).max() ?? 0
    }

    /// The lowest value that was ever asked for.
    func least(_ setting: Setting) -> UInt64 {
        changes[Int(setting.rawValue)].map(\.value).min() ?? 0
    }

    private func isPossible(_ change: Change, of setting: Setting, since position: Int) -> Bool {
        !changes[Int(setting.rawValue)].contains { $0.invoked > change.returned && $0.returned < position }
    }
}
