import ConcordRaft

/// What is cut off a log, of all that this member may have told others that it has (Alagappan et al., "Protocol-Aware
/// Recovery for Consensus-Based Storage", FAST 2018).
struct LogLoss {
    /// The last entry of what is left.
    let last: LastEntry
    /// The last entry of the log as it was, where that is known.
    private let claim: LastEntry?
    /// What is lost for certain, and not perhaps only a write that a crash cut short.
    private let damage: LogScan.Damage?
    /// A last group that was written whole, and has changed since.
    private let changed: DoubtfulGroup?

    /// `nil`: nothing is lost, or a snapshot stands for all of it.
    init?(_ scan: LogScan, _ found: FoundLog) {
        damage = scan.lost
        let lastGroup = scan.lastGroup
        guard damage != nil || lastGroup.map({ $0.extent != .unfinished }) == true else { return nil }
        changed = lastGroup?.extent == .whole ? lastGroup?.group : nil
        claim = scan.lastClaim.map { LastEntry(term: $0.lastTerm, index: $0.lastIndex) }
        if let claim, found.isSuperseded, claim.index <= found.released.index { return nil }
        let end = found.entries.last.map { LastEntry(term: $0.term, index: $0.index) }
        last = end ?? LastEntry(term: found.released.term, index: found.released.index)
    }

    /// What is lost and may have been acknowledged by this member alone is lost for good: such a member does not start.
    func checkThatOthersMayHaveIt(
        _ found: FoundLog, base: Configuration?, own id: MemberID?
    ) throws(StorageError) {
        let entry = found.entries.last { $0.kind == .configuration }
        let configuration = entry.flatMap { Configuration(payload: $0.payload) } ?? base
        let voters = configuration?.members.filter { $0.role != .learner }.map(\.id) ?? []
        let isAlone = voters == [id]
        if let damage, isAlone || voters.isEmpty { throw damage.refusal }
        // One without a configuration was never alone: what it has came from others.
        if let changed, isAlone {
            throw .damaged(
                file: changed.file, offset: changed.offset,
                what: "\(changed.what), in the last group of the log, which was written whole: it may have been "
                    + "acknowledged, and no other member has it")
        }
    }

    /// What the member must remember before anything is cut off. Its new term is above every one in which it has
    /// acknowledged anything of what is lost.
    func hardState(after current: HardState) throws(StorageError) -> HardState {
        guard current.term.rawValue < UInt64(Int64.max) else {
            throw .damaged(file: VoteFile.name, offset: 0, what: "its term stands at its end")
        }
        var doubt = Doubt(term: current.term.next, claim: claim, isDamage: damage != nil)
        if let earlier = current.doubt, last.term < earlier.term {
            // The earlier one was not over: what was lost then is not here yet.
            doubt.claim = claim.flatMap { own in earlier.claim.map { max(own, $0) } }
            doubt.isDamage = doubt.isDamage || earlier.isDamage
        }
        return HardState(term: doubt.term, votedFor: nil, doubt: doubt)
    }
}
