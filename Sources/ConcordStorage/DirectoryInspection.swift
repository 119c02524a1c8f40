package import ConcordRaft

/// Something that a check of a directory found.
package struct DirectoryFinding: Equatable, Sendable {
    package enum Severity: Equatable, Sendable {
        /// A crash can have left it so, or nothing is lost by it: a start mends it, or does without.
        case remark
        /// Bytes that were durable once cannot be verified.
        case damage
    }

    package var severity: Severity
    package var file: String
    package var offset: Int
    package var what: String

    package init(_ severity: Severity, file: String, offset: Int, what: String) {
        self.severity = severity
        self.file = file
        self.offset = offset
        self.what = what
    }

    init(_ error: StorageError) {
        switch error {
        case .disk(let error), .full(let error):
            self.init(.damage, file: "", offset: 0, what: "the disk does not answer: \(error)")
        case .damaged(let file, let offset, let what): self.init(.damage, file: file, offset: offset, what: what)
        case .newerFormat(let file, let found, let known):
            self.init(
                .damage, file: file, offset: 0,
                what: "it has format \(found), and this version knows formats up to \(known)")
        case .unreadableRecord(let file, let offset):
            self.init(.damage, file: file, offset: offset, what: "a whole record that this version cannot read")
        case .bothVoteSlotsBad:
            self.init(.damage, file: VoteFile.name, offset: 0, what: "neither slot can be verified")
        case .memberRecordMissing(let file):
            self.init(.damage, file: file, offset: 0, what: "it has content, and there is no member record")
        }
    }
}

/// What a member's directory holds, read without changing anything: every byte that has a checksum is verified.
///
/// A start reads the same and then mends: it cuts a doubtful group off where that is allowed, writes a bad vote slot anew, takes leftovers away.
/// Nothing of that happens here, so what is found is still there for whoever comes next.
package struct DirectoryInspection: Sendable {
    package private(set) var record: MemberRecord?
    package private(set) var hardState: HardState?
    /// Those that verify and belong to the cluster, the newest first.
    package private(set) var snapshots: [StoredSnapshot] = []
    /// What the entries follow.
    package private(set) var released = LogPosition.start
    /// All entries that the log holds; those that the newest snapshot stands for too, as far as they are still there.
    package private(set) var entries: [Entry] = []
    /// In the order in which the files are read.
    package private(set) var findings: [DirectoryFinding] = []
    /// Whether the log could be read to its end.
    package private(set) var isLogKnown = false

    /// - Throws: when the disk does not answer. Everything else is a finding.
    package init<Storage: Disk>(_ disk: Storage) throws(StorageError) {
        var disk = disk
        let names = try onDisk { () throws(DiskError) in try disk.list() }
        inspectMember(disk, names)
        inspectVotes(&disk, names)
        inspectSnapshots(disk, names)
        inspectDistrust(&disk, names)
        inspectLog(&disk, names)
        for name in names where SegmentName.isLeftover(name) || SnapshotName.isLeftover(name) {
            remark(name, 0, "a leftover of a crash; a start takes it away")
        }
    }

    package var isDamaged: Bool { findings.contains { $0.severity == .damage } }

    private mutating func remark(_ file: String, _ offset: Int, _ what: String) {
        findings.append(DirectoryFinding(.remark, file: file, offset: offset, what: what))
    }

    private mutating func inspectMember<Storage: Disk>(_ disk: Storage, _ names: [String]) {
        do throws(StorageError) {
            record = try MemberStore.open(disk)?.record
            guard record == nil else { return }
            findings.append(
                DirectoryFinding(
                    .damage, file: MemberRecord.fileName, offset: 0,
                    what: names.isEmpty
                        ? "the file is missing: no member has ever lived here"
                        : "the file is missing: its member was never finished, or the file was lost"))
        } catch {
            findings.append(DirectoryFinding(error))
        }
    }

    private mutating func inspectVotes<Storage: Disk>(_ disk: inout Storage, _ names: [String]) {
        guard names.contains(VoteFile.name) else {
            guard record != nil else { return }
            findings.append(
                DirectoryFinding(.damage, file: VoteFile.name, offset: 0, what: "the file is missing"))
            return
        }
        do throws(StorageError) {
            let (value, stale) = try VoteFile.inspect(on: &disk)
            hardState = value
            if let stale {
                remark(
                    VoteFile.name, stale * StorageLimits.blockBytes,
                    "slot \(stale) is behind the other or cannot be verified; a start writes it anew")
            }
        } catch {
            findings.append(DirectoryFinding(error))
        }
    }

    private mutating func inspectSnapshots<Storage: Disk>(_ disk: Storage, _ names: [String]) {
        for name in names {
            guard let position = SnapshotName.position(of: name) else { continue }
            do throws(StorageError) {
                let snapshot = try SnapshotParts<Storage>.verify(name, on: disk)
                guard snapshot.identity.index == position.index, snapshot.identity.term == position.term else {
                    throw .damaged(file: name, offset: 0, what: "it is the file of another snapshot")
                }
                if let cluster = record?.clusterID, cluster != snapshot.header.cluster {
                    throw .damaged(
                        file: name, offset: SnapshotFormat.preambleBytes,
                        what: "it is of cluster \(snapshot.header.cluster)")
                }
                snapshots.append(snapshot)
            } catch {
                findings.append(DirectoryFinding(error))
            }
        }
        snapshots.sort { ($0.identity.index, $0.identity.term) > ($1.identity.index, $1.identity.term) }
    }

    private mutating func inspectDistrust<Storage: Disk>(_ disk: inout Storage, _ names: [String]) {
        guard names.contains(DistrustMark.fileName) else { return }
        do throws(StorageError) {
            let bytes = try onDisk { () throws(DiskError) in try DistrustMark.read(on: &disk) }
            let needed = try DistrustMark.index(of: bytes).map { " of entry \($0.rawValue) or a later one" } ?? ""
            throw .damaged(
                file: DistrustMark.fileName, offset: 0,
                what: "this member's state was found to be wrong; it needs another member's snapshot" + needed)
        } catch {
            findings.append(DirectoryFinding(error))
        }
    }

    private mutating func inspectLog<Storage: Disk>(_ disk: inout Storage, _ names: [String]) {
        let snapshot = snapshots.first?.header.base.position
        do throws(StorageError) {
            // A directory whose making was not finished has no log yet.
            if record == nil, !names.contains(where: { SegmentName.sequence(of: $0) != nil }) { return }
            let segments = try LogStore<Storage>.segments(of: names, mayBeReleased: snapshot != nil)
            let (scan, _) = try LogStore.scan(&disk, segments, snapshotIndex: snapshot?.index ?? .zero)
            for note in scan.notes {
                guard case .supersededDamage(let file, let offset, let what) = note else { continue }
                remark(file, offset, "\(what); a later record or a snapshot stands for it, so nothing is lost")
            }
            let found = try FoundLog(scan, snapshot: snapshot)
            (released, entries, isLogKnown) = (found.released, found.entries, true)
            tellLoss(scan, isLost: LogLoss(scan, found) != nil)
            tellDoubt()
            if found.isSuperseded, let snapshot {
                remark(
                    SegmentName.of(scan.end.segment), scan.end.offset,
                    "the log does not reach entry \(snapshot.index.rawValue), which the newest snapshot stands for; a start "
                        + "lets it go on behind that")
            }
        } catch {
            findings.append(DirectoryFinding(error))
        }
    }

    /// What an earlier start has found lost and cut off, as long as the log does not show that it is over.
    private mutating func tellDoubt() {
        guard let doubt = hardState?.doubt, (entries.last?.term ?? released.term) < doubt.term else { return }
        let claim = doubt.claim.map { ", up to \($0.index.rawValue) of term \($0.term.rawValue)," } ?? ""
        remark(
            VoteFile.name, 0,
            "the member has lost entries that it had\(claim) and is in doubt until others have sent it what it lacks")
    }

    /// What cannot be read of the log, behind what can.
    /// - Parameter isLost: no snapshot stands for all of it.
    private mutating func tellLoss(_ scan: LogScan, isLost: Bool) {
        func finding(_ severity: DirectoryFinding.Severity, _ file: String, _ offset: Int, _ what: String) {
            findings.append(DirectoryFinding(severity, file: file, offset: offset, what: what))
        }
        let superseded = "a snapshot stands for it, so nothing is lost"
        if let lost = scan.lost {
            let meaning =
                isLost
                ? "groups were written after it, and the entries from \(lost.firstIndex.rawValue) on are lost here"
                : superseded
            finding(isLost ? .damage : .remark, lost.file, lost.offset, "\(lost.what); \(meaning)")
        }
        guard let (_, group, extent) = scan.lastGroup else { return }
        if extent == .unfinished {
            finding(
                .remark, group.file, group.offset,
                "the last group was never written to its end (\(group.what)): nobody was told of it, and a start cuts it off"
            )
        } else {
            finding(
                isLost ? .damage : .remark, group.file, group.offset,
                "the last group cannot be verified: \(group.what); "
                    + (isLost ? "it may have been acknowledged\(group.claimed)" : superseded))
        }
    }
}

extension DoubtfulGroup {
    fileprivate var claimed: String {
        guard let claim else { return "" }
        return ", and it says that it held the entries \(claim.firstIndex.rawValue) to \(claim.lastIndex.rawValue)"
    }
}
