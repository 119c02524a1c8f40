import ConcordModel
package import ConcordRaft
import ConcordReplica
import ConcordState
package import ConcordStorage

/// Why no directory was made of a backup.
package enum RestorationError: Error, Equatable, Sendable {
    /// Revision or epoch would leave the numbers that the API has.
    case numberTooLarge(name: String, value: UInt64, raise: UInt64)
    /// The cluster's clock would leave them: no cluster lives that long, so somebody made this file.
    case clockTooLarge(UInt64)
    case notEmpty(file: String)
    case storage(StorageError)
}

/// Makes of a backup the directory of the one member of a new cluster. The others join it.
package struct Restoration: Sendable {
    /// 128 random bits.
    package var member: MemberID
    package var name: String
    package var peerAddress: String
    package var revisionRaise: UInt64
    package var epochRaise: UInt64

    package init(
        member: MemberID, name: String, peerAddress: String, revisionRaise: UInt64 = BackupLimits.revisionRaise,
        epochRaise: UInt64 = BackupLimits.epochRaise
    ) {
        self.member = member
        self.name = name
        self.peerAddress = peerAddress
        self.revisionRaise = revisionRaise
        self.epochRaise = epochRaise
    }

    /// - Parameters:
    ///   - content: with its state.
    ///   - disk: of an empty directory; `apart` may be there, whoever calls holds it.
    /// - Returns: what the new directory holds, and the id of the new cluster.
    package func make(
        _ content: consuming BackupContent, on disk: some Disk, apart: Set<String> = [],
        segmentBytes: Int = StorageLimits.segmentBytesDefault
    ) throws(RestorationError) -> BackupSummary {
        guard var state = content.state.take() else {
            preconditionFailure("a restore was begun with a backup whose state was not read")
        }
        let position = content.header.base.position
        let revision = try raised("revision", state.revision.rawValue, by: revisionRaise)
        // What an entry says of its term is the epoch of the state behind it, so both stay one number.
        let epoch = try raised("epoch", max(state.epoch.rawValue, position.term.rawValue), by: epochRaise)
        let clock = max(position.clock, state.clock)
        guard clock < BackupLimits.numberMax else { throw .clockTooLarge(clock) }
        try checkEmpty(disk, apart)
        let configuration = Configuration(members: [.init(id: member, name: name, peerAddress: peerAddress)])
        state.beginAnew(
            revision: Revision(revision), epoch: Epoch(epoch), members: configuration.members.map(\.applied))
        let cluster = Formation.clusterID(configuration)
        let base = LogBase(
            position: LogPosition(index: position.index, term: Term(epoch), clock: clock),
            configuration: configuration)
        let header = SnapshotHeader(cluster: cluster, base: base)
        let record = MemberRecord(
            id: member, name: name, boot: 1, clusterID: cluster, initialConfiguration: configuration)
        var image = StateImageWriter(state)
        let stored: StoredSnapshot
        do throws(StorageError) {
            stored = try DataDirectory.make(disk, record: record, snapshot: header, segmentBytes: segmentBytes) {
                image.next(bytes: BackupLimits.pieceBytes)
            }
        } catch {
            throw .storage(error)
        }
        let made = BackupContent(header: header, identity: stored.identity, state: state)
        do throws(BackupFault) {
            return try made.summary()
        } catch {
            preconditionFailure("a state that was just made has another hash than its records")
        }
    }

    private func raised(_ name: String, _ value: UInt64, by raise: UInt64) throws(RestorationError) -> UInt64 {
        guard value < BackupLimits.numberMax, raise < BackupLimits.numberMax - value else {
            throw .numberTooLarge(name: name, value: value, raise: raise)
        }
        return value + raise
    }

    private func checkEmpty(_ disk: some Disk, _ apart: Set<String>) throws(RestorationError) {
        var disk = disk
        let names: [String]
        do throws(DiskError) { names = try disk.list() } catch { throw .storage(.disk(error)) }
        if let file = names.first(where: { !apart.contains($0) }) { throw .notEmpty(file: file) }
    }
}

extension RestorationError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .numberTooLarge(let name, let value, let raise):
            "the \(name) is \(value), and \(raise) more would be beyond 2^53, the greatest number of the API: raise it by "
                + "less"
        case .clockTooLarge(let clock):
            "the cluster's clock is \(clock) ms, and no cluster lives that long: this is no backup of one"
        case .notEmpty(let file): "the directory is not empty: it holds \(file)"
        case .storage(let error): "\(error)"
        }
    }
}
