import ConcordBytes
package import ConcordHTTP

/// What a path names.
enum Resource: UInt8, Sendable {
    case root
    case node
    case cluster
    case leader
    case change
    case settings
    case snapshot
    case status
    case version
    case live
    case ready

    var template: StaticString {
        switch self {
        case .root: "/v1/kv"
        case .node: "/v1/kv/{path}"
        case .cluster: "/v1/cluster"
        case .leader: "/v1/cluster/leader"
        case .change: "/v1/cluster/change"
        case .settings: "/v1/cluster/settings"
        case .snapshot: "/v1/snapshot"
        case .status: "/v1/status"
        case .version: "/v1/version"
        case .live: "/livez"
        case .ready: "/readyz"
        }
    }

    /// The resource of a raw path. Only what stands behind `/v1/kv` is ever percent-decoded: all other paths have
    /// one spelling.
    init?(_ path: ArraySlice<UInt8>) {
        if path.starts(with: "/v1/kv/") {
            self = .node
            return
        }
        let resources: [Resource] = [
            .root, .status, .ready, .live, .cluster, .leader, .change, .settings, .snapshot, .version,
        ]
        for resource in resources
        where path.equals(resource.template) {
            self = resource
            return
        }
        return nil
    }
}

enum Action: UInt8, Sendable {
    case readNode
    case putNode
    case createSequential
    case increment
    case deleteNode
    case readCluster
    case moveLeadership
    case changeMembers
    case cancelMemberChange
    case readSettings
    case changeSettings
    case readSnapshot
    case readStatus
    case readVersion
    case checkLive
    case checkReady
}

/// One endpoint: method, path, what it does, and the query parameters that it takes.
struct Endpoint: Sendable {
    let method: HTTPMethod
    let resource: Resource
    let action: Action
    let parameters: ParameterSet

    init(_ method: HTTPMethod, _ resource: Resource, _ action: Action, _ parameters: ParameterSet = []) {
        self.method = method
        self.resource = resource
        self.action = action
        self.parameters = parameters
    }

    /// Every endpoint. HEAD works wherever GET does; it is listed where the answer is made for it.
    static let all: [Endpoint] = [
        Endpoint(.get, .node, .readNode, .reading),
        Endpoint(.put, .node, .putNode, [.parents, .directory, .timeout]),
        Endpoint(.delete, .node, .deleteNode, [.recursive, .batch, .timeout]),
        Endpoint(.post, .node, .createSequential, [.sequential, .parents, .directory, .timeout]),
        Endpoint(.patch, .node, .increment, [.timeout]),
        Endpoint(.head, .node, .readNode, .reading),
        Endpoint(.get, .root, .readNode, .reading),
        Endpoint(.post, .root, .createSequential, [.sequential, .directory, .timeout]),
        Endpoint(.get, .cluster, .readCluster, [.timeout]),
        Endpoint(.post, .leader, .moveLeadership, [.timeout]),
        Endpoint(.post, .change, .changeMembers, [.timeout]),
        Endpoint(.delete, .change, .cancelMemberChange, [.timeout]),
        Endpoint(.get, .settings, .readSettings, [.consistency, .timeout]),
        Endpoint(.put, .settings, .changeSettings, [.timeout]),
        Endpoint(.get, .snapshot, .readSnapshot, [.consistency, .minRevision, .timeout]),
        Endpoint(.get, .status, .readStatus),
        Endpoint(.get, .version, .readVersion),
        Endpoint(.get, .live, .checkLive),
        Endpoint(.get, .ready, .checkReady),
    ]

    /// The endpoint of a method on a resource; HEAD is GET without the body (RFC 9110 §9.3.2).
    static func find(_ method: HTTPMethod, _ resource: Resource) -> Endpoint? {
        let wanted = method == .head ? .get : method
        for endpoint in all where endpoint.resource == resource && endpoint.method == wanted {
            return endpoint
        }
        return nil
    }

    /// The methods of a resource, for `Allow`.
    static func allowed(_ resource: Resource) -> [UInt8] {
        var allowed = ByteWriter()
        for method in HTTPMethod.allCases where method != .other && find(method, resource) != nil {
            if allowed.count > 0 { allowed.writeRaw(", ") }
            allowed.writeRaw(method.name)
        }
        return allowed.bytes
    }
}

extension Endpoints {
    /// Every endpoint: its method and its path.
    package static let table: [(method: HTTPMethod, pathTemplate: String)] = Endpoint.all.map {
        ($0.method, $0.resource.template.description)
    }
}
