import ConcordAPI

/// Somebody who is to become a member of the cluster.
public struct NewMember: Hashable, Sendable {
    /// Its id, 32 hex digits, as its log and data directory have it.
    public var id: String
    /// Its name.
    public var name: String
    /// `HOST:PORT` where the other members reach it.
    public var peerAddress: String

    /// Names somebody to be added.
    public init(id: String, name: String, peerAddress: String) {
        self.id = id
        self.name = name
        self.peerAddress = peerAddress
    }
}

extension ClusterStatus {
    /// A change of membership that is under way.
    public struct Change: Hashable, Sendable {
        /// 1, 2, 3, … through the life of the cluster.
        public let number: UInt64
        /// Who is being added.
        public let adding: [NewMember]
        /// The ids of those that are being removed.
        public let removing: [String]
        /// It is being taken back.
        public let isCancelled: Bool
        /// What must happen before it goes on, for people.
        public let waitsFor: String

        init(_ document: ClusterDocument.Change) {
            number = document.number
            adding = document.add.map { NewMember(id: $0.id, name: $0.name, peerAddress: $0.peer) }
            removing = document.remove
            isCancelled = document.isCancelled
            waitsFor = document.waitsFor
        }
    }
}

extension ConcordClient {
    /// Begins a change of the cluster's members: all of it happens, or nothing does. It is done when `cluster()` shows
    /// no change of this number any more.
    /// - Parameters:
    ///   - adding: members that run and wait to be taken in.
    ///   - removing: ids.
    /// - Returns: the number of the change.
    /// - Throws: `conflict` while another change is under way, for an id or address that is known already, and when
    ///   nobody would be left to vote; `notFound` for an unknown id; or what any call may throw.
    @discardableResult
    public func changeMembers(
        adding: [NewMember] = [], removing: [String] = []
    ) async throws(ConcordError) -> UInt64 {
        let document = MemberChangeRequest(
            add: adding.map { AdditionDocument(id: $0.id, name: $0.name, peer: $0.peerAddress) }, remove: removing)
        return try await memberChange("POST", body: JSONDocument.encode(document))
    }

    /// Takes the change of members that is under way back, as long as that is possible.
    /// - Returns: the number of the change.
    /// - Throws: `conflict` when there is none, or when it can only be finished; or what any call may throw.
    @discardableResult
    public func cancelMemberChange() async throws(ConcordError) -> UInt64 {
        try await memberChange("DELETE", body: nil)
    }

    private func memberChange(_ method: String, body: [UInt8]?) async throws(ConcordError) -> UInt64 {
        var request = TransportRequest(method: method, target: "/v1/cluster/change", body: body)
        if body != nil { request.headers.append((name: "Content-Type", value: "application/json")) }
        let reply = try await caller.run(Caller.Call(request: request, isWrite: true))
        do throws(ConcordError) {
            return try reply.decode(MemberChangeReply.self).change
        } catch {
            // Whoever sent it said that the change was begun, in words that are not understood.
            throw error.withUnknownOutcome(true)
        }
    }
}
