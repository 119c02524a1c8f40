import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState
package import ConcordStorage

/// A stopped member's directory, checked: what is wrong in it, and the state that it comes to.
package struct DirectoryCheck: Sendable {
    /// The state at a place of the log.
    package struct Position: Equatable, Sendable {
        package var index: UInt64
        package var revision: UInt64
        package var epoch: UInt64
        package var hash: String
        package var nodes: UInt64
    }

    package let inspection: DirectoryInspection
    package private(set) var findings: [DirectoryFinding]
    /// Of the newest snapshot; `nil` when there is none that can be used. All that it stands for is committed.
    package private(set) var snapshot: Position?
    /// After the last entry of the log. Whether the entries behind the snapshot are committed is known to the other
    /// members only; if they are not, others may take their place.
    package private(set) var end: Position?

    /// - Throws: when the disk does not answer. Everything else is a finding.
    package init(_ disk: some Disk) throws(StorageError) {
        inspection = try DirectoryInspection(disk)
        findings = inspection.findings
        guard let base = baseState(disk) else { return }
        if inspection.snapshots.first != nil { snapshot = Position(base.state, index: base.index) }
        guard inspection.isLogKnown else { return }
        replay(base)
    }

    package var isDamaged: Bool { findings.contains { $0.severity == .damage } }

    /// Up to which entry the log is known to be committed: what a snapshot stands for was applied by somebody.
    package var committedIndex: UInt64 { inspection.snapshots.first?.identity.index.rawValue ?? 0 }

    private struct Base {
        var state: StateMachine
        var index: LogIndex
    }

    /// The state before the entries of the log: that of the newest snapshot, or the one that a cluster begins with.
    private mutating func baseState(_ disk: some Disk) -> Base? {
        guard let newest = inspection.snapshots.first else {
            guard let initial = inspection.record?.initialConfiguration else { return nil }
            var state = StateMachine()
            state.configure(initial.members.map(\.applied))
            return Base(state: state, index: .zero)
        }
        do throws(RestoreError) {
            let state = try StateMachine.restored(from: newest, on: disk)
            return Base(state: state, index: newest.identity.index)
        } catch {
            let what =
                switch error {
                case .storage(let error): "it cannot be read: \(error)"
                case .image(let error): BackupFault.image(error, offset: nil).description
                }
            findings.append(DirectoryFinding(.damage, file: newest.fileName, offset: 0, what: what))
            return nil
        }
    }

    private mutating func replay(_ base: Base) {
        var replay = LogReplay(state: base.state, index: base.index)
        for entry in inspection.entries where entry.index > base.index {
            do throws(LogReplay.Unreadable) {
                try replay.apply(entry)
            } catch {
                let what =
                    switch error {
                    case .malformed: "says what this version cannot read"
                    case .newerFeatureLevel(let level):
                        "needs feature level \(level), and this version knows levels up to \(ModelLimits.featureLevel)"
                    }
                findings.append(
                    DirectoryFinding(
                        .damage, file: "log", offset: 0, what: "entry \(entry.index.rawValue) is whole, and \(what)"))
                break
            }
        }
        end = Position(replay.state, index: replay.index)
    }
}

extension DirectoryCheck.Position {
    fileprivate init(_ state: StateMachine, index: LogIndex) {
        self.init(
            index: index.rawValue, revision: state.revision.rawValue, epoch: state.epoch.rawValue,
            hash: HexadecimalNumber.text(state.recomputedHash()), nodes: state.nodesCount)
    }
}

/// Applies a log's entries as a member does.
struct LogReplay {
    /// Nothing of the entry was applied.
    enum Unreadable: Error, Equatable {
        case malformed
        /// A member of this build would end here, too.
        case newerFeatureLevel(UInt16)
    }

    var state: StateMachine
    /// Of the last entry that was applied.
    var index: LogIndex

    mutating func apply(_ entry: Entry) throws(Unreadable) {
        guard entry.index == index.next else { throw .malformed }
        switch entry.kind {
        case .noop:
            begin(entry)
        case .configuration:
            guard let configuration = Configuration(payload: entry.payload) else { throw .malformed }
            begin(entry)
            state.configure(configuration.members.map(\.applied))
        case .commands:
            guard let commands = try? CommandBatch.decode(entry.payload) else { throw .malformed }
            let needed = commands.map(\.featureLevelNeeded).max() ?? 0
            guard needed <= ModelLimits.featureLevel else { throw .newerFeatureLevel(needed) }
            begin(entry)
            for command in commands { _ = state.apply(command) }
        }
    }

    private mutating func begin(_ entry: Entry) {
        state.beginEntry(epoch: Epoch(entry.term.rawValue), clock: entry.clock)
        index = entry.index
    }
}
