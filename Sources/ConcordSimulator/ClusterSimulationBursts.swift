import ConcordBytes
import ConcordChecker
import ConcordModel
import ConcordReplica

// Requests that come all at once, as from many clients of one moment: writes at a leader that nobody hears any more,
// reads at one that has just won.

/// A request of nobody in particular: sent once, and of unknown outcome when there is no answer.
struct BurstRequest {
    var key: Key
    /// `nil` for a read.
    var value: [UInt8]?
    var invoked: Int
    var invokedAt: UInt64
}

extension ClusterSimulation {
    /// In `waiting`: the request is of a burst.
    static let burst = -1
    /// Processes of bursts lie far above those of clients.
    private static let burstProcess = 10_000_000
    private static let burstsMax = 400

    func burst(at member: SimulatedMember, requests: UInt64, writePercent: UInt64) {
        guard member.isUp, !member.isPaused else { return }
        for _ in 0..<requests where healing != nil || bursts.count + burstsEnded < ClusterSimulation.burstsMax {
            lastRequest += 1
            let id = RequestID(lastRequest)
            let isWrite = faultRandom.chance(percent: writePercent)
            let key = Key(text: "/\(faultRandom.below(3))")
            let request = BurstRequest(
                key: key, value: isWrite ? [UInt8]("b\(lastRequest)".utf8) : nil, invoked: seen.nextPosition(),
                invokedAt: now)
            bursts[id] = request
            let body: ReplicaRequest.Body =
                isWrite
                ? .write(.put(PutOperation(key: key, value: request.value)), .none)
                : .read(.node(NodeQuery(key: key)), .linearizable, minimum: .zero)
            ask(
                member, ReplicaRequest(id: id, timeoutMilliseconds: burstTimeout, body: body),
                by: ClusterSimulation.burst)
        }
    }

    /// Short enough, half of the time, that some end while what they ask is under way.
    private var burstTimeout: UInt64 {
        healing == nil && faultRandom.chance(percent: 50) ? 5 + faultRandom.below(300) : 300 + faultRandom.below(3000)
    }

    func burstAnswered(_ reply: ReplicaReply) {
        guard let request = bursts.removeValue(forKey: reply.id) else { return }
        burstsEnded += 1
        switch reply.result {
        case .outcome(let outcome):
            healing?.writes += 1
            guard case .applied(let results) = outcome.verdict else {
                // A refusal by a limit changes nothing, and the model knows no limits.
                guard case .refused(let refusal) = outcome.verdict else { return }
                if let setting = refusal.setting, seen.asked.mayReach(setting, refusal.number ?? .max) { return }
                return problem("a plain write of a child of the root was refused: \(refusal)")
            }
            guard let node = results.first?.node else {
                // Of a write whose entry was leapt over, the history may not reach back to the node.
                guard outcome.valuesOmitted, seen.leaptAt.values.contains(where: { $0 >= request.invokedAt }) else {
                    return problem("a plain write was answered without its node")
                }
                return record(reply.id, request, .unknown, .null, nil)
            }
            record(reply.id, request, .ok, node.burstAnswer(withValue: false), outcome.revision)
        case .answer(.node(let node)): record(reply.id, request, .ok, node.burstAnswer(withValue: true), reply.revision)
        case .answer(.notFound): record(reply.id, request, .ok, Word.refused("not_found"), reply.revision)
        case .answer(let other): problem("a plain read was answered with \(other)")
        case .cluster, .leader, .backup: problem("a plain read was answered with the cluster")
        case .failed(let failure):
            if let move, request.invokedAt >= move.since {
                problem("while leadership moved in a healed cluster a plain request ended in \(failure)")
            }
            if failure == .outcomeUnknown { record(reply.id, request, .unknown, .null, nil) }
        }
    }

    /// Whoever has no answer by now gets none.
    func endBursts() {
        for (id, request) in bursts.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            record(id, request, .unknown, .null, nil)
        }
        bursts = [:]
    }

    private func record(
        _ id: RequestID, _ request: BurstRequest, _ outcome: RecordedOperation.Outcome, _ result: HistoryValue,
        _ revision: Revision?
    ) {
        guard outcome == .ok || request.value != nil else { return }
        seen.record(
            RecordedOperation(
                process: .int(Int64(ClusterSimulation.burstProcess) + Int64(id.rawValue)),
                function: request.value == nil ? "get" : "put", key: .text(request.key.text),
                argument: request.value == nil
                    ? .null : Word.map([(Word.value, ValueText.history(request.value))]),
                result: result, outcome: outcome, invoked: request.invoked,
                returned: outcome == .ok ? seen.nextPosition() : .max, invokedTime: Int64(request.invokedAt) * 1000,
                returnedTime: outcome == .ok ? Int64(now) * 1000 : nil, revision: revision.map { Int64($0.rawValue) }))
    }
}

extension Node {
    fileprivate func burstAnswer(withValue: Bool) -> HistoryValue { history(withValue: withValue) }
}
