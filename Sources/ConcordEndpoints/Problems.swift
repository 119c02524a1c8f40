import ConcordAPI
import ConcordHTTP
import ConcordModel
import ConcordReplica

// Every refusal and failure, as the error document that tells what to do.

extension Problem {
    /// Bytes that are no request.
    init(_ failure: HTTPParseFailure) {
        let code: ErrorCode =
            switch failure.status {
            case 413: .tooLarge
            case 414: .uriTooLong
            case 431: .headerTooLarge
            default: .invalidRequest
            }
        self.init(code, failure.detail)
    }

    /// A request without an outcome.
    init(_ failure: RequestFailure, for pending: PendingReply) {
        switch failure {
        case .timeout:
            self.init(.timeout, "the time of the request is over and nothing happened; send it again")
        case .outcomeUnknown where pending.isOfLeadership:
            self.init(
                .timeout, "the time is over and leadership is still on its way; see who leads before you send it again",
                status: 504, outcomeUnknown: true)
        case .outcomeUnknown:
            let advice =
                pending.hasRetryIdentity
                ? "send it again with the same key to learn it"
                : "read before you send it again, or send writes with an Idempotency-Key"
            self.init(
                .timeout, "the time is over and whether the write took effect is unknown; \(advice)", status: 504,
                retryable: pending.hasRetryIdentity, outcomeUnknown: true)
        case .noLeader(let retryAfterMilliseconds):
            self.init(
                .noLeader, "nothing happened: no leader is known; send it again, here or to another member",
                retryAfterMilliseconds: retryAfterMilliseconds)
        case .overloaded:
            self.init(
                .overloaded, "nothing happened: too many requests wait here already; send it again later",
                retryAfterMilliseconds: 100)
        case .noSpace:
            self.init(
                .noSpace,
                "nothing happened: the disks of too many members are full; delete something, or make room on them, and "
                    + "send it again",
                retryAfterMilliseconds: ReplicaLimits.noSpaceRetryMilliseconds)
        case .transferRefused(let refusal):
            self.init(refusal)
        case .diverged:
            self.init(
                .recovering,
                "nothing happened: this member's state was found to differ from the others' and is being replaced; try "
                    + "another member", retryAfterMilliseconds: 1000)
        case .readOnly:
            self.init(
                .readOnly,
                "nothing happened: the members' states differ and none is a majority's, so nothing is written; ask "
                    + "whoever runs the cluster")
        case .recovering:
            self.init(
                .recovering, "nothing happened: this member is not part of a formed cluster yet; try another",
                retryAfterMilliseconds: 100)
        }
    }

    /// A question without an answer.
    init(unanswered answer: QueryResult, for pending: PendingReply) {
        switch answer {
        case .compacted(let first):
            self.init(
                .compacted, "this revision is not kept any more; the first one kept is \(first.rawValue)",
                path: pending.key.text, revision: first.rawValue)
        case .futureRevision(let current):
            self.init(
                .invalidRequest,
                "this revision has not happened yet; the newest is \(current.rawValue); use min_revision to wait for one",
                revision: current.rawValue)
        case .tooMuchWork:
            self.init(
                .limitExceeded,
                "too much has changed since this revision, or there is too much to count; read at a newer revision, or "
                    + "list page by page instead of counting",
                path: pending.key.text)
        case .notFound, .node, .page, .settings:
            self.init(.notFound, "there is no such node", path: pending.key.text)
        }
    }

    /// A write that `apply` refused.
    init(_ refusal: Refusal, for pending: PendingReply) {
        let path = (refusal.key ?? pending.key).text
        switch refusal.code {
        case .notFound: self.init(.notFound, "there is no such node", path: path)
        case .parentNotFound:
            self.init(
                .parentNotFound, "the parent of the node does not exist; create it first, or send ?parents",
                path: path)
        case .notEmpty:
            self.init(.notEmpty, "the node has children; delete them first, or send ?recursive", path: path)
        case .revisionMismatch:
            let detail =
                refusal.node == nil
                ? "If-Match asks for a node and there is none"
                : "the node is at none of the revisions in If-Match; read it and decide again"
            self.init(failedCondition: .revisionMismatch, detail, refusal, path: path)
        case .alreadyExists:
            self.init(
                failedCondition: .alreadyExists, "If-None-Match: * asks for no node and there is one", refusal,
                path: path)
        case .limitExceeded: self.init(.limitExceeded, Problem.limitDetail(refusal), path: path)
        case .overloaded:
            self.init(
                .overloaded, "the table of clients and idempotency keys is full; send it again later",
                retryAfterMilliseconds: 1000)
        case .idempotencyConflict:
            self.init(
                .idempotencyConflict, "this Idempotency-Key was used for another request; take a new key for this one")
        case .clientExpired:
            self.init(
                .clientExpired, "this client is not known any more; begin again with a new id and seq=1")
        case .conflict:
            self.init(.conflict, Problem.conflictDetail(refusal, pending), path: path)
        case .noSpace:
            self.init(
                .noSpace,
                "the cluster holds as much as it may; delete something, or raise the setting"
                    + (refusal.setting.map { " " + $0.name } ?? ""), path: path)
        case .tooLarge: self.init(.tooLarge, Problem.limitDetail(refusal), path: path)
        case .invalidRequest: self.init(.invalidRequest, Problem.invalidDetail(refusal), path: path)
        case .superseded:
            self.init(
                .timeout,
                "another copy of this write was applied and its answer is lost; read before you send it again",
                status: 504, retryable: pending.hasRetryIdentity, outcomeUnknown: true, path: path)
        case .memberChangeUnderWay, .memberKnown, .memberNotFound, .noVoterLeft, .noMemberChange, .memberChangeTooFar:
            self.init(ofMembers: refusal)
        case .featureLevelTooLow:
            let level = refusal.number.map { " \($0)" } ?? ""
            self.init(
                .conflict,
                "the cluster's feature level\(level) does not have this yet; it rises once every member runs a build "
                    + "that does (GET /v1/cluster shows them)", path: path)
        case .memberInfoOutdated, .otherTerm:
            self.init(.internal, "the write belongs to an earlier leadership and had no effect", path: path)
        }
    }

    /// A change of membership that `apply` refused.
    private init(ofMembers refusal: Refusal) {
        let number = refusal.number.map { " (number \($0))" } ?? ""
        switch refusal.code {
        case .memberChangeUnderWay:
            self.init(
                .conflict,
                "another change of membership is under way\(number); wait for its end (GET /v1/cluster), or cancel it")
        case .memberKnown:
            self.init(.conflict, MemberChangeRequest.knownDetail)
        case .memberNotFound:
            self.init(.notFound, "an id to remove is no member's; GET /v1/cluster lists the members")
        case .noVoterLeft:
            self.init(.conflict, "the change would leave no member that votes; add one in the same change")
        case .noMemberChange: self.init(.conflict, "no change of membership is under way")
        default:
            self.init(
                .conflict,
                "the change of membership\(number) can only be finished: its joint configuration is in the log")
        }
    }

    /// A failed condition comes with the node as it is.
    private init(failedCondition code: ErrorCode, _ detail: String, _ refusal: Refusal, path: String) {
        self.init(
            code, detail, path: path, revision: refusal.node?.modifyRevision.rawValue,
            node: refusal.node.map { NodeDocument($0, withValue: true) })
    }

    private static func limitDetail(_ refusal: Refusal) -> String {
        let limit = refusal.number.map { " (\($0))" } ?? ""
        guard let setting = refusal.setting else { return "the write exceeds a limit\(limit)" }
        let advice = setting == .nodesChangedMax ? "; delete with ?recursive&batch" : ""
        return "the write exceeds the setting \(setting.name)\(limit)\(advice)"
    }

    private static func conflictDetail(_ refusal: Refusal, _ pending: PendingReply) -> String {
        switch pending.kind {
        case .increment where refusal.number == nil:
            "the value is not a decimal 64-bit number as this API writes it, or the sum would not be one"
        case .sequential:
            "the next numbers of the parent are taken by nodes of these names, or this seq of the client is done already"
        case .increment, .put, .delete, .node, .list, .cluster, .leader, .settings, .snapshot, .changeSettings,
            .memberChange:
            "this seq of the client is done already; never use one again"
        }
    }

    private static func invalidDetail(_ refusal: Refusal) -> String {
        guard let setting = refusal.setting else { return "the state does not allow this write at this path" }
        return "\(setting.name) must be from \(setting.range.lowerBound) to \(setting.range.upperBound)"
    }
}
