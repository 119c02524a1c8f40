import ConcordAPI
import ConcordBytes
import ConcordHTTP
import ConcordModel
import ConcordReplica

// `GET /v1/snapshot`: the whole state, as a snapshot's file in chunks.

extension Endpoints {
    func readSnapshot(
        _ request: HTTPRequest, _ parameters: QueryParameters, _ facts: MemberFacts
    ) throws(Problem) -> EndpointDecision {
        guard !request.isOldVersion else {
            throw Problem(
                .invalidRequest, "a snapshot is sent in chunks, which HTTP/1.0 does not have; ask with HTTP/1.1")
        }
        guard !facts.isBusyWithBackups else {
            throw Problem(
                .overloaded, "this member sends as many snapshots as it may at once; ask later, or another member",
                retryAfterMilliseconds: EndpointLimits.backupRetryMilliseconds)
        }
        return .submit(
            .backup(parameters.consistency, minimum: parameters.minRevision),
            timeoutMilliseconds: parameters.timeoutMilliseconds, PendingReply(.snapshot, .root, request))
    }
}

extension ReplyWriter {
    /// The head of the answer. Its length is not known: the end of the chunks, and of the file, tells that it is whole.
    func beginBackup(_ source: BackupSource, into writer: inout ByteWriter) {
        begin(200, into: &writer)
        writer.writeHeader("Content-Type", "application/octet-stream")
        writer.writeHeader(
            "Content-Disposition",
            [UInt8]("attachment; filename=\"concord-\(revision.rawValue).snapshot\"".utf8))
        writer.writeHeader("Concord-Cluster", [UInt8](source.clusterText.utf8))
        writer.writeHeader("Concord-Index", decimal: source.indexNumber)
        writer.beginChunkedBody()
    }
}
