import ConcordAPI

/// Who leads the cluster.
public struct ClusterLeader: Hashable, Sendable {
    /// Its id, 32 hex digits.
    public let id: String
    /// Its name.
    public let name: String
    /// Where clients reach it; `nil` as long as the asked member has not heard from it.
    public let clientURL: String?
    /// The epoch of its leadership.
    public let epoch: UInt64

    init(_ document: LeaderDocument) {
        id = document.leader.id
        name = document.leader.name
        clientURL = document.leader.clientURL
        epoch = document.epoch
    }
}

extension ConcordClient {
    /// Lets another member lead: before the leader's machine is stopped, or to bring the leader near to its clients.
    /// Requests go on meanwhile; writes wait for some milliseconds.
    /// - Parameter member: its id or its name; `nil` for the one that is nearest to the leader in what it holds. When
    ///   it leads already nothing happens.
    /// - Returns: who leads now.
    /// - Throws: `notFound` when there is no such member; `conflict` when it does not vote, when its name is not its
    ///   alone, or when leadership is on its way to another one; `timeout` when it did not take over and the leader
    ///   leads on; or what any call may throw.
    @discardableResult
    public func moveLeadership(to member: String? = nil) async throws(ConcordError) -> ClusterLeader {
        var request = TransportRequest(
            method: "POST", target: "/v1/cluster/leader", body: JSONDocument.encode(LeaderRequest(to: member)))
        request.headers.append((name: "Content-Type", value: "application/json"))
        let reply = try await caller.run(Caller.Call(request: request, isWrite: false))
        return ClusterLeader(try reply.decode(LeaderDocument.self))
    }
}
