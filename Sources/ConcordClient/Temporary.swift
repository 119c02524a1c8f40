import ConcordAPI

public struct StatusDocument: Codable, Sendable { public var name: String }
public struct ClusterDocument: Codable, Sendable { public var leader: String? }
struct WriteDocument: Decodable, Sendable {
    var node: NodeDocument?
    var number: Int64?
    init(from decoder: any Decoder) throws {
        node = try? NodeDocument(from: decoder)
        number = nil
    }
}
struct ListDocument: Codable, Sendable {
    var path: String; var revision: UInt64; var nodes: [NodeDocument]; var next: String?
}
