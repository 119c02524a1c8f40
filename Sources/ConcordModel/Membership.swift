/// A member as the replicated state knows it: what the last applied configuration says of it.
package struct ClusterMember: Equatable, Sendable {
    /// The raw value is its number on disk, the same as in a configuration.
    package enum Role: UInt8, Sendable, CaseIterable {
        case voter = 1
        /// Gets the log and is not counted.
        case learner = 2
        /// Votes in the new half of a joint configuration only.
        case incoming = 3
        /// Votes in the old half of a joint configuration only.
        case outgoing = 4
    }

    /// 128 random bits, never used for another member.
    package var id: UInt128
    package var name: String
    /// `HOST:PORT` of the peer port.
    package var peerAddress: String
    package var role: Role
    /// `nil` as long as nobody has made known what it told.
    package var info: MemberInfo?

    package init(id: UInt128, name: String, peerAddress: String, role: Role = .voter, info: MemberInfo? = nil) {
        self.id = id
        self.name = name
        self.peerAddress = peerAddress
        self.role = role
        self.info = info
    }
}

/// Somebody who is to become a member.
package struct MemberAddition: Equatable, Sendable {
    package var id: UInt128
    package var name: String
    /// `HOST:PORT` of the peer port.
    package var peerAddress: String

    package init(id: UInt128, name: String, peerAddress: String) {
        self.id = id
        self.name = name
        self.peerAddress = peerAddress
    }
}

/// What a change of membership asks for. All of it happens in one joint configuration, or nothing does.
package struct ChangeMembersOperation: Equatable, Sendable {
    package var add: [MemberAddition]
    /// Ids.
    package var remove: [UInt128]

    package init(add: [MemberAddition] = [], remove: [UInt128] = []) {
        self.add = add
        self.remove = remove
    }
}

/// The one change of membership that is under way, as replicated state: whoever leads goes on with it from here.
package struct MemberChange: Equatable, Sendable {
    /// 1, 2, 3, … through the life of the cluster; every configuration entry names the change that it belongs to.
    package var number: UInt64
    package var add: [MemberAddition]
    package var remove: [UInt128]
    /// Its learners are being taken out again; nothing else of it will happen.
    package var isCancelled: Bool

    package init(number: UInt64, add: [MemberAddition], remove: [UInt128], isCancelled: Bool = false) {
        self.number = number
        self.add = add
        self.remove = remove
        self.isCancelled = isCancelled
    }
}
