import ConcordBytes
package import ConcordModel

/// The replicated state: what every member holds after the same entries, to the last bit.
///
/// A function of the commands and of what their entries say, and of nothing else: no clock, no random number, no order
/// of a hash table. A copy is a snapshot: it costs nothing, and stays as it is while the original goes on.
package struct StateMachine: Sendable {
    package private(set) var epoch = Epoch.zero
    package private(set) var clock: UInt64 = 0
    package private(set) var featureLevel = ModelLimits.featureLevelFirst
    var settings = ReplicatedSettings()
    var tree = Tree()
    var retries = RetryTables()
    var membership = Membership()

    /// An empty tree with the standard settings.
    package init() {}

    /// An empty tree with other settings, each within its range.
    package init(settings changes: [SettingValue]) {
        do {
            try settings.change(changes)
        } catch {
            preconditionFailure("a state machine was made with a setting out of its range")
        }
    }

    /// Takes over what an image says of the whole, before its records.
    mutating func restore(_ globals: StateImageRecord.Globals) throws(Refused) {
        try settings.change(globals.settings)
        (featureLevel, epoch, clock) = (globals.featureLevel, Epoch(globals.epoch), globals.clock)
        tree.revision = Revision(globals.revision)
        tree.history.restore(floor: globals.floor)
        membership = globals.membership
    }

    package var revision: Revision { tree.revision }

    /// Nodes without the root.
    package var nodesCount: UInt64 { tree.nodes.count - 1 }

    /// The first revision whose events are all retained; one above the present when there are none.
    package var historyFloor: Revision { Revision(tree.history.floor) }

    package func setting(_ setting: Setting) -> UInt64 { settings[setting] }

    /// What every entry says before its commands, an entry without commands too. The cluster clock never goes back.
    package mutating func beginEntry(epoch: Epoch, clock: UInt64) {
        self.epoch = epoch
        self.clock = Swift.max(self.clock, clock)
    }

    /// Events of whole revisions after a revision, in order: as many revisions as fit into `limit` events, and one
    /// in any case. The caller has seen that `revision` is not below the one before `historyFloor`.
    package func events(after revision: Revision, limit: Int) -> [Event] {
        tree.events(after: revision.rawValue, limit: limit)
    }
}

// MARK: - Applying

extension StateMachine {
    /// Applies one command, and decides its outcome.
    ///
    /// The order of judging: the term it was decided in; its origin, so that a member which sends it again finds the
    /// outcome; the identity that the client gave it; only then the operation. A command of another term and a
    /// superseded one leave no trace. Everything else that has an origin is stored for it, refusals too: what a member
    /// has answered must not become true later.
    package mutating func apply(_ command: Command) -> Outcome {
        let operation = command.operation
        if let decidedIn = command.decidedIn, decidedIn != epoch {
            return outcome(Refused(.otherTerm), of: operation)
        }
        guard let origin = command.origin else {
            let added = tree.history.next
            let outcome = applyOnce(command)
            keepHouse(added: tree.history.next - added)
            return outcome
        }
        switch retries.judge(origin) {
        case .refused(let refused): return outcome(refused, of: operation)
        case .known(let stored): return replay(stored, of: operation)
        case .fresh: break
        }
        if retries.isFull(origin) {
            return outcome(Refused(.superseded, number: StateLimits.originOpenMax), of: operation)
        }
        let added = tree.history.next
        let outcome = applyOnce(command)
        retries.store(StoredOutcome(outcome), for: origin, clock: clock)
        keepHouse(added: tree.history.next - added)
        return outcome
    }

    /// The outcome that a command was given, if it is kept for its origin. For a member whose state has leapt over the
    /// entry: it has not seen the command being applied.
    package func recall(_ command: Command) -> Outcome? {
        guard let origin = command.origin, let stored = retries.stored(for: origin) else { return nil }
        var outcome = replay(stored, of: command.operation)
        outcome.replayed = stored.wasReplay
        return outcome
    }

    /// Applies a command unless the client's identity of it is known.
    private mutating func applyOnce(_ command: Command) -> Outcome {
        let operation = command.operation
        let judgement: RetryTables.Judgement
        var hash: UInt128 = 0
        switch command.retry {
        case .none:
            return perform(command)
        case .client(let call):
            hash = StateMachine.hash(of: operation)
            judgement = retries.judge(call, hash: hash, clock: clock, settings)
        case .key(let key):
            hash = StateMachine.hash(of: operation)
            judgement = retries.judge(key, hash: hash, clock: clock, settings)
        }
        switch judgement {
        case .refused(let refused): return outcome(refused, of: operation)
        case .known(let stored): return replay(stored, of: operation)
        case .fresh: break
        }
        let outcome = perform(command)
        switch command.retry {
        case .none: break
        case .client(let call): retries.store(StoredOutcome(outcome), for: call, hash: hash, clock: clock)
        case .key(let key): retries.store(StoredOutcome(outcome), for: key, hash: hash, clock: clock)
        }
        return outcome
    }

    private mutating func perform(_ command: Command) -> Outcome {
        let change = Change(
            revision: tree.revision.rawValue + 1, wallMilliseconds: command.wallMilliseconds, cause: .client)
        let operation = command.operation
        do throws(Refused) {
            guard max(command.featureLevel, operation.featureLevel) <= featureLevel else {
                throw Refused(.featureLevelTooLow, number: UInt64(featureLevel))
            }
            let done: Done
            switch operation {
            case .put(let put): done = try tree.put(put, settings, change)
            case .createSequential(let create): done = try tree.createSequential(create, settings, change)
            case .increment(let increment): done = try tree.increment(increment, settings, change)
            case .delete(let delete): done = try tree.delete(delete, settings, change)
            case .changeSettings(let values):
                try settings.change(values)
                return settingsChanged
            case .raiseFeatureLevel(let level):
                guard level >= featureLevel else {
                    throw Refused(.invalidRequest, number: UInt64(featureLevel))
                }
                featureLevel = level
                return settingsChanged
            case .changeMembers(let change):
                return membershipChanged(.memberChangeBegun, try membership.begin(change))
            case .cancelMemberChange:
                return membershipChanged(.memberChangeCancelled, try membership.cancel())
            case .memberInfo(let told):
                try membership.take(told)
                return membershipChanged(.memberInfoChanged, nil)
            }
            tree.revision = Revision(change.revision)
            let key = operation.namedKey(status: done.status, number: done.number)
            let result = OperationResult(
                status: done.status, key: key, node: done.node?.node(key: key, withValue: false), number: done.number)
            return Outcome(revision: tree.revision, verdict: .applied([result]))
        } catch {
            return outcome(error, of: operation)
        }
    }

    private var settingsChanged: Outcome {
        let result = OperationResult(status: .settingsChanged, key: .root, node: nil)
        return Outcome(revision: tree.revision, verdict: .applied([result]))
    }

    /// Sets the number that the parent's last sequential name got, so that tests reach the end of the numbers.
    /// - Returns: false when the parent never had a child.
    package mutating func setSequentialCounter(of parent: Key, to number: UInt64) -> Bool {
        guard let directory = tree.directories.record(parent.bytes), directory.nodeLives else { return false }
        tree.setSequence(number, of: parent)
        return true
    }

    /// What every command that left a trace does for the bounds of the state.
    private mutating func keepHouse(added: UInt64) {
        tree.trimHistory(
            bytesMax: settings[.historyBytesMax], revisionsMax: settings[.historyRevisionsMax], added: added)
        retries.expire(clock: clock, settings, limit: StateLimits.expiriesPerCommandMax)
    }

    /// What tells whether a repeated name comes with the same operation.
    private static func hash(of operation: Operation) -> UInt128 {
        var writer = ByteWriter()
        operation.encode(into: &writer)
        return SipHash128.hash(writer.bytes)
    }
}

// MARK: - Answering

extension StateMachine {
    package func answer(_ query: Query) -> QueryResult {
        var stepsTaken = 0
        return answer(query, stepsTaken: &stepsTaken)
    }

    /// - Parameter stepsTaken: grows by what the answer cost beyond looking up a node.
    package func answer(_ query: Query, stepsTaken: inout Int) -> QueryResult {
        var budget = StepBudget()
        defer { stepsTaken += budget.stepsTaken }
        do throws(TooMuchWork) {
            switch query {
            case .node(let query): return try answer(query, &budget)
            case .list(let query): return try answer(query, &budget)
            case .settings: return .settings(settings.all, featureLevel: featureLevel)
            }
        } catch {
            return .tooMuchWork
        }
    }

    private func answer(_ query: NodeQuery, _ budget: inout StepBudget) throws(TooMuchWork) -> QueryResult {
        if let refusal = refusal(of: query.at) { return refusal }
        let bytes = query.key.bytes
        let version =
            isPresent(query.at)
            ? tree.present(bytes, bytes.count)
            : try tree.version(of: bytes, bytes.count, at: (query.at ?? revision).rawValue, &budget)
        guard let version else { return .notFound }
        return .node(version.node(key: query.key, withValue: query.withValue))
    }

    private func answer(_ query: ListQuery, _ budget: inout StepBudget) throws(TooMuchWork) -> QueryResult {
        if let refusal = refusal(of: query.at) { return refusal }
        guard let page = try tree.list(query, at: (query.at ?? revision).rawValue, &budget) else { return .notFound }
        return .page(page)
    }

    private func isPresent(_ asked: Revision?) -> Bool { asked == nil || asked == revision }

    /// Whether the tree as of a revision can be told: the present always, the past from the floor on.
    func isRetained(_ revision: UInt64) -> Bool {
        revision == tree.revision.rawValue || revision >= tree.history.floor
    }

    private func refusal(of asked: Revision?) -> QueryResult? {
        guard let asked else { return nil }
        if asked > revision { return .futureRevision(current: revision) }
        if isRetained(asked.rawValue) { return nil }
        return .compacted(firstAvailable: Swift.min(historyFloor, revision))
    }
}
