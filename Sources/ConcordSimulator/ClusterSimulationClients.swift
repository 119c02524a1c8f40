import ConcordBytes
import ConcordChecker
import ConcordModel
import ConcordRaft
import ConcordReplica

// Clients at work: whom they ask, and what they do with an answer.

extension ClusterSimulation {
    /// A client wakes up: it goes away from its request, tries once more, or begins its next operation.
    func act(_ number: Int) {
        if let wakeAt = clients[number].wakeAt, wakeAt != now { return }
        clients[number].wakeAt = nil
        if let doing = clients[number].doing, doing.request != nil { return abandon(doing, client: number) }
        if clients[number].doing == nil {
            let moment = healing == nil ? max(plan.workload.beginning(at: now), quietUntil) : now
            if moment > now { return wake(number, at: moment + clientRandom[number].below(1000)) }
            guard beginOperation(of: number) else { return }
        }
        request(of: number)
    }

    private func beginOperation(of number: Int) -> Bool {
        if healing?.stage == .served {
            let round = clients[number].finalRounds
            clients[number].finalRounds += 1
            // The last thing is to look at everything once more.
            if round >= ClusterSimulation.finalRoundsMax {
                let key = round - ClusterSimulation.finalRoundsMax
                guard number == 0, key < plan.workload.keys.count else { return false }
                clients[number].beginLook(at: plan.workload.keys[key], now: now, seen: &seen)
                return true
            }
        }
        let mood: SimulatedClient.Mood = healing != nil ? .served : mayLeaveOpen ? .free : .careful
        clients[number].begin(
            plan.workload, now: now, mood: mood, seen: &seen, random: &clientRandom[number])
        return true
    }

    /// Whether one more outcome may stay unknown.
    private var mayLeaveOpen: Bool { seen.unknownOutcomes < plan.workload.unknownMax }
    private var attemptsMax: Int { mayLeaveOpen ? plan.workload.attemptsMax : ClientWorkload.patientAttempts }

    static let finalRoundsMax = 8

    func wake(_ number: Int, at time: UInt64) {
        clients[number].wakeAt = time
        events.schedule(.client(number), at: time)
    }

    /// Asks a member for what the client is doing: the first time or again, or for the next page.
    private func request(of number: Int) {
        guard var doing = clients[number].doing else { return }
        guard let member = whom(number) else { return wake(number, at: now + 10_000) }
        lastRequest += 1
        let request = RequestID(lastRequest)
        doing.attempts += 1
        doing.request = request
        doing.requestedAt = now
        doing.wasKnown = clients[number].isKnown(doing)
        clients[number].doing = doing
        if let abandonAt = doing.abandonAt, healing == nil { wake(number, at: max(abandonAt, now + 1)) }
        let body = clients[number].body(of: doing)
        tell("client \(number) asks \(member.name): \(body)")
        ask(
            member, ReplicaRequest(id: request, timeoutMilliseconds: timeout(of: doing, number), body: body), by: number
        )
        askForBackupNowAndThen(member)
    }

    private func timeout(of doing: SimulatedClient.Doing, _ number: Int) -> UInt64 {
        switch healing?.stage {
        case nil: doing.timeoutMilliseconds
        // Short, so that even a single client has asked everyone several times.
        case .quorumHealed, .offered, .restCutOff, .movedInVain, .mended, .moved, .offeredMeanwhile: 150
        case .served, .over: max(doing.timeoutMilliseconds, 3000)
        }
    }

    /// The member that a client asks; once a quorum is healed one of it, in turn.
    private func whom(_ number: Int) -> SimulatedMember? {
        let running = members.filter {
            $0.isUp && healing?.quorum.contains($0.position) != false && (healing == nil || serves($0))
        }
        guard !running.isEmpty else { return nil }
        if healing != nil {
            clients[number].turns += 1
            return running[(number + clients[number].turns) % running.count]
        }
        let home = members[number % members.count]
        if home.isUp, clientRandom[number].chance(percent: plan.workload.homePercent) { return home }
        return running[Int(clientRandom[number].below(UInt64(running.count)))]
    }

    /// The client goes away in the middle of its request.
    private func abandon(_ doing: SimulatedClient.Doing, client number: Int) {
        guard let request = doing.request,
            let member = members.first(where: { $0.waiting[request] == number })
        else { return }
        member.waiting[request] = nil
        // A process that stands still hears of it when it goes on; by then nothing depends on it.
        if !member.isPaused { step(member, .abandon(request)) }
        seen.tally(doing.kind, .abandoned)
        _ = clients[number].noOutcome(happened: true, attemptsMax: 0)
        finish(number, .givenUp)
    }

    func deliver(_ reply: ReplicaReply, from member: SimulatedMember) {
        guard member.answered.insert(reply.id).inserted else {
            return problem("\(member.name) answers request \(reply.id.rawValue) twice")
        }
        checkTrust(in: reply, of: member)
        checkDeadline(of: reply.id, at: member)
        if case .failed(.noSpace) = reply.result { checkRefusalForSpace(by: member) }
        member.deadlines[reply.id] = nil
        guard let number = member.waiting.removeValue(forKey: reply.id) else { return }
        switch number {
        case ClusterSimulation.memberChanger: return changeAnswered(reply, at: member)
        case ClusterSimulation.burst: return burstAnswered(reply)
        case ClusterSimulation.transfer: return transferAnswered(reply, by: member)
        case ClusterSimulation.backup: return backupAnswered(reply, by: member)
        default: break
        }
        guard let doing = clients[number].doing,
            doing.request == reply.id
        else { return }
        note(reply.id.rawValue)
        tell("\(member.name) answers client \(number): \(reply.result) at \(reply.revision.rawValue)")
        if case .failed(let failure) = reply.result, let servedFrom, doing.requestedAt >= servedFrom {
            unserved.append(
                (member.position, "\(doing.kind) at \(member.name) of a healed cluster ended in \(failure)"))
            if !plan.classes.contains(.membership) { problem(unserved[unserved.count - 1].what) }
        }
        if case .outcome(let outcome) = reply.result {
            healing?.writes += 1
            if outcome.replayed { coverage.count(.replays) }
        }
        clients[number].wakeAt = nil
        clients[number].doing?.request = nil
        let completion = clients[number].completion(
            of: reply, from: .init(member: member.position, boot: member.boot),
            attemptsMax: attemptsMax, &seen, &clientRandom[number])
        finish(number, completion)
    }

    func checkDeadlines() {
        for member in members where member.isUp {
            for request in member.waiting.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
                checkDeadline(of: request, at: member)
            }
        }
    }

    /// A request has its answer by its time, of the member's own clock, if only that it had none.
    private func checkDeadline(of request: RequestID, at member: SimulatedMember) {
        guard member.waiting[request] != nil, let deadline = member.deadlines[request], !member.isPaused,
            now > member.disturbedAt + 1_000_000
        else { return }
        let clock = member.clock.milliseconds(now)
        if clock > deadline + 200 {
            problem("\(member.name) has not answered request \(request.rawValue), due \(clock - deadline) ms ago")
        }
    }

    /// Hands a request over and remembers until when it must be answered.
    func ask(_ member: SimulatedMember, _ request: ReplicaRequest, by asker: Int) {
        if case .write(let operation, _) = request.body { seen.asked.add(operation) }
        member.waiting[request.id] = asker
        member.deadlines[request.id] = member.clock.milliseconds(now) + request.timeoutMilliseconds
        step(member, .request(request))
    }

    func connectionBroke(of number: Int, _ request: RequestID) {
        guard number >= 0, let doing = clients[number].doing, doing.request == request else {
            return
        }
        seen.tally(doing.kind, .broken)
        clients[number].wakeAt = nil
        finish(number, clients[number].noOutcome(happened: true, attemptsMax: attemptsMax))
    }

    private func finish(_ number: Int, _ completion: SimulatedClient.Completion) {
        guard let doing = clients[number].doing else { return }
        clients[number].doing?.request = nil
        switch completion {
        case .tryAgain:
            coverage.count(.retries)
            return wake(number, at: now + 1000 + clientRandom[number].below(50_000))
        case .nextPage: return request(of: number)
        case .problem(let text):
            return problem("client \(number), \(doing.question) with \(doing.retry): \(text)")
        case .answered, .judged, .nothing: break
        case .givenUp: if doing.mayHaveHappened { coverage.count(.unknownOutcomes) }
        }
        clients[number].end(doing, completion, now: now, &seen, &clientRandom[number])
        wake(number, at: now + 1 + pause(number))
    }

    private func pause(_ number: Int) -> UInt64 {
        let longest = 2 * plan.workload.thinkMicroseconds
        // Before a healed quorum has to serve everyone, a few questions of each are enough.
        guard healing == nil else {
            return clientRandom[number].below(healing?.stage == .served ? min(longest, 60_000) : 500_000)
        }
        operationsEnded += 1
        let isOver = operationsEnded >= plan.workload.operationsMax
        return clientRandom[number].below(longest) + (isOver ? 1_000_000 : 0)
    }

    // MARK: The end

    /// Whoever waits is answered by nobody any more: the client goes elsewhere.
    func breakAllConnectionsOfClients() {
        for member in members {
            let waiting = member.waiting.sorted { $0.key.rawValue < $1.key.rawValue }
            member.waiting = [:]
            for (request, client) in waiting { connectionBroke(of: client, request) }
        }
        for number in clients.indices where clients[number].doing == nil { wake(number, at: now + 1000) }
    }

    var clientsAreDone: Bool {
        clients.allSatisfy { client in
            let looks = client.number == 0 ? plan.workload.keys.count : 0
            return client.doing == nil && client.finalRounds > ClusterSimulation.finalRoundsMax + looks
        }
    }
}
