package import ConcordBytes
import ConcordChecker
import ConcordModel
import ConcordReplica

package struct ClientWorkload: Sendable {
    package var clients = 4
    package static func drawn(from random: inout SeededRandom) -> ClientWorkload { ClientWorkload(clients: Int(1 + random.below(6))) }
    mutating func slowDown(toMicroseconds: UInt64) {}
    mutating func keepClients(_ n: Int) { clients = min(n, clients) }
}
struct SimulatedClient {
    let number: Int
    var request: RequestID?
    var rounds = 0
    var isWrite = false
    var rested = false
    init(number: Int, workload: ClientWorkload, random: inout SeededRandom) { self.number = number }
}
extension ClusterSimulation {
    func act(_ number: Int) {
        guard clients[number].request == nil else { return }
        let up = members.filter { $0.isUp && (healing?.quorum.contains($0.position) ?? true) && !$0.isPaused }
        guard !up.isEmpty else { return events.schedule(.client(number), at: now + 10_000) }
        clients[number].rested = healing?.stage == .served; if healing?.stage == .served { clients[number].rounds += 1; if clients[number].rounds > 6 { return } }
        let member = up[Int(clientRandom[number].below(UInt64(up.count)))]
        lastRequest += 1
        let id = RequestID(lastRequest)
        clients[number].request = id
        clients[number].isWrite = clientRandom[number].chance(percent: 50)
        member.waiting[id] = number
        let key = Key(text: "/k\(clientRandom[number].below(3))")
        step(member, .request(ReplicaRequest(id: id, timeoutMilliseconds: 2500, body: clients[number].isWrite ? .write(.put(PutOperation(key: key, value: [1, 2, UInt8(truncatingIfNeeded: lastRequest)])), .none) : .read(.node(NodeQuery(key: key)), .linearizable, minimum: .zero))))
    }
    func deliver(_ reply: ReplicaReply, from member: SimulatedMember) {
        guard let number = member.waiting.removeValue(forKey: reply.id) else { return }
        clients[number].request = nil
        switch reply.result {
        case .failed(let f): if clients[number].rested { problem("failed \(f) at \(member.name)") }
        default: if clients[number].isWrite { healing?.writes += 1 }
        }
        events.schedule(.client(number), at: now + 1 + clientRandom[number].below(60_000))
    }
    func connectionBroke(of number: Int, _ request: RequestID) {
        clients[number].request = nil
        events.schedule(.client(number), at: now + 1 + clientRandom[number].below(60_000))
    }
    func beginFinalRounds() {}
    var clientsAreDone: Bool { clients.allSatisfy { $0.rounds > 6 } }
    package var historyLines: String { "" }
}
