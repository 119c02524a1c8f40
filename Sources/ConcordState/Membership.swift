import ConcordBytes
package import ConcordModel

/// Who belongs to the cluster as far as entries were applied, and the one change of it that is under way.
///
/// A change is asked for by a command and done by configuration entries, which a leader appends by what stands here;
/// so any later leader goes on with it.
package struct Membership: Equatable, Sendable {
    /// The configuration applied last, in order of id.
    package private(set) var members: [ClusterMember] = []
    package private(set) var change: MemberChange?
    /// The number of the last change that was begun.
    package private(set) var lastNumber: UInt64 = 0
    /// Ids that once stood in an applied configuration and do so no more, in order. None of them ever comes back: a
    /// copy of its directory may be about that has forgotten a vote or an acknowledgement (RethinkDB 2.2.3), and
    /// whoever is in this list can be told, by anyone, that it was removed.
    package private(set) var former: [UInt128] = []
    private(set) var digest: UInt128 = 0

    init() {}

    package var isJoint: Bool {
        members.contains { $0.role == .incoming || $0.role == .outgoing }
    }

    package func wasMember(_ id: UInt128) -> Bool {
        former.binarySearch(id).isFound
    }

    // MARK: Commands

    /// - Returns: the number of the change.
    mutating func begin(_ asked: ChangeMembersOperation) throws(Refused) -> UInt64 {
        guard !asked.add.isEmpty || !asked.remove.isEmpty, !asked.namesTwice else { throw Refused(.invalidRequest) }
        guard change == nil, !isJoint else { throw Refused(.memberChangeUnderWay, number: change?.number) }
        for id in asked.remove where !members.contains(where: { $0.id == id }) { throw Refused(.memberNotFound) }
        for addition in asked.add {
            let isKnown = members.contains { member in
                member.id == addition.id || member.address == addition.peerAddress
            }
            guard !isKnown, !wasMember(addition.id) else { throw Refused(.memberKnown) }
        }
        guard members.count + asked.add.count <= ModelLimits.membersMax else {
            throw Refused(.limitExceeded, number: UInt64(ModelLimits.membersMax))
        }
        guard former.count + members.count + asked.add.count <= StateLimits.formerMembersMax else {
            throw Refused(.limitExceeded, number: UInt64(StateLimits.formerMembersMax))
        }
        let votersLeft = members.count { $0.role == .voter && !asked.remove.contains($0.id) }
        guard votersLeft + asked.add.count > 0 else { throw Refused(.noVoterLeft) }
        lastNumber += 1
        change = MemberChange(number: lastNumber, add: asked.add, remove: asked.remove)
        digest = recomputedDigest
        return lastNumber
    }

    /// - Returns: the number of the change.
    mutating func cancel() throws(Refused) -> UInt64 {
        guard let present = change, !present.isCancelled else { throw Refused(.noMemberChange) }
        guard !isJoint else { throw Refused(.memberChangeTooFar, number: present.number) }
        change?.isCancelled = true
        endChangeIfDone()
        digest = recomputedDigest
        return present.number
    }

    // MARK: What members tell

    /// Two members may tell one address: they may be changing places, and the handshake tells who answers there.
    mutating func take(_ told: MemberInfoOperation) throws(Refused) {
        guard let position = members.firstIndex(where: { $0.id == told.member }) else {
            throw Refused(.memberNotFound)
        }
        if let known = members[position].info, known.boot > told.info.boot { throw Refused(.memberInfoOutdated) }
        members[position].info = told.info
        digest = recomputedDigest
    }

    // MARK: Configurations

    /// A configuration entry was applied, or this member starts from its first configuration.
    mutating func configure(_ configuration: [ClusterMember]) {
        for member in members where !configuration.contains(where: { $0.id == member.id }) {
            let (position, isFound) = former.binarySearch(member.id)
            if !isFound { former.insert(member.id, at: position) }
        }
        let before = members
        members = configuration.map { member in
            var member = member
            member.info = before.first { $0.id == member.id }?.info
            return member
        }
        endChangeIfDone()
        digest = recomputedDigest
    }

    /// The first configuration of another cluster that goes on with this state. Whoever belonged to the old one is a
    /// former member now: no directory of it can pass for one of the new cluster's.
    mutating func beginAnew(_ configuration: [ClusterMember]) {
        change = nil
        configure(configuration)
    }

    private mutating func endChangeIfDone() {
        guard let change, !isJoint else { return }
        func role(_ id: UInt128) -> ClusterMember.Role? { members.first { $0.id == id }?.role }
        let isDone =
            change.isCancelled
            ? !members.contains { $0.role == .learner }
            : change.add.allSatisfy { role($0.id) == .voter } && change.remove.allSatisfy { role($0) == nil }
        if isDone { self.change = nil }
    }

    // MARK: Bytes

    /// 0 as long as there is nothing, like that of a record that is not there.
    var recomputedDigest: UInt128 {
        guard !members.isEmpty || !former.isEmpty || lastNumber > 0 else { return 0 }
        var writer = ByteWriter()
        writer.write(StateHash.membershipTag)
        encode(into: &writer)
        // Without any it is what builds have that know of none.
        if members.contains(where: { $0.info != nil }) { encodeInfos(into: &writer) }
        return SipHash128.hash(writer.bytes)
    }

    func encode(into writer: inout ByteWriter) {
        writer.write(lastNumber)
        writer.write(UInt32(members.count))
        for member in members {
            writer.write(member.role.rawValue)
            MemberAddition(id: member.id, name: member.name, peerAddress: member.peerAddress).encode(into: &writer)
        }
        writer.write(UInt32(former.count))
        for id in former { writer.write(id) }
        writer.write(change != nil)
        guard let change else { return }
        writer.write(change.isCancelled)
        ChangeMembersOperation(add: change.add, remove: change.remove).encode(into: &writer)
    }

    /// What members told, one for each member. Not there in an image of version 1.
    func encodeInfos(into writer: inout ByteWriter) {
        for member in members {
            writer.write(member.info != nil)
            member.info?.encode(into: &writer)
        }
    }

    mutating func readInfos(_ reader: inout ByteReader) throws(ByteError) {
        for position in members.indices where try reader.readBool() {
            members[position].info = try MemberInfo(decoding: &reader)
        }
        digest = recomputedDigest
    }

    /// A change has the last number: there is never a second one under way.
    init(decoding reader: inout ByteReader) throws(ByteError) {
        lastNumber = try reader.readUInt64()
        guard lastNumber <= StateImage.numberMax else { throw .tooLong }
        let each = 1 + MemberAddition.encodedBytesMin
        for _ in 0..<(try reader.readCount(limit: ModelLimits.membersMax, bytesEach: each)) {
            guard let role = ClusterMember.Role(rawValue: try reader.readUInt8()) else { throw .invalid }
            let read = try MemberAddition(decoding: &reader)
            if let last = members.last, last.id >= read.id { throw .invalid }
            members.append(
                ClusterMember(id: read.id, name: read.name, peerAddress: read.peerAddress, role: role))
        }
        for _ in 0..<(try reader.readCount(limit: StateLimits.formerMembersMax, bytesEach: 16)) {
            let id = try reader.readUInt128()
            if let last = former.last, last >= id { throw .invalid }
            former.append(id)
        }
        for member in members where wasMember(member.id) { throw .invalid }
        if try reader.readBool() {
            let isCancelled = try reader.readBool()
            let asked = try ChangeMembersOperation(decoding: &reader)
            guard lastNumber > 0, !asked.add.isEmpty || !asked.remove.isEmpty, !asked.namesTwice else {
                throw .invalid
            }
            change = MemberChange(
                number: lastNumber, add: asked.add, remove: asked.remove, isCancelled: isCancelled)
        }
        digest = recomputedDigest
    }
}

extension ChangeMembersOperation {
    /// Whether an id or an address stands in it twice.
    fileprivate var namesTwice: Bool {
        let ids = add.map(\.id) + remove
        return Set(ids).count < ids.count || Set(add.map(\.peerAddress)).count < add.count
    }
}

extension [UInt128] {
    /// Where `id` is, or belongs.
    fileprivate func binarySearch(_ id: UInt128) -> (position: Int, isFound: Bool) {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < id { low = middle + 1 } else { high = middle }
        }
        return (low, low < count && self[low] == id)
    }
}

extension StateMachine {
    /// Who belongs to the cluster, and the change of it that is under way.
    package var members: Membership { membership }

    /// Takes over a configuration: that of an entry as it is applied, or the one that holds before the first entry.
    /// - Parameter configuration: in order of id.
    package mutating func configure(_ configuration: [ClusterMember]) {
        membership.configure(configuration)
    }

    /// The outcome of a command about the members. It takes no revision: nothing changed that a watcher sees.
    func membershipChanged(_ status: OperationResult.Status, _ number: UInt64?) -> Outcome {
        let result = OperationResult(status: status, key: .root, node: nil, number: number.map { Int64($0) })
        return Outcome(revision: tree.revision, verdict: .applied([result]))
    }
}

extension ClusterMember {
    /// Where its peer port is, by what is known last.
    package var address: String { info?.peerAddress ?? peerAddress }
}
