import ConcordBytes
import ConcordChecker
import ConcordModel
import ConcordReplica

// What an operation that is over leaves behind: in the history, in the ledger, in what is known of the settings.

extension SimulatedClient {
    /// Ends what it is doing.
    mutating func end(
        _ doing: Doing, _ completion: Completion, now: UInt64, _ all: inout SeenByClients,
        _ random: inout SeededRandom
    ) {
        self.doing = nil
        let isUnknown: Bool
        switch completion {
        case .givenUp:
            isUnknown = doing.mayHaveHappened
            if isUnknown {
                all.unknownOutcomes += 1
                changeProcess()
            }
            if isUnknown, isWorthShelving(doing), random.chance(percent: 50) {
                shelved = doing
                return
            }
        case .answered, .judged, .nothing: isUnknown = false
        case .tryAgain, .nextPage, .problem: return
        }
        let returned = all.nextPosition()
        if case .client(let call) = doing.retry {
            switch completion {
            case .answered, .judged: ledger?.end(call, answered: true)
            case .nothing, .givenUp, .tryAgain, .nextPage, .problem: ledger?.end(call, answered: false)
            }
        }
        guard case .history = doing.purpose else { return }
        if case .write(.changeSettings(let values)) = doing.question, !isUnknown {
            var returnedOrNothing: Int? = returned
            if case .judged = completion {} else { returnedOrNothing = nil }
            all.settings.end(values, begunAt: doing.invoked, returned: returnedOrNothing)
        }
        record(doing, completion, isUnknown: isUnknown, returned: returned, now: now, &all)
    }

    /// Its outcome may still be asked for, with the same key.
    private func isWorthShelving(_ doing: Doing) -> Bool {
        guard shelved == nil, case .history = doing.purpose, case .key = doing.retry else { return false }
        return true
    }

    /// What was never asked for again is of unknown outcome.
    mutating func giveUpShelved(_ all: inout SeenByClients) {
        guard let doing = shelved else { return }
        shelved = nil
        record(doing, .givenUp, isUnknown: true, returned: .max, now: doing.invokedAt, &all)
    }

    // MARK: The history

    /// Processes of what is no operation of a client's own lie far above those of clients.
    private static let shownProcess = 1_000_000
    private static let localProcess = 2_000_000

    private func record(
        _ doing: Doing, _ completion: Completion, isUnknown: Bool, returned: Int, now: UInt64,
        _ all: inout SeenByClients
    ) {
        guard let recorded = doing.recorded else { return }
        let outcome: RecordedOperation.Outcome
        var result = HistoryValue.null
        var revision: Revision?
        var shown: Shown?
        switch completion {
        case .answered(let value, let judged, let node):
            outcome = .ok
            (result, revision, shown) = (value, judged, node)
        case .nothing: outcome = .fail
        case .givenUp:
            guard doing.isWrite else { return }
            outcome = isUnknown ? .unknown : .fail
        case .judged, .tryAgain, .nextPage, .problem: return
        }
        var operation = RecordedOperation(
            process: .int(Int64(doing.process)), function: recorded.function, key: .text(recorded.key.text),
            argument: recorded.argument, result: result, outcome: outcome, invoked: doing.invoked,
            returned: isUnknown ? .max : returned, invokedTime: Int64(doing.invokedAt) * 1000,
            returnedTime: isUnknown ? nil : Int64(now) * 1000, revision: revision.map { Int64($0.rawValue) })
        if doing.consistency == .local {
            operation.invoked = all.position(behind: doing.since)
            operation.process = .int(Int64(SimulatedClient.localProcess + all.operations.count))
        }
        all.record(operation)
        guard let shown, let revision else { return }
        operation.process = .int(Int64(SimulatedClient.shownProcess + all.operations.count))
        operation.function = "get"
        operation.key = .text(shown.key.text)
        operation.argument = Word.map([(Word.at, shown.at?.history)])
        operation.result = shown.node?.history(withValue: shown.withValue) ?? Word.refused("not_found")
        operation.invoked = all.position(behind: doing.since)
        operation.returned = all.position(behind: returned)
        operation.revision = Int64(revision.rawValue)
        all.record(operation)
    }

    /// Whether the members know the library's identity that a call goes out under.
    func isKnown(_ doing: Doing) -> Bool {
        guard case .client(let call) = doing.retry, let ledger else { return false }
        return ledger.isKnown && ledger.id == call.client
    }
}

extension SimulatedClient.Doing {
    var isWrite: Bool {
        if case .write = question { return true }
        return false
    }
}
