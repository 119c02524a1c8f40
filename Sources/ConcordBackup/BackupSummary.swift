import ConcordModel
import ConcordRaft
import ConcordState
import ConcordStorage

/// What a backup says of itself and of the state in it, for people and programs.
package struct BackupSummary: Equatable, Sendable {
    package struct Member: Equatable, Sendable {
        package var id: String
        package var name: String
        package var peerAddress: String
        /// `voter`, `learner`, `incoming` or `outgoing`.
        package var role: String
    }

    /// What only the state tells.
    package struct State: Equatable, Sendable {
        package var revision: UInt64
        package var epoch: UInt64
        package var historyFloor: UInt64
        package var clusterClockMilliseconds: UInt64
        package var featureLevel: UInt16
        /// Without the root.
        package var nodes: UInt64
        /// Of all records, made anew from their bytes.
        package var hash: String
    }

    package var cluster: String
    package var index: UInt64
    package var term: UInt64
    package var members: [Member]
    /// Of the file.
    package var bytes: UInt64
    /// The file's last one, 8 hexadecimal digits: it depends on every byte.
    package var checksum: String
    package var state: State?
}

extension BackupContent {
    /// - Throws: `.otherHash` when the records, hashed one by one, do not come to the hash that the state keeps.
    package func summary() throws(BackupFault) -> BackupSummary {
        let position = header.base.position
        let digits = String(identity.checksum, radix: 16)
        var summary = BackupSummary(
            cluster: "\(header.cluster)", index: position.index.rawValue, term: position.term.rawValue,
            members: header.base.configuration.members.map(BackupSummary.Member.init), bytes: identity.bytes,
            checksum: String(repeating: "0", count: 8 - digits.count) + digits)
        guard let state else { return summary }
        let hash = state.recomputedHash()
        guard hash == state.stateHash else { throw .image(.otherHash(hash), offset: nil) }
        summary.state = BackupSummary.State(
            revision: state.revision.rawValue, epoch: state.epoch.rawValue, historyFloor: state.historyFloor.rawValue,
            clusterClockMilliseconds: state.clock, featureLevel: state.featureLevel, nodes: state.nodesCount,
            hash: HexadecimalNumber.text(hash))
        return summary
    }
}

extension BackupSummary.Member {
    fileprivate init(_ member: Configuration.Member) {
        self.init(id: "\(member.id)", name: member.name, peerAddress: member.peerAddress, role: "\(member.role)")
    }
}
