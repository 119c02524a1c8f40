import ConcordRaft

// Which steps a state has, and what each makes of it.

extension Explorer {
    func steps(in state: ExplorerState) -> [StepCode] {
        if isFirst(state) { return firstSteps(in: state) }
        var steps: [StepCode] = []
        for member in 0..<3 { addSteps(of: member, in: state, to: &steps) }
        addDeliveries(in: state, to: &steps)
        return steps + slowOnes(of: steps, in: state)
    }

    private func addDeliveries(in state: ExplorerState, to steps: inout [StepCode]) {
        let mayRepeat = state.spent(.copies) < settings.copies
        let mayOvertake = settings.overtakings.map { state.spent(.overtakings) < $0 } ?? false
        let messages = state.messages
        for position in messages.indices {
            let message = messages[position]
            let earlier = messages[..<position].filter { catalogue.link(of: $0) == catalogue.link(of: message) }
            if earlier.contains(message) { continue }
            let receiver = Int(catalogue.messages[Int(message)].to.rawValue) - 1
            steps.append(StepCode(.deliver, receiver, message))
            if mayRepeat { steps.append(StepCode(.deliverCopy, receiver, message)) }
            if mayOvertake, !earlier.isEmpty { steps.append(StepCode(.deliverEarly, receiver, message)) }
        }
    }

    private func slowOnes(of steps: [StepCode], in state: ExplorerState) -> [StepCode] {
        guard let most = settings.slowWrites, state.spent(.slowWrites) < most else { return [] }
        return steps.filter { $0.kind != .crash && $0.kind != .patienceEnds }.map { step in
            var slow = step
            slow.isSlow = true
            return slow
        }
    }

    private func isFirst(_ state: ExplorerState) -> Bool {
        state.messages.isEmpty && (0..<3).allSatisfy { state[$0] == UInt32($0) }
    }

    /// By renaming the members any other step becomes one of these.
    private func firstSteps(in state: ExplorerState) -> [StepCode] {
        var steps: [StepCode] = []
        addSteps(of: 0, in: state, to: &steps)
        steps.removeAll { $0.kind == .stand && $0.detail != 1 }
        return steps + slowOnes(of: steps, in: state)
    }

    private func addSteps(of member: Int, in state: ExplorerState, to steps: inout [StepCode]) {
        let one = catalogue.members[Int(state[member])]
        let mayTimeOut = state.spent(.timeouts) < settings.timeouts
        if one.hasWrites { steps.append(StepCode(.finishWrite, member)) }
        if one.role == .leader {
            if state.spent(.heartbeats) < settings.heartbeats { steps.append(StepCode(.heartbeat, member)) }
            if state.spent(.resignations) < settings.resignations { steps.append(StepCode(.resign, member)) }
            if state.spent(.transfers) < settings.transfers, one.term < settings.terms, !one.handsOver {
                for other in 0..<3 where other != member { steps.append(StepCode(.transfer, member, UInt32(other))) }
            }
            if state.spent(.proposals) < settings.proposals {
                steps.append(StepCode(.propose, member, UInt32(state.spent(.proposals) + 1)))
            }
        } else {
            if one.term < settings.terms {
                if !settings.preVotesTravel {
                    for other in 0..<3 where other != member { steps.append(StepCode(.stand, member, UInt32(other))) }
                }
                if mayTimeOut { steps.append(StepCode(.timeout, member)) }
            }
            if settings.preVotesTravel, one.isLoyal { steps.append(StepCode(.patienceEnds, member)) }
        }
        if state.spent(.barriers) < settings.barriers, one.hasLeader {
            steps.append(StepCode(.readBarrier, member, BarrierID.of(state.spent(.barriers))))
        }
        if state.spent(.crashes) < settings.crashes {
            for survivors in catalogue.values[Int(state[member])].survivors {
                steps.append(StepCode(.crash, member, survivors.detail))
            }
        }
    }

    /// - Returns: `nil` when nothing comes of it, or a rule is broken and `problem` says which.
    mutating func take(_ code: StepCode, in state: ExplorerState) -> ExplorerState? {
        var successor = state
        switch code.kind {
        case .stand:
            return stand(code, in: state)
        case .deliver: removeFromLink(code.detail, of: &successor)
        case .deliverCopy: successor.spend(.copies)
        case .deliverEarly:
            successor.spend(.overtakings)
            successor.remove(message: code.detail) { _ in false }
        case .timeout: successor.spend(.timeouts)
        case .heartbeat: successor.spend(.heartbeats)
        case .resign: successor.spend(.resignations)
        case .transfer: successor.spend(.transfers)
        case .propose: successor.spend(.proposals)
        case .crash: successor.spend(.crashes)
        case .readBarrier: successor.spend(.barriers)
        case .finishWrite, .patienceEnds: break
        }
        let result = catalogue.result(of: state[code.member], code.kind, code.detail)
        if result.isIdle { return nil }
        return finish(result, code, &successor) ? successor : nil
    }

    /// Applies a step and lets the member's writes finish, unless its disk is slow.
    private mutating func finish(
        _ result: ExplorerCatalogue.Result, _ code: StepCode, _ state: inout ExplorerState
    ) -> Bool {
        guard apply(result, code, to: &state) else { return false }
        guard settings.slowWrites != nil else { return true }
        if code.isSlow {
            state.spend(.slowWrites)
            return catalogue.members[Int(state[code.member])].hasWrites
        }
        while catalogue.members[Int(state[code.member])].hasWrites {
            let written = catalogue.result(of: state[code.member], .finishWrite)
            guard apply(written, StepCode(.finishWrite, code.member), to: &state) else { return false }
        }
        return true
    }

    /// What was sent before over the same connection is lost, if connections keep their order.
    private func removeFromLink(_ message: UInt32, of state: inout ExplorerState) {
        let link = catalogue.link(of: message)
        state.remove(message: message) { settings.overtakings != nil && catalogue.link(of: $0) == link }
    }

    private func add(_ message: UInt32, to state: inout ExplorerState) {
        guard settings.overtakings != nil else { return state.add(message: message) { $0 <= message } }
        let link = catalogue.link(of: message)
        state.add(message: message) { catalogue.link(of: $0) <= link }
    }

    /// The three messages of a pre-vote at once.
    private mutating func stand(_ code: StepCode, in state: ExplorerState) -> ExplorerState? {
        let (member, granter) = (code.member, Int(code.detail))
        var successor = state
        let asking = catalogue.result(of: state[member], .timeout)
        successor[member] = asking.member
        guard let request = preVote(to: granter, in: asking.sent) else { return nil }
        guard waitForPatience(of: granter, in: &successor) else { return nil }
        let answering = catalogue.result(of: successor[granter], .deliver, request)
        successor[granter] = answering.member
        guard let answer = preVote(to: member, in: answering.sent) else { return nil }
        let result = catalogue.result(of: asking.member, .deliver, answer)
        guard catalogue.members[Int(result.member)].role == .candidate else { return nil }
        return finish(result, code, &successor) ? successor : nil
    }

    /// A follower grants nothing while its leader may live.
    private mutating func waitForPatience(of member: Int, in state: inout ExplorerState) -> Bool {
        guard catalogue.members[Int(state[member])].isLoyal else { return true }
        let waiting = catalogue.result(of: state[member], .patienceEnds)
        return apply(waiting, StepCode(.patienceEnds, member), to: &state)
    }

    private func preVote(to receiver: Int, in sent: [UInt32]) -> UInt32? {
        sent.first { number in
            let message = catalogue.messages[Int(number)]
            return Int(message.to.rawValue) - 1 == receiver && message.body.isPreVote
        }
    }

    private mutating func apply(
        _ result: ExplorerCatalogue.Result, _ code: StepCode, to state: inout ExplorerState
    ) -> Bool {
        let member = code.member
        let before = catalogue.members[Int(state[member])]
        state[member] = result.member
        let after = catalogue.members[Int(result.member)]
        problem = result.problem
        updateHistory(result, code, term: after.term, of: &state)
        for message in result.sent {
            if settings.leavesOut(catalogue.messages[Int(message)].body) { continue }
            add(message, to: &state)
        }
        problem = problem ?? objection(to: result.sent, by: member, in: state)
        dropDeadMessages(to: member, and: result.sent, in: &state)
        counts.note(code, result, before: before, after: after)
        return problem == nil
    }

    private mutating func updateHistory(
        _ result: ExplorerCatalogue.Result, _ code: StepCode, term: UInt64, of state: inout ExplorerState
    ) {
        let isPlain =
            result.committed.isEmpty && result.wonTerm == nil && result.lost.isEmpty && result.ready.isEmpty
        if isPlain, code.kind != .crash, code.kind != .readBarrier { return }
        var history = histories[Int(state.history)]
        if code.kind == .crash { history.forgetBarriers(of: code.member) }
        if code.kind == .readBarrier {
            history.barriers.append(.init(asker: code.member, committed: history.committedIn.count))
        }
        problem = problem ?? history.take(result, by: code.member, term: term, &catalogue)
        state.history = add(history)
    }

    private mutating func dropDeadMessages(to member: Int, and sent: [UInt32], in state: inout ExplorerState) {
        var dead: [UInt32] = []
        for number in state.messages {
            let receiver = Int(catalogue.messages[Int(number)].to.rawValue) - 1
            guard receiver == member || sent.contains(number) else { continue }
            if catalogue.isDead(number, at: state[receiver]) { dead.append(number) }
        }
        if !dead.isEmpty { state.removeMessages { dead.contains($0) } }
    }

    func describe(_ code: StepCode) -> ExplorerStep {
        ExplorerStep(action(of: code), isSlow: code.isSlow)
    }

    private func action(of code: StepCode) -> ExplorerAction {
        switch code.kind {
        case .stand: return .stand(code.member, granter: Int(code.detail))
        case .timeout: return .timeout(code.member)
        case .patienceEnds: return .patienceEnds(code.member)
        case .deliver: return .deliver(catalogue.messages[Int(code.detail)])
        case .deliverCopy: return .deliverCopy(catalogue.messages[Int(code.detail)])
        case .deliverEarly: return .deliverEarly(catalogue.messages[Int(code.detail)])
        case .finishWrite: return .finishWrite(code.member)
        case .crash:
            let survivors = StepCode.Survivors(detail: code.detail)
            return .crash(code.member, writes: survivors.writes, entries: survivors.entries)
        case .heartbeat: return .heartbeat(code.member)
        case .resign: return .resign(code.member)
        case .transfer: return .transfer(code.member, to: Int(code.detail))
        case .propose: return .propose(code.member)
        case .readBarrier: return .readBarrier(code.member)
        }
    }
}

extension ExplorerSettings {
    /// Messages that are never under way. A heartbeat tells a follower no more than the append that is sent with
    /// it, and its answer matters to barriers only.
    fileprivate func leavesOut(_ body: Message.Body) -> Bool {
        switch body {
        case .preVoteRequest, .preVoteResponse: !preVotesTravel
        case .heartbeat, .heartbeatResponse: barriers == 0
        case .voteRequest, .voteResponse, .append, .appendResponse, .barrierRequest, .barrierResponse,
            .leaderResigned, .doubtInquiry, .doubtAnswer, .newerTerm, .timeoutNow:
            false
        }
    }
}

extension Message.Body {
    fileprivate var isPreVote: Bool {
        switch self {
        case .preVoteRequest, .preVoteResponse: true
        case .voteRequest, .voteResponse, .append, .appendResponse, .heartbeat, .heartbeatResponse, .barrierRequest,
            .barrierResponse, .leaderResigned, .doubtInquiry, .doubtAnswer, .newerTerm, .timeoutNow:
            false
        }
    }
}
