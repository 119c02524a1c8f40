/// The body of `POST /v1/cluster/leader`.
package struct LeaderRequest: RequestDocument, Equatable, Sendable {
    /// A member's id or name; `nil` lets the leader choose.
    package var to: String?

    package static var members: [String] { ["to"] }

    package init(to: String?) {
        self.to = to
    }

    /// `null` is refused: a script whose variable is empty meant somebody.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        to = container.contains(.to) ? try container.decode(String.self, forKey: .to) : nil
    }

    private enum CodingKeys: String, CodingKey {
        case to
    }
}

/// The answer to `POST /v1/cluster/leader`: who leads now.
package struct LeaderDocument: Codable, Equatable, Sendable {
    package struct Member: Codable, Equatable, Sendable {
        package var id: String
        package var name: String
        /// `null` as long as the asked member has not heard from it.
        package var clientURL: String?

        package init(id: String, name: String, clientURL: String?) {
            self.id = id
            self.name = name
            self.clientURL = clientURL
        }

        private enum CodingKeys: String, CodingKey {
            case id, name
            case clientURL = "client_url"
        }
    }

    package var leader: Member
    /// Of its leadership.
    package var epoch: UInt64

    package init(leader: Member, epoch: UInt64) {
        self.leader = leader
        self.epoch = epoch
    }
}
