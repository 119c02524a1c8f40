import ConcordAPI
import Foundation

/// A reply that is no success, as far as it can be understood: the error document of a member, or the bare status
/// of whatever stands between.
struct ReplyProblem {
    let error: ConcordError
    /// The same request may succeed later, and nothing it asked for has been refused for good.
    let mayBeRetried: Bool
    let retryAfter: Duration

    /// Whether the write was judged by the replicated state, whose verdict is the same for every attempt. A full disk
    /// (507) may be a leader's word on this attempt alone.
    var isVerdictOfState: Bool {
        let verdicts: [ConcordError.Code] = [
            .notFound, .parentNotFound, .notEmpty, .conflict, .revisionMismatch, .alreadyExists, .limitExceeded,
        ]
        return verdicts.contains(error.code) || error.code.rawValue == "idempotency_conflict"
    }

    init(_ reply: TransportReply) {
        let document = try? JSONDecoder().decode(Document.self, from: Data(reply.body))
        let code = document?.code ?? "http_\(reply.status)"
        // A status without a code is that of something in between, which may have passed the request on.
        let isUnknown = document?.outcome == "unknown" || document?.code == nil && reply.status >= 500
        error = ConcordError(
            ConcordError.Code(rawValue: code), status: reply.status,
            detail: document?.detail ?? document?.title ?? "HTTP status \(reply.status)",
            node: document?.node.map(ConcordNode.init), path: document?.path, outcomeUnknown: isUnknown,
            position: reply.position)
        mayBeRetried = ReplyProblem.mayBeRetried(reply.status, document)
        retryAfter = .milliseconds(min(document?.retryAfterMilliseconds ?? 0, 60_000))
    }

    private struct Document: Decodable {
        var code: String?
        var title: String?
        var detail: String?
        var retryable: Bool?
        var retryAfterMilliseconds: UInt64?
        var outcome: String?
        var path: String?
        var node: NodeDocument?

        private enum CodingKeys: String, CodingKey {
            case code, title, detail, retryable, outcome, path, node
            case retryAfterMilliseconds = "retry_after_ms"
        }
    }

    /// A full disk is retryable for people, not within a call. Without a document the status decides.
    private static func mayBeRetried(_ status: Int, _ document: Document?) -> Bool {
        switch status {
        case 408, 504: true
        case 429, 503: document?.retryable ?? true
        case 502: document == nil
        default: false
        }
    }
}

extension TransportReply {
    /// Where the member stood; zeros where a header is missing.
    var position: ConcordPosition {
        ConcordPosition(
            revision: header("Concord-Revision").flatMap(UInt64.init) ?? 0,
            epoch: header("Concord-Epoch").flatMap(UInt64.init) ?? 0)
    }

    /// The body as a document of the API.
    func decode<Document: Decodable>(_ type: Document.Type) throws(ConcordError) -> Document {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch {
            throw ConcordError(
                .invalidReply, status: status, detail: "a member's reply is not understood: \(error)",
                position: position)
        }
    }
}

extension ConcordNode {
    init(_ document: NodeDocument) {
        self.init(
            path: document.path, value: document.bytes.map { ConcordValue($0) }, kind: document.kind,
            revision: document.revision, createRevision: document.createRevision, version: document.version,
            childRevision: document.childRevision, childrenCount: document.childrenCount, lease: document.lease)
    }
}
