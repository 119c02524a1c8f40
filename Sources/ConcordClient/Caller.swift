/// Sends one call until it is answered: over all members, with the same sequence, for as long as the options
/// allow.
struct Caller: Sendable {
    struct Call: Sendable {
        /// Without `timeout` and without the header that makes retries safe.
        var request: TransportRequest
        var isWrite: Bool
        /// The member may be told how long it has.
        var takesTimeout = true
    }

    let ring: EndpointRing
    let transport: any ConcordTransport
    let ledger: WriteLedger
    let options: ConcordClient.Options
    let surroundings: Surroundings

    /// Where a call stands between two attempts.
    private struct Progress {
        let deadline: Duration
        var member: Int
        var ticket: WriteLedger.Ticket?
        /// A write left this machine and no answer told its fate.
        var mayHaveHappened = false
        /// A member gave the final word.
        var isAnswered = false
        var failures = 0
        var renewals = 0
        var lastError: ConcordError?
    }

    private enum Step {
        case answer(TransportReply)
        case fail(ConcordError)
        case again(after: Duration)
    }

    /// The first reply that is final: a success, or thrown as the error that it says.
    func run(_ call: Call) async throws(ConcordError) -> TransportReply {
        var progress = Progress(deadline: surroundings.now() + options.timeout, member: ring.first)
        if call.isWrite {
            progress.ticket = try await ledger.open(by: progress.deadline)
        }
        let result = await repeatUntilAnswered(call, &progress)
        if let ticket = progress.ticket {
            ledger.close(ticket, answered: progress.isAnswered)
        }
        return try result.get()
    }

    /// Asks one member, once.
    func runOnce(_ request: TransportRequest, at endpoint: ConcordEndpoint) async throws(ConcordError) -> TransportReply
    {
        let patience = min(options.attemptTimeout, options.timeout)
        let reply: TransportReply
        do throws(TransportFailure) {
            reply = try await transport.send(request, to: endpoint, timeout: patience)
        } catch {
            switch error {
            case .notSent(let reason): throw ConcordError(.unreachable, detail: "\(endpoint): \(reason)")
            case .interrupted(let reason): throw ConcordError(.invalidReply, detail: "\(endpoint): \(reason)")
            case .timedOut: throw ConcordError(.timeout, detail: "\(endpoint) did not answer in time")
            case .cancelled: throw ConcordError(.cancelled, detail: "the task was cancelled")
            case .closed: throw ConcordError(.closed, detail: "the client was shut down")
            }
        }
        guard reply.status == 200 else { throw ReplyProblem(reply).error }
        return reply
    }

    private func repeatUntilAnswered(
        _ call: Call, _ progress: inout Progress
    ) async -> Result<TransportReply, ConcordError> {
        while true {
            guard isWorthwhile(call, progress) else { return .failure(givingUp(progress)) }
            switch await attempt(call, &progress) {
            case .answer(let reply):
                return .success(reply)
            case .fail(let error):
                return .failure(error)
            case .again(let pause):
                guard surroundings.now() + pause < progress.deadline else { return .failure(givingUp(progress)) }
                if pause > .zero { await surroundings.sleep(pause) }
                if Task.isCancelled { return .failure(cancelled(progress)) }
            }
        }
    }

    /// What is kept of the time for the member's own answer to arrive.
    private var replyGrace: Duration {
        min(
            .milliseconds(ClientLimits.replyGraceMilliseconds),
            options.timeout / ClientLimits.replyGraceDivisor)
    }

    /// Whether there is time for another attempt. A write of which a member has said that it did not happen is not sent
    /// again when that answer could come too late: certainty would become "may have taken effect".
    private func isWorthwhile(_ call: Call, _ progress: Progress) -> Bool {
        let remaining = progress.deadline - surroundings.now()
        let isCertain = call.isWrite && !progress.mayHaveHappened && progress.lastError?.status != nil
        return isCertain ? remaining > replyGrace : remaining > .zero
    }

    private func attempt(_ call: Call, _ progress: inout Progress) async -> Step {
        let remaining = progress.deadline - surroundings.now()
        // In the last attempt, too, the member's own word is to arrive in time; little time is shared evenly.
        let told = min(options.attemptTimeout, max(remaining - replyGrace, remaining / 2))
        let patience = min(told + replyGrace, remaining)
        let request = dressed(call, progress.ticket, told)
        do throws(TransportFailure) {
            let reply = try await transport.send(request, to: ring.endpoints[progress.member], timeout: patience)
            return await judge(reply, &progress)
        } catch {
            return judge(error, isWrite: call.isWrite, &progress)
        }
    }

    /// The request with the time the member has for it and, for a write, its place among the client's writes.
    private func dressed(_ call: Call, _ ticket: WriteLedger.Ticket?, _ timeout: Duration) -> TransportRequest {
        var request = call.request
        if call.takesTimeout {
            let milliseconds = max(1, timeout / .milliseconds(1))
            request.target += request.target.contains("?") ? "&" : "?"
            request.target += "timeout=\(Int64(milliseconds))ms"
        }
        if let ticket {
            let digits = String(ticket.identity, radix: 16)
            let identity = String(repeating: "0", count: 32 - digits.count) + digits
            let value = "\(identity); seq=\(ticket.sequence); done=\(ledger.done(for: ticket))"
            request.headers.append((name: "Concord-Client", value: value))
        }
        return request
    }

    private func judge(_ reply: TransportReply, _ progress: inout Progress) async -> Step {
        if (200...299).contains(reply.status) || reply.status == 304 {
            progress.isAnswered = true
            return .answer(reply)
        }
        let problem = ReplyProblem(reply)
        if problem.error.code == .clientExpired, let ticket = progress.ticket {
            return await renew(ticket, problem, &progress)
        }
        guard problem.mayBeRetried else {
            // Only the state's own verdict speaks for earlier attempts, too: a member that refuses a request
            // before it is a write knows nothing of them.
            progress.isAnswered = problem.isVerdictOfState
            let unknown = problem.error.outcomeUnknown || progress.mayHaveHappened && !problem.isVerdictOfState
            return .fail(problem.error.withUnknownOutcome(unknown))
        }
        progress.lastError = problem.error
        if problem.error.outcomeUnknown { progress.mayHaveHappened = true }
        let isOverloaded = reply.status == 429
        return .again(after: pause(&progress, atLeast: problem.retryAfter, staysHere: isOverloaded))
    }

    /// An unknown identity was refused without effect. That is the whole truth only if the write was never sent
    /// before; an earlier attempt may have been applied before the members forgot.
    private func renew(
        _ ticket: WriteLedger.Ticket, _ problem: ReplyProblem, _ progress: inout Progress
    ) async -> Step {
        guard !progress.mayHaveHappened, progress.renewals < ClientLimits.identityRenewalsMax else {
            ledger.expire(ticket)
            progress.ticket = nil
            return .fail(problem.error.withUnknownOutcome(progress.mayHaveHappened))
        }
        ledger.expire(ticket)
        progress.ticket = nil
        progress.renewals += 1
        do throws(ConcordError) {
            progress.ticket = try await ledger.open(by: progress.deadline)
            return .again(after: .zero)
        } catch {
            return .fail(error)
        }
    }

    private func judge(_ failure: TransportFailure, isWrite: Bool, _ progress: inout Progress) -> Step {
        let member = ring.endpoints[progress.member]
        switch failure {
        case .notSent(let reason):
            if progress.lastError == nil || progress.lastError?.code == .unreachable {
                progress.lastError = ConcordError(.unreachable, detail: "\(member): \(reason)")
            }
        case .interrupted(let reason):
            progress.mayHaveHappened = isWrite
            progress.lastError = ConcordError(.timeout, detail: "\(member): \(reason)")
        case .timedOut:
            progress.mayHaveHappened = isWrite
            progress.lastError = ConcordError(.timeout, detail: "\(member) did not answer in time")
        case .cancelled:
            progress.mayHaveHappened = isWrite
            return .fail(cancelled(progress))
        case .closed:
            progress.mayHaveHappened = progress.mayHaveHappened || isWrite
            let error = ConcordError(.closed, detail: "the client was shut down")
            return .fail(error.withUnknownOutcome(progress.mayHaveHappened))
        }
        return .again(after: pause(&progress, atLeast: .zero, staysHere: false))
    }

    /// Turns to the next member, at once until all were asked; then, and for one that is overloaded, waits a
    /// while: exponentially longer, with chance in it so that many clients do not come back together.
    private func pause(_ progress: inout Progress, atLeast: Duration, staysHere: Bool) -> Duration {
        progress.failures += 1
        let count = ring.endpoints.count
        if !staysHere { progress.member = ring.next(after: progress.member) }
        guard staysHere || progress.failures % count == 0 else { return .zero }
        let round = min(10, staysHere ? progress.failures - 1 : progress.failures / count - 1)
        let ceiling = min(
            ClientLimits.backoffMillisecondsMax, ClientLimits.backoffMilliseconds << Int64(round))
        let chance = Int64(surroundings.random() % UInt64(ceiling / 2 + 1))
        return max(atLeast, .milliseconds(ceiling / 2 + chance))
    }

    private func givingUp(_ progress: Progress) -> ConcordError {
        let error = progress.lastError ?? ConcordError(.timeout, detail: "there was no time for an attempt")
        return error.withUnknownOutcome(progress.mayHaveHappened)
    }

    private func cancelled(_ progress: Progress) -> ConcordError {
        ConcordError(.cancelled, detail: "the task was cancelled").withUnknownOutcome(progress.mayHaveHappened)
    }
}

extension ConcordError {
    func withUnknownOutcome(_ unknown: Bool) -> ConcordError {
        ConcordError(
            code, status: status, detail: detail, node: node, path: path, outcomeUnknown: unknown, position: position)
    }
}
