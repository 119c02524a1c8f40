import ConcordAPI
import ConcordClient
import Foundation
import Synchronization

/// A tree in memory that answers as a cluster would: enough of the API for the command line's tests, and faults on
/// demand.
final class MemoryTransport: ConcordTransport {
    struct Stored: Sendable {
        var value: [UInt8]?
        var revision: UInt64
        var created: UInt64
        var version: UInt64
    }

    private struct State {
        var nodes: [String: Stored] = ["/": Stored(value: nil, revision: 0, created: 0, version: 1)]
        var childrenCounts: [String: UInt64] = [:]
        var revision: UInt64 = 1
        var requests = 0
        var inFlight = 0
        var inFlightMax = 0
    }

    private let state = Mutex(State())
    private let fault: @Sendable (TransportRequest, Int) -> Result<TransportReply, TransportFailure>?
    private let valueBytesMax: Int

    /// - Parameter fault: gets a request and how many came before it; what it returns is the answer, without effect.
    init(
        valueBytesMax: Int = 1 << 20,
        fault: @escaping @Sendable (TransportRequest, Int) -> Result<TransportReply, TransportFailure>? = { _, _ in nil
        }
    ) {
        self.valueBytesMax = valueBytesMax
        self.fault = fault
    }

    var values: [String: [UInt8]?] { state.withLock { $0.nodes.mapValues(\.value) } }
    var inFlightMax: Int { state.withLock { $0.inFlightMax } }

    func close() {}

    func send(
        _ request: TransportRequest, to endpoint: ConcordEndpoint, timeout: Duration
    ) async throws(TransportFailure) -> TransportReply {
        let index = state.withLock { state in
            state.requests += 1
            state.inFlight += 1
            state.inFlightMax = max(state.inFlightMax, state.inFlight)
            return state.requests - 1
        }
        await Task.yield()
        defer { state.withLock { $0.inFlight -= 1 } }
        if let answer = fault(request, index) { return try answer.get() }
        return state.withLock { answer(request, &$0) }
    }

    private func answer(_ request: TransportRequest, _ state: inout State) -> TransportReply {
        let parts = request.target.split(separator: "?", maxSplits: 1)
        let encoded = parts[0].dropFirst("/v1/kv".count)
        guard let path = try? NodePath(percentEncoded: [UInt8](encoded.utf8)[...]).text else {
            return problem(400, .invalidPath, "no path")
        }
        var query: [String: String] = [:]
        for pair in (parts.count > 1 ? parts[1] : "").split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1)
            query[String(halves[0])] = halves.count > 1 ? String(halves[1]).removingPercentEncoding : ""
        }
        switch request.method {
        case "PUT": return put(path, query, request, &state)
        case "DELETE": return delete(path, query, &state)
        case "GET" where query["children"] != nil: return list(path, query, state)
        case "GET":
            guard state.nodes[path] != nil else { return problem(404, .notFound, "\(path) does not exist") }
            return reply(200, document(path, state, withValue: true), state)
        default: return problem(405, .methodNotAllowed, "no")
        }
    }

    private func put(
        _ path: String, _ query: [String: String], _ request: TransportRequest, _ state: inout State
    ) -> TransportReply {
        let header = { (name: String) in request.headers.first { $0.name == name }?.value }
        let old = state.nodes[path]
        if header("If-None-Match") == "*", old != nil { return problem(412, .alreadyExists, "it exists") }
        if let match = header("If-Match"), old.map({ !match.contains("\"\($0.revision)\"") }) ?? true {
            return problem(412, .revisionMismatch, "it is at \(old?.revision ?? 0)")
        }
        let body = request.body ?? []
        if body.count > valueBytesMax { return problem(413, .tooLarge, "a value has at most \(valueBytesMax) bytes") }
        var missing: [String] = []
        var ancestor = MemoryTransport.parent(path)
        while state.nodes[ancestor] == nil {
            missing.append(ancestor)
            ancestor = MemoryTransport.parent(ancestor)
        }
        if !missing.isEmpty, query["parents"] == nil { return problem(404, .parentNotFound, "\(missing[0])") }
        state.revision += 1
        let now = state.revision
        for path in missing + (old == nil ? [path] : []) {
            state.childrenCounts[MemoryTransport.parent(path), default: 0] += 1
        }
        for parent in missing { state.nodes[parent] = Stored(value: nil, revision: now, created: now, version: 1) }
        state.nodes[path] = Stored(
            value: query["directory"] == nil ? body : nil, revision: now, created: old?.created ?? now,
            version: (old?.version ?? 0) + 1)
        return reply(old == nil ? 201 : 200, document(path, state, withValue: false), state)
    }

    private func delete(_ path: String, _ query: [String: String], _ state: inout State) -> TransportReply {
        guard state.nodes[path] != nil else { return problem(404, .notFound, "\(path) does not exist") }
        let below = state.nodes.keys.filter { $0.hasPrefix(path + "/") }
        if !below.isEmpty, query["recursive"] == nil { return problem(409, .notEmpty, "\(path) has children") }
        let node = document(path, state, withValue: false)
        for path in below + [path] {
            state.nodes[path] = nil
            state.childrenCounts[path] = nil
        }
        state.childrenCounts[MemoryTransport.parent(path), default: 1] -= 1
        state.revision += 1
        return reply(200, DeletionDocument(node: node, deletedCount: UInt64(below.count + 1)), state)
    }

    private func list(_ path: String, _ query: [String: String], _ state: State) -> TransportReply {
        guard state.nodes[path] != nil else { return problem(404, .notFound, "\(path) does not exist") }
        let prefix = path == "/" ? "/" : path + "/"
        let paths = state.nodes.keys.filter { key in
            key != "/" && key.hasPrefix(prefix)
                && (query["recursive"] != nil || MemoryTransport.parent(key) == path) && key > query["next"] ?? ""
        }.sorted()
        let limit = Int(query["limit"] ?? "1000") ?? 1000
        let page = paths.prefix(limit)
        let nodes = page.map { document($0, state, withValue: query["values"] != nil) }
        let next = page.count < paths.count ? page.last : nil
        return reply(200, ListingDocument(path: path, revision: state.revision, nodes: nodes, next: next), state)
    }

    private func document(_ path: String, _ state: State, withValue: Bool) -> NodeDocument {
        let node = state.nodes[path] ?? Stored(value: nil, revision: 0, created: 0, version: 0)
        return NodeDocument(
            path: path, value: withValue ? node.value.map { .bytes($0) } ?? .none : .omitted,
            revision: node.revision, createRevision: node.created, version: node.version,
            childRevision: node.created, childrenCount: state.childrenCounts[path] ?? 0)
    }

    private static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    private func reply(_ status: Int, _ document: some Encodable, _ state: State) -> TransportReply {
        TransportReply(
            status: status,
            headers: [(name: "Concord-Revision", value: "\(state.revision)"), (name: "Concord-Epoch", value: "1")],
            body: JSONDocument.encode(document))
    }

    private func problem(_ status: Int, _ code: ErrorCode, _ detail: String) -> TransportReply {
        TransportReply(status: status, body: JSONDocument.encode(Problem(code, detail, status: status)))
    }
}
