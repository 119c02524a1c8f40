package import ConcordAPI
package import ConcordBytes
package import ConcordHTTP
package import ConcordReplica

/// The API without I/O: what a request asks for, and the bytes of the answer.
package struct Endpoints: Sendable {
    package let settings: EndpointSettings

    package init(settings: EndpointSettings) {
        self.settings = settings
    }

    /// What to do with `request`.
    package func decide(_ request: HTTPRequest, facts: MemberFacts) -> EndpointDecision {
        let problem = Problem(.notFound, "there is no such endpoint")
        return .respond(
            ReadyReply(
                status: problem.status, content: .problem(problem), allow: nil, isHead: request.method == .head,
                keepAlive: request.keepAlive))
    }

    /// Appends the whole response to a request that needs nobody else.
    package func write(_ reply: ReadyReply, facts: MemberFacts, into output: inout ByteQueue) {
    }

    /// Appends the whole response to a request that the replica has answered.
    package func write(
        _ reply: ReplicaReply, for pending: PendingReply, facts: MemberFacts, into output: inout ByteQueue
    ) {
    }

    /// Appends the whole response to bytes that are no request. Close the connection after it.
    package func write(_ failure: HTTPParseFailure, facts: MemberFacts, into output: inout ByteQueue) {
    }

    /// Appends a whole response that the server decided by itself: too many connections, a request that came
    /// too slowly.
    package func write(_ problem: Problem, keepAlive: Bool, facts: MemberFacts, into output: inout ByteQueue) {
    }
}
