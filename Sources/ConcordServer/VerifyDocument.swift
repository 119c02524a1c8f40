internal import ConcordBackup
internal import ConcordRaft
internal import ConcordStorage

/// The report of a check as JSON.
struct VerifyDocument: Encodable {
    struct Member: Encodable {
        var id: String
        var name: String
        var boot: UInt64
        var clusterID: String?

        private enum CodingKeys: String, CodingKey {
            case id, name, boot
            case clusterID = "cluster_id"
        }
    }

    struct Vote: Encodable {
        var term: UInt64
        var votedFor: String?

        private enum CodingKeys: String, CodingKey {
            case term
            case votedFor = "voted_for"
        }
    }

    struct Snapshot: Encodable {
        var file: String
        var index: UInt64
        var term: UInt64
        var bytes: UInt64
    }

    struct Log: Encodable {
        var entries: Int
        var firstIndex: UInt64
        var lastIndex: UInt64

        private enum CodingKeys: String, CodingKey {
            case entries
            case firstIndex = "first_index"
            case lastIndex = "last_index"
        }
    }

    struct State: Encodable {
        var index: UInt64
        var revision: UInt64
        var epoch: UInt64
        var nodes: UInt64
        var stateHash: String

        private enum CodingKeys: String, CodingKey {
            case index, revision, epoch, nodes
            case stateHash = "state_hash"
        }
    }

    struct Finding: Encodable {
        /// `damage` or `remark`.
        var severity: String
        var file: String
        var offset: Int
        var what: String
    }

    var directory: String
    var damaged: Bool
    var member: Member?
    var vote: Vote?
    var snapshots: [Snapshot]
    var log: Log?
    /// What the newest snapshot stands for; all of it is committed.
    var committed: State?
    /// With the log behind it, which may not be committed.
    var end: State?
    var findings: [Finding]

    init(_ check: DirectoryCheck, _ directory: String) {
        let inspection = check.inspection
        self.directory = directory
        damaged = check.isDamaged
        member = inspection.record.map {
            Member(id: "\($0.id)", name: $0.name, boot: $0.boot, clusterID: $0.clusterID.map { "\($0)" })
        }
        vote = inspection.hardState.map { Vote(term: $0.term.rawValue, votedFor: $0.votedFor.map { "\($0)" }) }
        snapshots = inspection.snapshots.map {
            Snapshot(
                file: $0.fileName, index: $0.identity.index.rawValue, term: $0.identity.term.rawValue,
                bytes: $0.identity.bytes)
        }
        if inspection.isLogKnown {
            let first = inspection.released.index.next.rawValue
            let count = inspection.entries.count
            log = Log(entries: count, firstIndex: first, lastIndex: first + UInt64(count) - 1)
        }
        committed = check.snapshot.map(State.init)
        end = check.end.map(State.init)
        findings = check.findings.map {
            Finding(
                severity: $0.severity == .damage ? "damage" : "remark", file: $0.file, offset: $0.offset, what: $0.what)
        }
    }
}

extension VerifyDocument.State {
    fileprivate init(_ position: DirectoryCheck.Position) {
        self.init(
            index: position.index, revision: position.revision, epoch: position.epoch, nodes: position.nodes,
            stateHash: position.hash)
    }
}
