/// Somebody who is to become a member, in `POST /v1/cluster/change` and in what is shown of a change.
package struct AdditionDocument: Codable, Equatable, Sendable {
    /// 32 hexadecimal digits.
    package var id: String
    package var name: String
    /// `HOST:PORT` of the peer port.
    package var peer: String

    package init(id: String, name: String, peer: String) {
        self.id = id
        self.name = name
        self.peer = peer
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case id, name, peer
    }

    /// A member of the object that is none of these is refused, as in the body around it.
    package init(from decoder: any Decoder) throws {
        let all = try decoder.container(keyedBy: AnyName.self).allKeys
        for key in all where CodingKeys(rawValue: key.stringValue) == nil {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath + [key], debugDescription: "an unknown member"))
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        name = try container.decode(String.self, forKey: .name)
        peer = try container.decode(String.self, forKey: .peer)
    }
}

private struct AnyName: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// The body of `POST /v1/cluster/change`.
package struct MemberChangeRequest: RequestDocument, Equatable, Sendable {
    package var add: [AdditionDocument]?
    /// Ids of 32 hexadecimal digits.
    package var remove: [String]?

    package static var members: [String] { ["add", "remove"] }

    package init(add: [AdditionDocument]? = nil, remove: [String]? = nil) {
        self.add = add
        self.remove = remove
    }
}

extension MemberChangeRequest {
    /// What a refused change is told when somebody to add is known already, or was once: a joining member tells by it why
    /// it is not taken in.
    package static let knownDetail =
        "an id or a peer address to add belongs to a member, or the id to a former one; an id is never used again: start "
        + "the new member with an empty data directory"
}

/// The answer to `POST` and `DELETE /v1/cluster/change`: which change was begun, or taken back.
package struct MemberChangeReply: Codable, Equatable, Sendable {
    package var change: UInt64

    package init(change: UInt64) {
        self.change = change
    }
}

extension ClusterDocument {
    /// The change of membership that is under way.
    package struct Change: Codable, Equatable, Sendable {
        package var number: UInt64
        package var add: [AdditionDocument]
        package var remove: [String]
        package var isCancelled: Bool
        /// For people: what must happen before it goes on.
        package var waitsFor: String

        package init(
            number: UInt64, add: [AdditionDocument], remove: [String], isCancelled: Bool, waitsFor: String
        ) {
            self.number = number
            self.add = add
            self.remove = remove
            self.isCancelled = isCancelled
            self.waitsFor = waitsFor
        }

        private enum CodingKeys: String, CodingKey {
            case number, add, remove
            case isCancelled = "cancelled"
            case waitsFor = "waits_for"
        }
    }
}
