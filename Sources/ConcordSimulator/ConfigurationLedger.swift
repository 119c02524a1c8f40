import ConcordModel
import ConcordRaft

/// Who was to be counted, by an own reading of every member's log, and the rules that a configuration entry obeys.
struct ConfigurationLedger {
    struct Mark {
        var index: UInt64
        var term: UInt64
        var configuration: Configuration
    }

    /// A configuration that was appended for the first time, with the one before it in that log.
    struct Unchecked {
        var mark: Mark
        var before: Mark?
    }

    /// What the cluster was formed with.
    private(set) var initial: Configuration?
    private(set) var unchecked: [Unchecked] = []
    private(set) var truncatedCount = 0
    /// The configuration entries in each member's log, in order.
    private var chains: [[Mark]]
    /// Who each member is.
    private var ids: [MemberID?]
    private var hasChanges = false

    init(members: Int) {
        chains = Array(repeating: [], count: members)
        ids = Array(repeating: nil, count: members)
    }

    mutating func knows(_ member: Int, is id: MemberID, formedWith configuration: Configuration?) {
        ids[member] = id
        initial = initial ?? configuration
    }

    mutating func truncate(_ member: Int, after index: UInt64) {
        let before = chains[member].count
        chains[member].removeAll { $0.index > index }
        if index > 0 { truncatedCount += before - chains[member].count }
    }

    mutating func append(_ entry: Entry, of member: Int, isNew: Bool) {
        guard let configuration = Configuration(payload: entry.payload) else { return }
        let mark = Mark(index: entry.index.rawValue, term: entry.term.rawValue, configuration: configuration)
        if isNew { unchecked.append(Unchecked(mark: mark, before: chains[member].last)) }
        chains[member].append(mark)
        hasChanges = true
    }

    /// The latest configuration in a member's log, committed or not.
    func latest(of member: Int) -> Configuration? {
        chains[member].last?.configuration ?? initial
    }

    /// All others that vote in the latest configuration of a member's log; `nil` where one of them is not known.
    func votersBut(_ member: Int) -> [Int]? {
        guard let configuration = latest(of: member), let own = ids[member] else { return nil }
        let others = configuration.members.filter { $0.role != .learner && $0.id != own }
        let positions = others.compactMap { ids.firstIndex(of: $0.id) }
        return positions.count == others.count && !positions.isEmpty ? positions : nil
    }

    // MARK: Counting

    /// Whether these members are a quorum for an entry at `index`: by the configuration that held there in its leader's
    /// log, or by a later one, which the leader may have appended since.
    func areQuorum(_ holders: [Int], at index: UInt64, leader: Int) -> Bool {
        guard hasChanges else { return holders.count > (initial?.members.count ?? chains.count) / 2 }
        guard let initial else { return false }
        let held = Set(holders.compactMap { ids[$0] })
        let chain = chains[leader]
        let first = chain.lastIndex { $0.index <= index }
        let counted = (first == nil ? [initial] : []) + chain[(first ?? 0)...].map(\.configuration)
        return counted.contains { $0.isQuorum(held) }
    }

    // MARK: Rules

    /// What the new configurations break.
    /// - Parameter committed: the terms of all committed entries, in order.
    mutating func brokenRules(committedTerms committed: [Term]) -> [String] {
        defer { unchecked = [] }
        guard let initial else { return [] }
        return unchecked.flatMap { new -> [String] in
            let (mark, before) = (new.mark, new.before?.configuration ?? initial)
            var broken: [String] = []
            if let previous = new.before {
                let isCommitted =
                    previous.index <= committed.count && committed[Int(previous.index) - 1].rawValue == previous.term
                if !isCommitted { broken.append("behind one that is not committed") }
            }
            if committed.last.map({ $0.rawValue < mark.term }) ?? true {
                broken.append("before the first entry of its term was committed")
            }
            if !mark.configuration.obeys(before) { broken.append("that voters were changed by without a joint one") }
            return broken.map { "configuration \(mark.index) of term \(mark.term) was appended, one \($0)" }
        }
    }

    /// The last committed one, and all behind it in logs that hold it.
    func possible(committed: [UInt64]) -> [Configuration] {
        func isCommitted(_ mark: Mark) -> Bool {
            mark.index <= committed.count && committed[Int(mark.index) - 1] == mark.term
        }
        var last: Mark?
        for mark in chains.joined() where isCommitted(mark) && mark.index > last?.index ?? 0 { last = mark }
        var found = [last?.configuration ?? initial].compactMap(\.self)
        for chain in chains {
            guard last == nil || chain.contains(where: { $0.index == last?.index && $0.term == last?.term }) else {
                continue
            }
            found += chain.filter { $0.index > last?.index ?? 0 }.map(\.configuration)
        }
        return found
    }
}

extension Configuration {
    var oldVoters: Set<MemberID> { Set(members.filter { $0.role == .voter || $0.role == .outgoing }.map(\.id)) }
    var newVoters: Set<MemberID> { Set(members.filter { $0.role == .voter || $0.role == .incoming }.map(\.id)) }

    /// Whether these are a majority of the old voters and of the new ones.
    func isQuorum(_ agreeing: Set<MemberID>) -> Bool {
        [oldVoters, newVoters].allSatisfy { 2 * $0.intersection(agreeing).count > $0.count }
    }

    /// Voters go in and out by a joint configuration only.
    fileprivate func obeys(_ before: Configuration) -> Bool {
        before.isJoint ? !isJoint && newVoters == before.newVoters : oldVoters == before.oldVoters
    }
}

extension Configuration.Member {
    var inState: ClusterMember {
        ClusterMember(
            id: id.rawValue, name: name, peerAddress: peerAddress,
            role: ClusterMember.Role(rawValue: role.rawValue) ?? .learner)
    }
}
