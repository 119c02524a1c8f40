import ConcordAPI
import ConcordHTTP
import ConcordModel
import ConcordReplica

// `POST /v1/cluster/leader`: another member shall lead.

extension Endpoints {
    func moveLeadership(_ request: HTTPRequest, _ parameters: QueryParameters) throws(Problem) -> EndpointDecision {
        guard request.headers.first("if-match") == nil, request.headers.first("if-none-match") == nil else {
            throw Problem(.invalidRequest, "leadership has no entity tag; leave out If-Match and If-None-Match")
        }
        try EndpointLimits.check(documentOf: request)
        var target: String?
        if !request.body.isEmpty {
            target = try JSONDocument.decodeRequest(LeaderRequest.self, from: request.body).to
        }
        guard target != "" else {
            throw Problem(
                .invalidRequest, "\"to\" is the id or the name of a member; leave it out to let the leader choose")
        }
        return .submit(
            .transferLeadership(to: target), timeoutMilliseconds: parameters.timeoutMilliseconds,
            PendingReply(.leader, .root, request))
    }
}

extension PendingReply {
    var isOfLeadership: Bool {
        if case .leader = kind { return true }
        return false
    }
}

extension Problem {
    /// Leadership stayed where it was.
    init(_ refusal: TransferRefusal) {
        switch refusal {
        case .busy:
            self.init(.conflict, "leadership is on its way to another member; see who leads, and decide again")
        case .unknownMember: self.init(.notFound, "no member has this id or name; GET /v1/cluster lists them")
        case .ambiguousName: self.init(.conflict, "several members have this name; send the member's id")
        case .notVoter: self.init(.conflict, "this member does not vote, so it cannot lead")
        case .noCandidate: self.init(.conflict, "no other member votes, so none can lead")
        case .unresponsive:
            self.init(.timeout, "the leader has not heard of that member for a while, so it leads on; send it again")
        case .notLeader, .abandoned:
            self.init(.timeout, "the member did not take over in time, and the leader leads on; send it again")
        }
    }
}

extension LeaderDocument {
    init(_ view: LeaderView) {
        self.init(
            leader: .init(id: view.idText, name: view.name, clientURL: view.clientURL), epoch: view.termNumber)
    }
}
