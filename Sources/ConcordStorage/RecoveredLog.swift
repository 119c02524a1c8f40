package import ConcordRaft

/// What a member's disk held when it was opened.
package struct RecoveredLog: Equatable, Sendable {
    package var hardState: HardState
    /// What the entries follow.
    package var released: LogPosition
    /// All durable entries behind `released`, without a hole.
    package var entries: [Entry]
    /// What a person should know of the opening.
    package var notes: [RecoveryNote]

    package init(
        hardState: HardState, released: LogPosition = .start, entries: [Entry], notes: [RecoveryNote]
    ) {
        self.hardState = hardState
        self.released = released
        self.entries = entries
        self.notes = notes
    }
}

/// The last group of a log when it cannot be verified: a write that a crash cut short, which nobody was told of, or a
/// durable group that rotted.
package struct DoubtfulGroup: Equatable, Sendable {
    /// What the group's header says of it, where that can be verified. By the Log Matching Property
    /// (dissertation §3.5) the last entry's index and term name all of its entries.
    package struct Claim: Equatable, Sendable {
        package var firstIndex: LogIndex
        package var lastIndex: LogIndex
        package var lastTerm: Term

        package init(firstIndex: LogIndex, lastIndex: LogIndex, lastTerm: Term) {
            self.firstIndex = firstIndex
            self.lastIndex = lastIndex
            self.lastTerm = lastTerm
        }
    }

    package var file: String
    package var offset: Int
    package var what: String
    /// `nil`: the header cannot be verified, so length and term are unknown.
    package var claim: Claim?

    package init(file: String, offset: Int, what: String, claim: Claim?) {
        self.file = file
        self.offset = offset
        self.what = what
        self.claim = claim
    }
}

package enum RecoveryNote: Equatable, Sendable {
    /// The log ended in a group that was never written to its end, which was cut off: nothing is lost.
    case unfinishedGroupCut(DoubtfulGroup)
    /// The log ended in a group that may have been durable, which was cut off. The member is in doubt until the others
    /// have told it what it lacks.
    case doubtfulGroupCut(DoubtfulGroup)
    /// All entries from this one on were cut off, since something before the end of the log is damaged. The member is in
    /// doubt as above.
    case damageCut(file: String, offset: Int, what: String, from: LogIndex)
    /// Something cannot be verified that a later group has replaced.
    case supersededDamage(file: String, offset: Int, what: String)
    /// One slot of the vote file was older than the other, or bad, and was written anew.
    case voteSlotRepaired(slot: Int)
    /// A snapshot's file that does not verify. It is left as it is and not used.
    case snapshotUnusable(file: String, offset: Int, what: String)
    /// The log did not contain the newest snapshot's entry, and goes on behind it now.
    case logReset(base: LogIndex)
    /// This member's state was found to be wrong, and it ended before it had got another member's.
    case stateDistrusted(upTo: LogIndex)
}

extension RecoveryNote: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unfinishedGroupCut(let group):
            return "a last group that was never written to its end was cut off in \(group.file) at offset "
                + "\(group.offset): nothing is lost"
        case .damageCut(let file, let offset, let what, let index):
            return "\(file) is damaged at offset \(offset) (\(what)), and groups were written after it: the entries "
                + "from \(index.rawValue) on were cut off. This member neither votes for less than it had nor leads until the "
                + "others have sent it what it lost. Check the disk"
        case .doubtfulGroupCut(let group):
            let claim =
                group.claim.map {
                    " It claims the entries \($0.firstIndex.rawValue) to \($0.lastIndex.rawValue), the last of term "
                        + "\($0.lastTerm.rawValue)."
                } ?? ""
            return "a doubtful last group was cut off in \(group.file) at offset \(group.offset): \(group.what)."
                + claim + " It was whole once, so it may have been durable. This member neither votes for less than it "
                + "had nor leads until the others have sent it what it may have lost. Check the disk"
        case .supersededDamage(let file, let offset, let what):
            return "\(file) is damaged at offset \(offset) (\(what)), in records that were replaced later, or that a "
                + "snapshot stands for: nothing is lost"
        case .voteSlotRepaired(let slot):
            return "slot \(slot) of vote was behind or bad and was written anew from the other"
        case .snapshotUnusable(let file, let offset, let what):
            return "\(file) cannot be used, it is damaged at offset \(offset): \(what). It is left as it is; remove "
                + "it once a newer snapshot is there"
        case .logReset(let base):
            return "the log did not reach the snapshot up to entry \(base.rawValue), or followed another history; it "
                + "goes on behind that entry now"
        case .stateDistrusted(let index):
            return "this member's state was found to be wrong before it last ended: it serves nobody until another "
                + "member has sent it a snapshot of entry \(index.rawValue) or a later one. If no other member can, "
                + "stop it and remove the file distrusted: it then makes its state of its own snapshot and log again"
        }
    }
}
