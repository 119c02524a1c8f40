import ConcordAPI
import ConcordClient
import Foundation

/// What `--json` prints.
enum ToolJSON {
    static func text(of document: some Encodable) -> String {
        String(decoding: JSONDocument.encode(document), as: UTF8.self)
    }
}

extension NodeDocument {
    /// - Parameter withValue: whether the node was asked for its value; else none is shown.
    init(_ node: ConcordNode, withValue: Bool) {
        let value: Value = withValue ? node.value.map { .bytes($0.bytes) } ?? .none : .omitted
        self.init(
            path: node.path, value: value, kind: node.kind, revision: node.revision,
            createRevision: node.createRevision, version: node.version, lease: node.lease,
            childRevision: node.childRevision, childrenCount: node.childrenCount)
    }
}

struct ErrorOutput: Encodable {
    struct Facts: Encodable {
        var code: String
        var status: Int?
        var detail: String
        var path: String?
        var outcomeUnknown: Bool
        var node: NodeDocument?

        init(_ error: ConcordError) {
            code = error.code.rawValue
            status = error.status
            detail = error.detail
            path = error.path
            outcomeUnknown = error.outcomeUnknown
            node = error.node.map { NodeDocument($0, withValue: true) }
        }

        private enum CodingKeys: String, CodingKey {
            case code, status, detail, path, node
            case outcomeUnknown = "outcome_unknown"
        }
    }

    var error: Facts
}

struct WriteOutput: Encodable {
    var revision: UInt64
    var epoch: UInt64
    var created: Bool?
    var deletedCount: UInt64?
    var node: NodeDocument?

    private enum CodingKeys: String, CodingKey {
        case revision, epoch, created, node
        case deletedCount = "deleted_count"
    }
}

struct ListOutput: Encodable {
    var path: String
    var revision: UInt64
    var nodes: [NodeDocument]
}

struct TransferOutput: Encodable {
    struct Skipped: Encodable, Equatable {
        var name: String
        var reason: String
    }

    var files: Int
    var directories: Int
    var bytes: Int
    var revision: UInt64?
    var milliseconds: Int64
    var skipped: [Skipped]
}

struct StatusOutput: Encodable {
    struct Member: Encodable {
        var id: String?
        var name: String?
        var url: String?
        var role: String?
        var leader: Bool
        var ready: Bool
        var term: UInt64?
        var revision: UInt64?
        var epoch: UInt64?
        var lag: UInt64?
        var build: String?
        /// The highest that it supports, or wants to.
        var featureLevel: Int?
        /// Why nothing more is known, or why it is not ready.
        var error: String?

        private enum CodingKeys: String, CodingKey {
            case id, name, url, role, leader, ready, term, revision, epoch, lag, build, error
            case featureLevel = "feature_level"
        }
    }

    var cluster: String?
    var leader: String?
    /// The one in force.
    var featureLevel: Int?
    var members: [Member]

    private enum CodingKeys: String, CodingKey {
        case cluster, leader, members
        case featureLevel = "feature_level"
    }
}
