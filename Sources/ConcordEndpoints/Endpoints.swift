import ConcordAPI
import ConcordBytes
package import ConcordHTTP
import ConcordModel
import ConcordReplica

/// The API without I/O: what a request asks for, and the bytes of the answer.
package struct Endpoints: Sendable {
    package let settings: EndpointSettings
    private let hostRules: HostRules

    package init(settings: EndpointSettings) {
        self.settings = settings
        self.hostRules = HostRules(names: settings.allowedHosts)
    }

    /// What to do with `request`.
    package func decide(_ request: HTTPRequest, facts: MemberFacts) -> EndpointDecision {
        do throws(Problem) {
            try hostRules.check(request)
            guard let resource = Resource(request.path) else {
                throw Problem(
                    .notFound, "there is no such endpoint; the tree is under /v1/kv, the member at /v1/status")
            }
            guard let endpoint = Endpoint.find(request.method, resource) else {
                return .respond(notAllowed(request, resource))
            }
            return try decide(endpoint, request, facts: facts)
        } catch {
            return .respond(ReadyReply(error, to: request))
        }
    }

    private func decide(
        _ endpoint: Endpoint, _ request: HTTPRequest, facts: MemberFacts
    ) throws(Problem) -> EndpointDecision {
        let parameters = try QueryParameters(request.query, endpoint: endpoint)
        switch endpoint.action {
        case .putNode, .createSequential, .increment, .changeSettings, .moveLeadership, .changeMembers: break
        case .readNode, .deleteNode, .readCluster, .cancelMemberChange, .readSettings, .readSnapshot, .readStatus,
            .readVersion, .checkLive, .checkReady:
            guard request.body.isEmpty else {
                throw Problem(.invalidRequest, "\(endpoint.method.name) takes no body here; send none")
            }
        }
        switch endpoint.action {
        case .readNode:
            return parameters.flags.contains(.children)
                ? try list(request, parameters) : try readNode(request, parameters)
        case .putNode: return try put(request, parameters)
        case .createSequential: return try createSequential(request, parameters)
        case .increment: return try increment(request, parameters)
        case .deleteNode: return try delete(request, parameters)
        case .readCluster: return readCluster(request, parameters)
        case .moveLeadership: return try moveLeadership(request, parameters)
        case .changeMembers: return try changeMembers(request, parameters)
        case .cancelMemberChange: return try cancelMemberChange(request, parameters)
        case .readSettings: return readSettings(request, parameters)
        case .changeSettings: return try changeSettings(request, parameters)
        case .readSnapshot: return try readSnapshot(request, parameters, facts)
        case .readStatus: return .respond(status(request, facts))
        case .readVersion: return .respond(version(request, facts))
        case .checkLive: return .respond(live(request))
        case .checkReady: return .respond(ready(request, facts))
        }
    }

    private func notAllowed(_ request: HTTPRequest, _ resource: Resource) -> ReadyReply {
        let allow = Endpoint.allowed(resource)
        let problem = Problem(
            .methodNotAllowed,
            "\(resource.template) has the methods \(String(decoding: allow, as: UTF8.self)) only")
        var reply = ReadyReply(problem, to: request)
        reply.allow = allow
        return reply
    }
}

extension ReadyReply {
    init(_ problem: Problem, to request: HTTPRequest) {
        self.init(
            status: problem.status, content: .problem(problem), allow: nil, isHead: request.method == .head,
            keepAlive: request.keepAlive)
    }

    init(_ document: some Encodable, to request: HTTPRequest) {
        self.init(
            status: 200, content: .json(JSONDocument.encode(document)), allow: nil, isHead: request.method == .head,
            keepAlive: request.keepAlive)
    }
}
