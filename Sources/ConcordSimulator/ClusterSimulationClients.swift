import ConcordBytes
import ConcordChecker
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState

// Clients, what they see, and what must hold at the end.

extension ClusterSimulation {
    /// A client wakes up: it goes away from its request, tries once more, or begins its next operation.
    func act(_ number: Int) {
        if let wakeAt = clients[number].wakeAt, wakeAt != now { return }
        clients[number].wakeAt = nil
        if let doing = clients[number].doing, doing.request != nil { return abandon(doing, client: number) }
        if clients[number].doing == nil {
            if isHealed {
                guard finalRounds[number] < ClusterSimulation.finalRoundsPerClient else { return }
                guard now >= restedAt else { return wake(number, at: restedAt) }
                finalRounds[number] += 1
            }
            clients[number].begin(
                workload, now: now, mood: isHealed ? .served : mayLeaveOpen ? .free : .careful, seen: &seen,
                random: &random)
        }
        request(of: number)
    }

    /// Whether one more outcome may stay unknown.
    private var mayLeaveOpen: Bool { seen.unknownOutcomes < workload.unknownMax }
    private var attemptsMax: Int { mayLeaveOpen ? workload.attemptsMax : ClientWorkload.patientAttempts }

    private func wake(_ number: Int, at time: UInt64) {
        clients[number].wakeAt = time
        events.schedule(.client(number), at: time)
    }

    /// Asks a member for what the client is doing: the first time or again, or for the next page.
    private func request(of number: Int) {
        guard var doing = clients[number].doing else { return }
        let running = members.filter(\.isUp)
        guard !running.isEmpty else { return wake(number, at: now + 10_000) }
        let home = members[number % members.count]
        let member =
            home.isUp && random.chance(percent: workload.homePercent)
            ? home : running[Int(random.below(UInt64(running.count)))]
        lastRequest += 1
        let request = RequestID(lastRequest)
        doing.attempts += 1
        doing.request = request
        doing.wasKnown = clients[number].isKnown(doing)
        clients[number].doing = doing
        member.waiting[request] = number
        let timeout = isHealed ? max(doing.timeoutMilliseconds, 2000) : doing.timeoutMilliseconds
        if let abandonAt = doing.abandonAt, !isHealed { wake(number, at: max(abandonAt, now + 1)) }
        let body = clients[number].body(of: doing)
        step(member, .request(ReplicaRequest(id: request, timeoutMilliseconds: timeout, body: body)))
    }

    /// The client goes away in the middle of its request.
    private func abandon(_ doing: SimulatedClient.Doing, client number: Int) {
        guard let request = doing.request,
            let member = members.first(where: { $0.waiting[request] == number })
        else { return }
        member.waiting[request] = nil
        step(member, .abandon(request))
        seen.tally(doing.kind, .abandoned)
        count("abandoned requests")
        _ = clients[number].noOutcome(happened: true, attemptsMax: 0)
        finish(number, .givenUp)
    }

    func deliver(_ reply: ReplicaReply, from member: SimulatedMember) {
        guard let number = member.waiting.removeValue(forKey: reply.id), let doing = clients[number].doing,
            doing.request == reply.id
        else { return }
        note(reply.id.rawValue)
        if case .failed(let failure) = reply.result, isHealed, doing.invokedAt >= restedAt {
            problem("\(doing.kind) at \(member.name) of a healed cluster ended in \(failure)")
        }
        if case .outcome(let outcome) = reply.result, outcome.replayed { count("replays") }
        clients[number].wakeAt = nil
        clients[number].doing?.request = nil
        let completion = clients[number].completion(
            of: reply, from: .init(member: member.position, boot: member.boot), attemptsMax: attemptsMax,
            &seen, &random)
        finish(number, completion)
    }

    /// From here on every request must succeed: the faults ended ten election timeouts ago.
    private var restedAt: UInt64 { settings.faultyMicroseconds + 2_500_000 }

    func connectionBroke(of number: Int) {
        guard let doing = clients[number].doing, doing.request != nil else { return }
        seen.tally(doing.kind, .broken)
        clients[number].wakeAt = nil
        finish(number, clients[number].noOutcome(happened: true, attemptsMax: attemptsMax))
    }

    private func finish(_ number: Int, _ completion: SimulatedClient.Completion) {
        guard let doing = clients[number].doing else { return }
        switch completion {
        case .tryAgain:
            count("retries")
            return wake(number, at: now + 1000 + random.below(50_000))
        case .nextPage: return request(of: number)
        case .problem(let text):
            return problem("client \(number), \(doing.question) with \(doing.retry): \(text)")
        case .answered, .judged:
            count("operations")
            if isHealed { healedOperations += 1 }
        case .nothing: count("failures")
        case .givenUp: count(doing.mayHaveHappened ? "unknown outcomes" : "failures")
        }
        clients[number].end(doing, completion, now: now, &seen, &random)
        let isOver = clients.reduce(0) { $0 + $1.sequence } >= UInt64(workload.operationsMax)
        let think = isHealed ? min(workload.thinkMicroseconds, 60_000) : workload.thinkMicroseconds
        wake(number, at: now + 1 + random.below(2 * think) + (isOver && !isHealed ? 1_000_000 : 0))
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
        if healedOperations < clients.count { problem("only \(healedOperations) operations after healing") }
        for member in members {
            guard let replica = member.replica else { continue }
            if replica.state.recomputedHash() != replica.state.stateHash {
                problem("\(member.name)'s state hash is not that of its records")
            }
        }
        for number in clients.indices { clients[number].giveUpShelved(&seen) }
        switch Checker.check(seen.history, model: .tree) {
        case .valid: break
        case .violation(let violation):
            problem("\(violation.explanation)\n\(violation.operations.map { "  \($0)" }.joined(separator: "\n"))")
        case .unknown(let reason): problem("the history was not judged: \(reason)")
        }
    }
}
