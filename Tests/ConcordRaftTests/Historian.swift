import ConcordRaft

/// Remembers everything that any member ever showed, across crashes, and notes every broken promise. What it
/// checks are the properties of the dissertation's figure 3.2, and that nothing was said before it was durable.
struct Historian {
    private struct Place: Hashable {
        var index: LogIndex
        var term: Term
    }

    private struct Vote: Hashable {
        var voter: MemberID
        var term: Term
    }

    private(set) var violations: [String] = []
    private(set) var committed: [Entry] = []
    /// The term of whoever delivered each committed entry first.
    private var committedInTerm: [Term] = []
    private var leaders: [Term: MemberID] = [:]
    private var votes: [Vote: MemberID] = [:]
    private var written: [Place: (entry: Entry, previousTerm: Term)] = [:]
    private(set) var electionsCount = 0

    mutating func note(_ violation: String) {
        if violations.count < 20 { violations.append(violation) }
    }

    /// Election safety over the whole history, and leader completeness at the moment of winning.
    mutating func leads(_ raft: Raft) {
        let (member, term) = (raft.id, raft.standing.term)
        if let other = leaders[term], other != member {
            note("\(member) and \(other) both lead term \(term.rawValue)")
        }
        guard leaders.updateValue(member, forKey: term) == nil else { return }
        electionsCount += 1
        for (entry, commitTerm) in zip(committed, committedInTerm) where commitTerm < term {
            if raft.term(at: entry.index) != entry.term {
                note("leader of term \(term.rawValue) lacks committed entry \(entry.index.rawValue)")
                return
            }
        }
    }

    /// Log matching, by induction: a place (index, term) has one content and one predecessor.
    mutating func writes(_ entries: [Entry], previousTerm: Term) {
        var previous = previousTerm
        for entry in entries {
            let place = Place(index: entry.index, term: entry.term)
            if let known = written[place] {
                if known.entry != entry || known.previousTerm != previous {
                    note("two entries at index \(entry.index.rawValue) of term \(entry.term.rawValue)")
                }
            } else {
                written[place] = (entry, previous)
            }
            previous = entry.term
        }
    }

    /// State machine safety; and a committed entry stands on the disks of a quorum, no matter whose memory says so.
    mutating func delivers(_ entry: Entry, by raft: Raft, disks: [MemberID: Disk]) {
        let position = Int(entry.index.rawValue) - 1
        if position < committed.count {
            if committed[position] != entry {
                note("\(raft.id) delivered another entry at index \(entry.index.rawValue) than was committed")
            }
            return
        }
        if position > committed.count { note("index \(entry.index.rawValue) was delivered before its predecessor") }
        if let last = committed.last, last.clock > entry.clock { note("the cluster clock went back") }
        let isHeld = raft.configuration.hasQuorum { member in
            guard let log = disks[member]?.entries, position < log.count else { return false }
            return log[position] == entry
        }
        if !isHeld { note("index \(entry.index.rawValue) was committed without being durable on a quorum") }
        committed.append(entry)
        committedInTerm.append(raft.standing.term)
    }

    /// What leaves a member must follow from what its disk holds at that moment.
    mutating func sends(_ message: Message, disk: Disk) {
        let (member, term) = (message.from, message.term)
        switch message.body {
        case .preVoteRequest:
            if term > disk.hardState.term.next { note("a term was shown before it was durable") }
            return
        case .voteRequest:
            castsVote(of: member, for: member, in: term, disk: disk)
        case .voteResponse(let response) where response.granted:
            castsVote(of: member, for: message.to, in: term, disk: disk)
        case .appendResponse(let response):
            guard case .matched(let index) = response.result, disk.hardState.term == term else { break }
            if Int(index.rawValue) > disk.entries.count {
                note("\(member) acknowledged index \(index.rawValue) before it was durable")
            }
        default:
            break
        }
        if term > disk.hardState.term { note("\(member) showed term \(term.rawValue) before it was durable") }
    }

    private mutating func castsVote(of voter: MemberID, for candidate: MemberID, in term: Term, disk: Disk) {
        let vote = Vote(voter: voter, term: term)
        if let other = votes[vote], other != candidate { note("\(voter) voted twice in term \(term.rawValue)") }
        votes[vote] = candidate
        if disk.hardState.term == term, disk.hardState.votedFor != candidate {
            note("\(voter) gave its vote in term \(term.rawValue) before it was durable")
        }
    }
}

/// What a power cut leaves.
struct Disk {
    var hardState = HardState(term: .zero, votedFor: nil)
    var entries: [Entry] = []

    mutating func apply(_ write: LogWrite, entriesCount: Int = .max) {
        if let newer = write.hardState { hardState = newer }
        for entry in write.entries.prefix(entriesCount) {
            let position = Int(entry.index.rawValue) - 1
            if position < entries.count { entries.removeSubrange(position...) }
            entries.append(entry)
        }
    }
}
