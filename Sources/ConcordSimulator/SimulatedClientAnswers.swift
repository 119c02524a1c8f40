import ConcordBytes
import ConcordChecker
import ConcordModel
import ConcordReplica

// What an answer means: for the history, or that it is wrong by itself.

extension SimulatedClient {
    enum Completion {
        /// The system judged the operation.
        case answered(HistoryValue, revision: Revision, shown: Shown?)
        /// The answer was right, and the history cannot tell it.
        case judged
        /// It had no effect and never will.
        case nothing
        /// No outcome, and no more tries: what is known is in `mayHaveHappened`.
        case givenUp
        case tryAgain
        case nextPage
        case problem(String)
    }

    /// A node that an answer showed besides; `nil` for one that does not exist.
    struct Shown {
        var key: Key
        var at: Revision?
        var node: Node?
        var withValue: Bool
    }

    /// Who answered.
    struct Source {
        var member: Int
        var boot: UInt64
    }

    mutating func completion(
        of reply: ReplicaReply, from source: Source, attemptsMax: Int, _ all: inout SeenByClients,
        _ random: inout SeededRandom
    ) -> Completion {
        guard let doing else { return .problem("an answer to nothing") }
        if case .failed(let failure) = reply.result {
            all.tally(doing.kind, SeenByClients.Answer(failure))
            return noOutcome(happened: failure == .outcomeUnknown, attemptsMax: attemptsMax)
        }
        if doing.consistency == .local {
            guard reply.revision >= doing.minimum else {
                return .problem(
                    "a local read of at least \(doing.minimum.rawValue) was answered from \(reply.revision.rawValue)")
            }
            let wrong = all.judgeLocal(reply.revision, member: source.member, boot: source.boot)
            if let wrong { return .problem(wrong) }
        } else if reply.revision < doing.newest {
            return .problem("the revision went back to \(reply.revision.rawValue) from \(doing.newest.rawValue)")
        }
        all.saw(reply.revision)
        switch (doing.question, reply.result) {
        case (.write(let operation), .outcome(let outcome)):
            return judge(outcome, of: operation, by: source.member, doing, &all, &random)
        case (.read(let query), .answer(let answer)):
            saw(reply.revision, since: doing.since)
            return judge(answer, to: query, doing, state: reply.revision, &all)
        case (.cluster, .cluster(let view)):
            all.tally(doing.kind, .ok)
            let ids = Set(view.members.map(\.id))
            let wanted = all.membersCount ?? view.members.count
            return ids.count == wanted && ids.count == view.members.count && wanted > 0
                ? .judged : .problem("a list of \(view.members.count) members instead of \(wanted)")
        case (_, let other):
            return .problem("\(doing.kind) was answered with \(other)")
        }
    }

    /// No outcome. Who can ask again safely does.
    mutating func noOutcome(happened: Bool, attemptsMax: Int) -> Completion {
        guard var doing else { return .problem("no outcome of nothing") }
        var isSafe = true
        if case .write = doing.question {
            doing.mayHaveHappened = doing.mayHaveHappened || happened
            isSafe = doing.retry != .none || !doing.mayHaveHappened
        }
        doing.request = nil
        self.doing = doing
        return isSafe && doing.attempts < attemptsMax ? .tryAgain : .givenUp
    }

    // MARK: Reads

    private mutating func judge(
        _ answer: QueryResult, to query: Query, _ doing: Doing, state: Revision, _ all: inout SeenByClients
    ) -> Completion {
        let asked = doing.listing?.revision ?? query.at
        switch answer {
        case .compacted(let first):
            all.tally(doing.kind, .compacted)
            guard let asked else { return .problem("the present is compacted") }
            let wrong = all.judgeCompacted(
                asked, firstAvailable: first, state: state, isLinearizable: doing.consistency == .linearizable)
            return wrong.map { .problem($0) } ?? .judged
        case .futureRevision(let current):
            all.tally(doing.kind, .futureRevision)
            guard let asked, asked > current, current == state else {
                return .problem("revision \(current.rawValue) is called the future at \(state.rawValue)")
            }
            return .judged
        case .settings(let values, let level):
            all.tally(doing.kind, .ok)
            guard case .settings = query, values.map(\.setting) == Setting.allCases, level >= 1 else {
                return .problem("settings \(values) of level \(level)")
            }
            // A member that is behind may show what was long replaced.
            guard doing.consistency == .linearizable else { return .judged }
            let wrong = values.first { !all.settings.isPossible($0.setting, $0.value, since: doing.invoked) }
            return wrong.map { .problem("\($0.setting.name) is \($0.value), which was replaced or never set") }
                ?? .judged
        case .tooMuchWork: return .problem("a handful of nodes is too much work")
        case .notFound, .node, .page: break
        }
        if let asked {
            if asked > state { return .problem("revision \(asked.rawValue) was shown at \(state.rawValue)") }
            if doing.consistency == .linearizable, asked < doing.compactedBelow {
                return .problem("revision \(asked.rawValue) was compacted and is shown again")
            }
        }
        switch (answer, query) {
        case (.node(let node), .node(let query)):
            all.tally(doing.kind, .ok)
            let wrong = SimulatedClient.wrong(node, showing: query.withValue, at: asked ?? state)
            if node.key != query.key || wrong != nil { return .problem("\(wrong ?? "another key"): \(node)") }
            if query.at == nil { saw(node) }
            return .answered(node.history(withValue: query.withValue), revision: state, shown: nil)
        case (.page(let page), .list(let query)):
            all.tally(doing.kind, .ok)
            return judge(page, to: query, doing, state: state)
        case (.notFound, .node), (.notFound, .list):
            all.tally(doing.kind, .notFound)
            guard doing.listing == nil else { return .problem("the node of a listing is gone from its revision") }
            return .answered(Word.refused("not_found"), revision: state, shown: nil)
        case (let answer, _): return .problem("\(doing.kind) was answered with \(answer)")
        }
    }

    /// What is wrong with a node of a state, whatever happened before.
    static func wrong(_ node: Node, showing value: Bool, at revision: Revision) -> String? {
        if node.kind != .persistent || node.lease != nil { return "a node that nobody can make" }
        if !value, node.value != nil { return "a value that nobody asked for" }
        if node.version == 0 || node.createRevision == .zero { return "a node that was never made" }
        if node.createRevision > node.modifyRevision || node.modifyRevision > revision { return "a node of the future" }
        if (node.version == 1) != (node.createRevision == node.modifyRevision) { return "a version that does not fit" }
        return nil
    }

    /// Pages of one listing are put together, as of the revision of the first.
    private mutating func judge(
        _ page: ListPage, to query: ListQuery, _ doing: Doing, state: Revision
    ) -> Completion {
        let before = doing.listing
        guard page.revision == before?.revision ?? query.at ?? state, page.childRevision <= page.revision,
            before.map({ $0.childRevision == page.childRevision }) ?? true
        else { return .problem("a page of revision \(page.revision.rawValue), \(page.childRevision.rawValue)") }
        let judged = before?.judged ?? state
        guard query.detail != .count else {
            guard page.nodes.isEmpty, !page.hasMore else { return .problem("a count with nodes") }
            return .answered(Word.map([(Word.number, .int(Int64(page.count)))]), revision: judged, shown: nil)
        }
        guard page.nodes.count == Int(page.count), page.nodes.count <= query.nodesMax, !page.hasMore || page.count > 0
        else { return .problem("a page of \(page.nodes.count) nodes that counts \(page.count)") }
        var names = before?.names ?? []
        var last = before?.last
        let level = query.key.levels + 1
        for node in page.nodes {
            let wrong = SimulatedClient.wrong(node, showing: query.detail == .values, at: page.revision)
            guard wrong == nil, node.key.isBelow(query.key), query.scope == .subtree || node.key.levels == level,
                last.map({ $0 < node.key }) ?? true
            else { return .problem("\(wrong ?? "a node at the wrong place") in a listing: \(node)") }
            last = node.key
            names.append(.text(node.key.text))
            if query.at == nil { saw(node) }
        }
        let isToBeShown = before == nil || (sequence &+ UInt64(names.count)) % 2 == 0
        let shown = isToBeShown ? page.nodes.last ?? before?.shown : before?.shown
        if page.hasMore, let last, let shown {
            self.doing?.listing = Listing(
                names: names, judged: judged, revision: page.revision, childRevision: page.childRevision, last: last,
                shown: shown)
            return .nextPage
        }
        return .answered(
            Word.map([(Word.names, .list(names))]), revision: judged,
            shown: shown.map {
                Shown(key: $0.key, at: query.at, node: $0, withValue: query.detail == .values)
            })
    }
}

extension Query {
    /// The revision asked for.
    var at: Revision? {
        switch self {
        case .node(let query): query.at
        case .list(let query): query.at
        case .settings: nil
        }
    }
}

extension SeenByClients.Answer {
    fileprivate init(_ failure: RequestFailure) {
        self =
            switch failure {
            // No client of the workload asks for another leader.
            case .timeout, .transferRefused: .timeout
            case .outcomeUnknown: .outcomeUnknown
            case .noLeader: .noLeader
            case .overloaded: .overloaded
            case .noSpace: .noSpace
            case .recovering, .diverged, .readOnly: .recovering
            }
    }
}
