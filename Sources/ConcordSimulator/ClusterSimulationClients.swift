import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState

// Clients, what they see, and what must hold at the end.

extension ClusterSimulation {
    /// A client goes on: with the next operation, or with another try of the one it has.
    func act(_ number: Int) {
        if clients[number].doing == nil {
            if isHealed {
                guard finalRounds[number] < ClusterSimulation.finalRoundsPerClient else { return }
                guard now >= restedAt else { return events.schedule(.client(number), at: restedAt) }
                finalRounds[number] += 1
            }
            clients[number].begin(keys: settings.keys, now: now, random: &random)
        }
        guard var doing = clients[number].doing else { return }
        let candidates = members.filter(\.isUp)
        guard !candidates.isEmpty else {
            events.schedule(.client(number), at: now + 10_000)
            return
        }
        let member = candidates[Int(random.below(UInt64(candidates.count)))]
        doing.attempts += 1
        clients[number].doing = doing
        lastRequest += 1
        let request = RequestID(lastRequest)
        member.waiting[request] = number
        let timeout = (isHealed ? 2000 : 200) + random.below(2500)
        step(
            member,
            .request(
                ReplicaRequest(
                    id: request, timeoutMilliseconds: timeout, body: clients[number].body(of: doing))))
    }

    func deliver(_ reply: ReplicaReply, from member: SimulatedMember) {
        guard let number = member.waiting.removeValue(forKey: reply.id), let doing = clients[number].doing else {
            return
        }
        note(reply.id.rawValue)
        switch reply.result {
        case .outcome(let outcome): received(outcome, doing, client: number, member)
        case .answer(.node(let node)):
            clients[number].lastRead[doing.key] = (node.value ?? [], node.modifyRevision)
            finish(number, .found(node.value), revision: reply.revision)
        case .answer(.notFound):
            finish(number, .found(nil), revision: reply.revision)
        case .answer(let other): problem("a get was answered with \(other)")
        case .cluster: problem("a get was answered with the cluster")
        case .failed(let failure):
            if isHealed, doing.invokedAt >= restedAt {
                problem("\(doing.action) at \(member.name) of a healed cluster ended in \(failure)")
            }
            failed(number, happened: failure == .outcomeUnknown)
        }
    }

    /// From here on every request must succeed: the faults ended ten election timeouts ago.
    private var restedAt: UInt64 { settings.faultyMicroseconds + 2_500_000 }

    private func received(
        _ outcome: Outcome, _ doing: SimulatedClient.Doing, client number: Int, _ member: SimulatedMember
    ) {
        if case .refused(let refusal) = outcome.verdict {
            switch refusal.code {
            case .revisionMismatch, .alreadyExists, .notFound: break
            case .conflict where doing.isIncrement: break
            case .clientExpired where clients[number].isLibrary:
                // Its first call never arrived: it begins anew, under another id.
                clients[number].beginAnew(random: &random)
                finish(number, doing.mayHaveHappened ? .unknown : .nothing, revision: nil)
                return
            default: problem("client \(number) was refused \(refusal.code) for \(doing.action) at \(member.name)")
            }
        }
        if outcome.replayed {
            count("replays")
            if case .none = doing.retry { problem("client \(number) got a replay and asked for none") }
        }
        finish(number, SimulatedClient.result(of: doing.action, outcome), revision: outcome.revision)
    }

    func connectionBroke(of number: Int) {
        failed(number, happened: true)
    }

    /// No outcome. Who can repeat safely does; the others must leave it open.
    private func failed(_ number: Int, happened: Bool) {
        guard var doing = clients[number].doing else { return }
        if happened { doing.mayHaveHappened = true }
        clients[number].doing = doing
        if doing.retry != .none, doing.attempts < 60 {
            count("retries")
            events.schedule(.client(number), at: now + 1000 + random.below(50_000))
        } else {
            let open = doing.mayHaveHappened && doing.action != .get
            finish(number, open ? .unknown : .nothing, revision: nil)
        }
    }

    private func finish(_ number: Int, _ result: HistoryOperation.Result, revision: Revision?) {
        guard let doing = clients[number].doing else { return }
        clients[number].doing = nil
        count(result == .unknown ? "unknown outcomes" : result == .nothing ? "failures" : "operations")
        if isHealed, result != .unknown, result != .nothing { healedOperations += 1 }
        history.append(
            HistoryOperation(
                client: number, key: doing.key, action: doing.action, invokedAt: doing.invokedAt, returnedAt: now,
                result: result, revision: revision))
        events.schedule(.client(number), at: now + 1 + random.below(60_000))
    }

    // MARK: The end

    static let finalRoundsPerClient = 8

    /// Healed, everyone has done the last operations, and all members have applied the same.
    var isQuiet: Bool {
        guard isHealed, clients.allSatisfy({ $0.doing == nil }),
            finalRounds.allSatisfy({ $0 == ClusterSimulation.finalRoundsPerClient })
        else { return false }
        let applied = members.map { $0.replica?.appliedIndex ?? .zero }
        let last = members.map { $0.replica?.status.lastIndex ?? .zero }
        return applied.allSatisfy { $0 == applied[0] && $0 > .zero } && last.allSatisfy { $0 == applied[0] }
    }

    func checkTheEnd() {
        guard isQuiet else {
            let standings = members.map { "\($0.name): \($0.replica.map { "\($0.status)" } ?? "down")" }
            return problem("no rest after all faults were healed: \(standings.joined(separator: "; "))")
        }
        if healedOperations < settings.clients { problem("only \(healedOperations) operations after healing") }
        for member in members {
            guard let replica = member.replica else { continue }
            if replica.state.recomputedHash() != replica.state.stateHash {
                problem("\(member.name)'s state hash is not that of its records")
            }
        }
        switch Linearizability.check(history) {
        case .valid: break
        case .violated(let key): problem("not linearizable: \(key.text)\n\(describe(key))")
        case .unknown(let key): problem("the search for an order of \(key.text) gave up")
        }
        if let (before, after) = Linearizability.checkRevisions(history) {
            problem("the revision went back: \(before) returned, then \(after)")
        }
    }

    private func describe(_ key: Key) -> String {
        history.filter { $0.key == key && $0.result != .nothing }.sorted { $0.invokedAt < $1.invokedAt }.map {
            "  \($0.invokedAt)–\($0.returnedAt) client \($0.client) \($0.action) \($0.result) \($0.revision?.rawValue ?? 0)"
        }.joined(separator: "\n")
    }
}

extension SimulatedClient.Doing {
    fileprivate var isIncrement: Bool {
        if case .increment = action { return true }
        return false
    }
}
