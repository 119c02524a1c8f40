package import ConcordAPI
package import ConcordBytes
package import ConcordHTTP
import ConcordModel
package import ConcordReplica

extension Endpoints {
    /// Appends the whole response to a request that needs nobody else.
    package func write(_ reply: ReadyReply, facts: MemberFacts, into output: inout ByteQueue) {
        output.write { writer in
            var response = ReplyWriter(facts: facts, isHead: reply.isHead, keepAlive: reply.keepAlive)
            switch reply.content {
            case .problem(let problem):
                response.allow = reply.allow
                response.write(problem, into: &writer)
            case .json(let document):
                response.begin(reply.status, into: &writer)
                response.write(json: document, into: &writer)
            }
        }
    }

    /// Appends the whole response to a request that the replica has answered; of a backup its head, which chunks of the
    /// snapshot's file are to follow.
    package func write(
        _ reply: ReplicaReply, for pending: PendingReply, facts: MemberFacts, into output: inout ByteQueue
    ) {
        output.write { writer in
            var response = ReplyWriter(facts: facts, isHead: pending.isHead, keepAlive: pending.keepAlive)
            response.revision = reply.revision
            response.epoch = reply.epoch
            switch reply.result {
            case .outcome(let outcome):
                response.revision = outcome.revision
                response.isReplayed = outcome.replayed
                response.write(outcome, for: pending, into: &writer)
            case .answer(let answer):
                response.write(answer, for: pending, into: &writer)
            case .cluster(let view):
                response.begin(200, into: &writer)
                response.write(json: JSONDocument.encode(ClusterDocument(view)), into: &writer)
            case .backup(let source):
                response.beginBackup(source, into: &writer)
            case .leader(let view):
                response.begin(200, into: &writer)
                response.write(json: JSONDocument.encode(LeaderDocument(view)), into: &writer)
            case .failed(let failure):
                response.write(Problem(failure, for: pending), into: &writer)
            }
        }
    }

    /// Appends the whole response to bytes that are no request. Close the connection after it.
    package func write(_ failure: HTTPParseFailure, facts: MemberFacts, into output: inout ByteQueue) {
        write(Problem(failure), keepAlive: false, facts: facts, into: &output)
    }

    /// Appends a whole response that the server decided by itself: too many connections, a request that came
    /// too slowly.
    package func write(_ problem: Problem, keepAlive: Bool, facts: MemberFacts, into output: inout ByteQueue) {
        output.write { writer in
            let response = ReplyWriter(facts: facts, isHead: false, keepAlive: keepAlive)
            response.write(problem, into: &writer)
        }
    }
}

/// Writes one response: what all of them have in common.
struct ReplyWriter {
    let facts: MemberFacts
    /// The response has the headers of one to GET, and no body.
    let isHead: Bool
    let keepAlive: Bool
    /// Of the reply; of this member as it stands unless the replica said otherwise.
    var revision: Revision
    var epoch: Epoch
    var isReplayed = false
    var allow: [UInt8]?

    init(facts: MemberFacts, isHead: Bool, keepAlive: Bool) {
        self.facts = facts
        self.isHead = isHead
        self.keepAlive = keepAlive
        revision = facts.status.revision
        epoch = facts.status.epoch
    }

    /// Status line and the headers that every reply has.
    func begin(_ status: Int, into writer: inout ByteWriter) {
        writer.writeStatusLine(status, keepAlive: keepAlive)
        writer.writeHeader("Concord-Revision", decimal: revision.rawValue)
        writer.writeHeader("Concord-Epoch", decimal: epoch.rawValue)
        writer.writeRaw(facts.headerLines)
        if isReplayed { writer.writeHeader("Idempotency-Replayed", "true") }
    }

    func write(json document: [UInt8], into writer: inout ByteWriter) {
        writer.writeHeader("Content-Type", "application/json")
        finish(document, into: &writer)
    }

    func write(_ problem: Problem, into writer: inout ByteWriter) {
        begin(problem.status, into: &writer)
        if let allow { writer.writeHeader("Allow", allow) }
        writer.writeHeader("Content-Type", "application/problem+json")
        finish(JSONDocument.encode(problem), into: &writer)
    }

    /// The body and its length.
    func finish(_ body: [UInt8], into writer: inout ByteWriter) {
        writer.writeBodyLength(body.count)
        if !isHead { writer.writeRaw(body) }
    }

    /// Lets `write` append a JSON document whose length is not known yet.
    @inline(__always)
    func finishJSON(into writer: inout ByteWriter, _ write: (inout ByteWriter) -> Void) {
        writer.writeHeader("Content-Type", "application/json")
        let mark = writer.beginBody()
        write(&writer)
        writer.endBody(mark, keepingBody: !isHead)
    }

    /// `ETag: "17"`
    func writeEntityTag(_ revision: Revision, into writer: inout ByteWriter) {
        writer.writeRaw("ETag: \"")
        writer.writeDecimal(revision.rawValue)
        writer.writeRaw("\"\r\n")
    }
}
