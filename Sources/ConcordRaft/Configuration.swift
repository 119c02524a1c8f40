package import ConcordBytes

/// Who replicates the log and who is counted (dissertation §4.3).
package struct Configuration: Equatable, Sendable {
    package enum Role: UInt8, Sendable {
        /// Votes, in both halves of a joint configuration.
        case voter = 1
        /// Gets the log and is not counted.
        case learner = 2
        /// Votes in the new half of a joint configuration only.
        case incoming = 3
        /// Votes in the old half of a joint configuration only.
        case outgoing = 4
    }

    package struct Member: Equatable, Sendable {
        package var id: MemberID
        package var name: String
        /// `HOST:PORT` of the peer port.
        package var peerAddress: String
        package var role: Role

        package init(id: MemberID, name: String, peerAddress: String, role: Role = .voter) {
            self.id = id
            self.name = name
            self.peerAddress = peerAddress
            self.role = role
        }
    }

    /// In order of id; no id twice.
    package let members: [Member]
    /// The change that this configuration belongs to; 0 for the initial one.
    package let intent: UInt64

    package init(members: [Member], intent: UInt64 = 0) {
        let sorted = members.sorted { $0.id < $1.id }
        for index in sorted.indices.dropFirst() {
            precondition(sorted[index - 1].id != sorted[index].id, "a configuration names a member twice")
        }
        self.members = sorted
        self.intent = intent
    }

    package func member(_ id: MemberID) -> Member? {
        members.first { $0.id == id }
    }

    /// Whether `id` counts in a quorum of any half.
    package func isVoter(_ id: MemberID) -> Bool {
        guard let member = member(id) else { return false }
        return member.role != .learner
    }

    package var isJoint: Bool {
        members.contains { $0.role == .incoming || $0.role == .outgoing }
    }

    /// Whether those for whom `agrees` holds are a majority of the old voters and of the new ones
    /// (dissertation §4.3). An empty half agrees to nothing.
    package func hasQuorum(where agrees: (MemberID) -> Bool) -> Bool {
        var (old, oldAgreeing, new, newAgreeing) = (0, 0, 0, 0)
        for member in members {
            let agreed = member.role != .learner && agrees(member.id) ? 1 : 0
            switch member.role {
            case .voter:
                (old, oldAgreeing, new, newAgreeing) = (old + 1, oldAgreeing + agreed, new + 1, newAgreeing + agreed)
            case .incoming: (new, newAgreeing) = (new + 1, newAgreeing + agreed)
            case .outgoing: (old, oldAgreeing) = (old + 1, oldAgreeing + agreed)
            case .learner: break
            }
        }
        return oldAgreeing > old / 2 && newAgreeing > new / 2
    }

    /// Whether those for whom `agrees` holds are a majority of the old voters or of the new ones: the one may have
    /// committed something before this configuration, and the other something after it.
    package func hasQuorumOfEither(where agrees: (MemberID) -> Bool) -> Bool {
        [Role.outgoing, Role.incoming].contains { half in
            let voters = members.filter { $0.role == .voter || $0.role == half }
            return 2 * voters.count { agrees($0.id) } > voters.count
        }
    }

    package func encode(into writer: inout ByteWriter) {
        writer.write(Configuration.version)
        writer.write(intent)
        writer.write(UInt32(members.count))
        for member in members {
            writer.write(member.id.rawValue)
            writer.write(member.role.rawValue)
            writer.writeString(member.name)
            writer.writeString(member.peerAddress)
        }
    }

    package init(decoding reader: inout ByteReader) throws(ByteError) {
        guard try reader.readUInt8() == Configuration.version else { throw .invalid }
        let intent = try reader.readUInt64()
        let count = try reader.readCount(limit: RaftLimits.membersMax, bytesEach: 25)
        var members: [Member] = []
        for _ in 0..<count {
            let id = MemberID(try reader.readUInt128())
            guard let role = Role(rawValue: try reader.readUInt8()) else { throw .invalid }
            let name = try reader.readString(limit: RaftLimits.memberTextBytesMax)
            let address = try reader.readString(limit: RaftLimits.memberTextBytesMax)
            if let last = members.last, last.id >= id { throw .invalid }
            members.append(Member(id: id, name: name, peerAddress: address, role: role))
        }
        self.init(members: members, intent: intent)
    }

    private static let version: UInt8 = 1
}
