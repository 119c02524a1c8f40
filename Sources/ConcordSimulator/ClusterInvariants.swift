package import ConcordRaft

/// Remembers everything that any member ever put on its disk or said, across crashes, and notes every broken
/// promise: the properties of the dissertation's figure 3.2 over the whole history, one vote a term, and that
/// nothing is said before it is durable.
///
/// It has its own idea of every log, made from the writes alone; it does not ask the members.
package struct ClusterInvariants {
    private struct Place: Hashable {
        var index: UInt64
        var term: UInt64
    }

    private struct Vote: Hashable {
        var voter: MemberID
        var term: Term
    }

    /// What a member has, as its writes say. Of an entry its term is enough: `written` has the rest.
    private struct Mirror {
        var hardState = HardState(term: .zero, votedFor: nil)
        /// The log as the running process has it.
        var memory: [Term] = []
        /// The log as its medium holds it, at least.
        var durable: [Term] = []
        var pending: [LogWrite] = []
        /// Everything up to here is in a snapshot on its disk, whatever becomes of the log.
        var snapshot = LogIndex.zero
        /// What it held when its directory was emptied: that still counts, as it never comes back to be asked for a
        /// vote. What its disk lost counts as long as it votes as if it had it.
        var lost: [[Term]] = []
        /// Committed as far as this boot has told.
        var commit = 0
    }

    package private(set) var violations: [String] = []
    private var mirrors: [Mirror]
    private var written: [Place: (entry: Entry, previousTerm: Term)] = [:]
    private var committed: [Term] = []
    /// The term of whoever showed each committed entry first.
    private var committedInTerm: [Term] = []
    private var leaders: [Term: MemberID] = [:]
    private var leaderPositions: [Term: Int] = [:]
    private var votes: [Vote: MemberID] = [:]
    /// Whom a leader asked to stand, in which term of its own.
    private var orders: Set<Vote> = []
    var configurations: ConfigurationLedger
    /// Entries that a follower threw away for a leader's.
    private(set) var truncatedCount = 0

    package init(members: Int) {
        mirrors = Array(repeating: Mirror(), count: members)
        configurations = ConfigurationLedger(members: members)
    }

    func isLeader(_ member: Int, of term: Term) -> Bool { leaderPositions[term] == member }

    var committedCount: Int { committed.count }

    /// Whether the disk of every other voter, as the member's log has them, holds more of its log than its own does.
    func othersHavePersistedMore(than member: Int) -> Bool {
        let (memory, count) = (mirrors[member].memory, mirrors[member].durable.count)
        guard count < memory.count, let voters = configurations.votersBut(member) else { return false }
        return voters.allSatisfy { other in
            mirrors[other].durable.count > count && mirrors[other].durable[count] == memory[count]
        }
    }

    func durableTerm(of member: Int) -> Term { mirrors[member].hardState.term }

    private mutating func note(_ violation: String) {
        if violations.count < 20 { violations.append(violation) }
    }

    // MARK: Disks

    /// A process has opened its directory. What was durable must be there; of what was being written, anything.
    /// - Parameter snapshot: what its newest snapshot stands for.
    /// - Parameter released: what the entries follow.
    package mutating func started(
        _ member: Int, hardState: HardState, snapshot: LogPosition? = nil, released: LogPosition = .start,
        entries: [Entry]
    ) {
        let old = mirrors[member]
        var kept = old.durable.count
        for write in old.pending {
            if write.base != nil { kept = 0 }
            if let first = write.entries.first { kept = min(kept, Int(first.index.rawValue) - 1) }
        }
        if let snapshot, !holds(snapshot, old.durable) { kept = 0 }
        var lost = old.lost
        let before = committedTerms(upTo: released, of: member)
        let terms = before + entries.map(\.term)
        // Whoever knows that it lost something, and how far that went, votes as if it still had it.
        let doubt = hardState.doubt.flatMap { terms.last ?? .zero < $0.term ? $0 : nil }
        let mayLackSnapshot = doubt.map { $0.claim?.index ?? old.snapshot >= old.snapshot } ?? false
        // A snapshot may reach further than the log that is durable: this member has told nobody that it has that.
        let relied = min(Int(old.snapshot.rawValue), old.durable.count)
        if terms.count < relied, !mayLackSnapshot {
            note("member \(member + 1) lost the snapshot up to \(old.snapshot.rawValue), and its log does not hold it")
        }
        if terms.count < kept || !terms.prefix(kept).elementsEqual(old.durable.prefix(kept)) {
            let end = LastEntry(term: old.durable[kept - 1], index: LogIndex(UInt64(kept)))
            if let doubt, doubt.claim ?? end >= end {
                lost.append(Array(old.durable.prefix(kept)))
            } else {
                note("member \(member + 1) recovered \(terms.count) entries and not the \(kept) that were durable")
            }
        }
        if hardState.term < old.hardState.term {
            note("member \(member + 1) forgot term \(old.hardState.term.rawValue)")
        } else if hardState.term == old.hardState.term, let vote = old.hardState.votedFor, hardState.votedFor != vote {
            note("member \(member + 1) forgot its vote in term \(hardState.term.rawValue)")
        }
        mirrors[member] = Mirror(
            hardState: hardState, memory: before, durable: terms, snapshot: snapshot?.index ?? .zero, lost: lost,
            commit: Int(snapshot?.index.rawValue ?? 0))
        takeCommittedConfigurations(of: member, upTo: before.count)
        record(entries, of: member)
    }

    /// A snapshot may stand for committed entries only.
    package mutating func makesSnapshot(_ position: LogPosition, at member: Int) {
        _ = committedTerms(upTo: position, of: member)
    }

    package mutating func snapshotIsDurable(_ position: LogPosition, at member: Int) {
        _ = committedTerms(upTo: position, of: member)
        mirrors[member].snapshot = max(mirrors[member].snapshot, position.index)
    }

    /// The member's log is that of the cluster up to there.
    private mutating func takeCommittedConfigurations(of member: Int, upTo count: Int) {
        configurations.truncate(member, after: 0)
        for position in 0..<min(count, committed.count) {
            guard let entry = entry(position, committed[position]), entry.kind == .configuration else { continue }
            configurations.append(entry, of: member, isNew: false)
        }
    }

    private func holds(_ position: LogPosition, _ terms: [Term]) -> Bool {
        let count = Int(position.index.rawValue)
        return count > 0 && count <= terms.count && terms[count - 1] == position.term
    }

    /// What a snapshot, or a released part of a log, stands for.
    private mutating func committedTerms(upTo position: LogPosition, of member: Int) -> [Term] {
        if position.index == .zero { return [] }
        if !holds(position, committed) {
            note("member \(member + 1) takes entry \(position.index.rawValue) for committed, and it is not")
        }
        return Array(committed.prefix(Int(position.index.rawValue)))
    }

    package mutating func wiped(_ member: Int) {
        let (durable, lost) = (mirrors[member].durable, mirrors[member].lost)
        mirrors[member] = Mirror(lost: durable.isEmpty ? lost : [durable])
    }

    /// What the member's disk had lost is there again.
    mutating func mended(_ member: Int) { mirrors[member].lost = [] }

    /// Asked for, and not durable yet.
    package mutating func handedOver(_ writes: [LogWrite], by member: Int) {
        for write in writes {
            if let base = write.base {
                truncatedCount += mirrors[member].memory.count
                mirrors[member].memory = committedTerms(upTo: base, of: member)
                takeCommittedConfigurations(of: member, upTo: mirrors[member].memory.count)
            }
            record(write.entries, of: member)
            mirrors[member].pending.append(write)
        }
    }

    package mutating func durable(_ sequence: WriteSequence, at member: Int) {
        while let write = mirrors[member].pending.first, write.sequence <= sequence {
            mirrors[member].pending.removeFirst()
            if let hardState = write.hardState { votes(hardState, at: member) }
            if let base = write.base { mirrors[member].durable = committedTerms(upTo: base, of: member) }
            guard let first = write.entries.first else { continue }
            let keep = Int(first.index.rawValue) - 1
            if mirrors[member].durable.count < keep {
                note("member \(member + 1) wrote entry \(keep + 1) behind a hole")
            }
            mirrors[member].durable.removeSubrange(min(keep, mirrors[member].durable.count)...)
            for entry in write.entries { mirrors[member].durable.append(entry.term) }
        }
    }

    private mutating func votes(_ new: HardState, at member: Int) {
        let old = mirrors[member].hardState
        if new.term < old.term {
            note("member \(member + 1) went from term \(old.term.rawValue) back to \(new.term.rawValue)")
        } else if new.term == old.term, old.votedFor != nil, new.votedFor != old.votedFor {
            note("member \(member + 1) changed its vote in term \(new.term.rawValue)")
        }
        mirrors[member].hardState = new
    }

    /// Log matching, by induction: a place (index, term) has one content and one predecessor.
    private mutating func record(_ entries: [Entry], of member: Int) {
        guard let first = entries.first else { return }
        let keep = Int(first.index.rawValue) - 1
        guard keep <= mirrors[member].memory.count else {
            return note("member \(member + 1) appends entry \(keep + 1) behind a hole")
        }
        truncatedCount += mirrors[member].memory.count - keep
        configurations.truncate(member, after: first.index.rawValue - 1)
        mirrors[member].memory.removeSubrange(keep...)
        var previous = mirrors[member].memory.last ?? .zero
        for entry in entries {
            let place = Place(index: entry.index.rawValue, term: entry.term.rawValue)
            if entry.kind == .configuration { configurations.append(entry, of: member, isNew: written[place] == nil) }
            if let known = written[place] {
                if known.previousTerm != previous || known.entry != entry {
                    note("two entries at index \(entry.index.rawValue) of term \(entry.term.rawValue)")
                }
            } else {
                written[place] = (entry, previous)
            }
            previous = entry.term
            mirrors[member].memory.append(entry.term)
        }
    }

    // MARK: Elections and commitment

    /// Election safety, and leader completeness at the moment of winning.
    package mutating func leads(_ member: Int, id: MemberID, term: Term) {
        if let other = leaders[term], other != id { note("\(id) and \(other) both lead term \(term.rawValue)") }
        guard leaders.updateValue(id, forKey: term) == nil else { return }
        leaderPositions[term] = member
        if let latest = configurations.latest(of: member) {
            let supporters = latest.members.map(\.id).filter { $0 == id || votes[Vote(voter: $0, term: term)] == id }
            if !latest.isQuorum(Set(supporters)) {
                note(
                    "\(id) leads term \(term.rawValue) by \(supporters.count) votes of \(latest.members.count) members")
            }
        }
        let log = mirrors[member].memory
        for position in committed.indices where committedInTerm[position] < term {
            if position >= log.count || log[position] != committed[position] {
                return note("the leader of term \(term.rawValue) lacks committed entry \(position + 1)")
            }
        }
    }

    /// State machine safety; and a committed entry stands on the disks of a quorum, whatever anyone remembers.
    package mutating func commits(_ member: Int, upTo index: LogIndex, term: Term) {
        let end = Int(index.rawValue)
        guard end > mirrors[member].commit else {
            if end < mirrors[member].commit { note("member \(member + 1) took back its commit index") }
            return
        }
        guard end <= mirrors[member].memory.count else {
            return note("member \(member + 1) commits \(end) of \(mirrors[member].memory.count) entries")
        }
        // A leader may count copies of entries of its own term only (dissertation §3.6.2).
        if leaderPositions[term] == member, let last = mirrors[member].memory[..<end].last, last != term {
            note("the leader of term \(term.rawValue) commits up to entry \(end), of term \(last.rawValue)")
        }
        for position in mirrors[member].commit..<end { commits(position, of: member, in: term) }
        mirrors[member].commit = end
    }

    private mutating func commits(_ position: Int, of member: Int, in term: Term) {
        let own = mirrors[member].memory[position]
        if position < committed.count {
            if committed[position] != own { note("member \(member + 1) commits another entry at \(position + 1)") }
            return
        }
        let holders = mirrors.indices.filter { member in
            ([mirrors[member].durable] + mirrors[member].lost).contains { position < $0.count && $0[position] == own }
        }
        if !configurations.areQuorum(holders, at: UInt64(position + 1), leader: leaderPositions[term] ?? member) {
            let count = "\(holders.count) of \(mirrors.count)"
            note("entry \(position + 1) was committed while \(count) disks held it, and they are no quorum")
        }
        if let last = committed.last, let before = entry(position - 1, last), let now = entry(position, own),
            before.clock > now.clock
        {
            note("the cluster clock went back at entry \(position + 1)")
        }
        committed.append(own)
        committedInTerm.append(term)
    }

    /// What was appended in this turn, held against what is committed by now.
    mutating func checkNewConfigurations() {
        guard !configurations.unchecked.isEmpty else { return }
        for broken in configurations.brokenRules(committedTerms: committed) { note(broken) }
    }

    /// The configurations that may turn out to be the present one: that of the last committed entry, and all behind it
    /// in logs that hold it.
    var possibleConfigurations: [Configuration] {
        configurations.possible(committed: committed.map(\.rawValue))
    }

    /// Everything that was committed, in order.
    var committedEntries: [Entry] {
        committed.indices.compactMap { entry($0, committed[$0]) }
    }

    private func entry(_ position: Int, _ term: Term) -> Entry? {
        written[Place(index: UInt64(position + 1), term: term.rawValue)]?.entry
    }

    // MARK: Messages

    /// What leaves a member must follow from what its disk holds at that moment.
    /// - Parameter target: the position of the receiver, if it runs.
    package mutating func sends(_ message: Message, from member: Int, to target: Int? = nil) {
        let (id, term, disk) = (message.from, message.term, mirrors[member].hardState)
        switch message.body {
        case .preVoteRequest:
            if term > disk.term.next { note("\(id) asked for pre-votes in a term before its own was durable") }
            return
        case .voteRequest(let request):
            castsVote(of: id, for: id, in: term, disk: disk)
            // Else stickiness holds nobody back (dissertation §4.2.3).
            if request.isByTransfer, !orders.contains(Vote(voter: id, term: Term(term.rawValue - 1))) {
                note("\(id) stands in term \(term.rawValue) as if its leader had asked for it")
            }
        case .timeoutNow:
            orders.insert(Vote(voter: message.to, term: term))
            if let target { handsOver(term, from: member, to: target) }
        case .voteResponse(let response) where response.granted:
            castsVote(of: id, for: message.to, in: term, disk: disk)
        case .appendResponse(let response):
            guard case .matched(let index) = response.result, disk.term == term else { break }
            if index <= mirrors[member].snapshot { break }
            if Int(index.rawValue) > mirrors[member].durable.count {
                note("member \(member + 1) acknowledged entry \(index.rawValue) before it was durable")
            } else if index > .zero, let own = leaderTerm(of: index, in: term),
                own != mirrors[member].durable[Int(index.rawValue) - 1]
            {
                note("member \(member + 1) acknowledged entry \(index.rawValue) that is not its leader's")
            }
        default:
            break
        }
        if term > disk.term { note("member \(member + 1) showed term \(term.rawValue) before it was durable") }
    }

    /// Whoever takes over must have everything, on its disk: else it wins late or not at all (dissertation §3.10).
    private mutating func handsOver(_ term: Term, from leader: Int, to target: Int) {
        let (log, disk) = (mirrors[leader].memory, mirrors[target])
        let isInSnapshot = disk.snapshot.rawValue > UInt64(disk.durable.count)
        let other = isInSnapshot ? Array(committed.prefix(Int(disk.snapshot.rawValue))) : disk.durable
        // What an emptied directory had is not looked at.
        guard disk.lost.isEmpty, !other.starts(with: log) else { return }
        note("the leader of term \(term.rawValue) hands over to member \(target + 1), which lacks some of its log")
    }

    /// Whoever led a term, if anyone did.
    func leader(of term: Term) -> MemberID? { leaders[term] }

    /// What the leader of a term has at an index, while it has not gone on to a later term.
    private func leaderTerm(of index: LogIndex, in term: Term) -> Term? {
        guard let position = leaderPositions[term] else { return nil }
        let mirror = mirrors[position]
        let hasGoneOn = mirror.hardState.term > term || mirror.pending.contains { ($0.hardState?.term ?? .zero) > term }
        guard !hasGoneOn, Int(index.rawValue) <= mirror.memory.count else { return nil }
        return mirror.memory[Int(index.rawValue) - 1]
    }

    private mutating func castsVote(of voter: MemberID, for candidate: MemberID, in term: Term, disk: HardState) {
        let vote = Vote(voter: voter, term: term)
        if let other = votes[vote], other != candidate { note("\(voter) voted twice in term \(term.rawValue)") }
        votes[vote] = candidate
        if disk.term == term, disk.votedFor != candidate {
            note("\(voter) gave its vote in term \(term.rawValue) before it was durable")
        }
    }
}
