import ConcordRaft
import ConcordSimulator
import ConcordStorage

/// A data directory with two snapshots and a log whose beginning was released, changed, and perhaps with all checksums
/// put right. It is refused and left as it is, or it opens with a log that goes on; with checksums as they were, that is
/// a log that was once written, and what one bad block takes away from its end the member remembers, unless that looks
/// like a last write that was never finished.
func fuzz(_ input: [UInt8]) {
    var parts = InputBytes(input)
    let stages = Directory.releasedStages
    guard let last = stages.last else { preconditionFailure("nothing was written") }
    var directory = last.directory
    let manner = parts.byte()
    let isForged = manner & 1 == 1
    while !parts.isEmpty && directory.changes < 6 { directory.change(&parts, among: stages) }
    if isForged { Forger(linksGroups: manner & 2 == 0).seal(&directory) }
    let disk = directory.disk()
    let before = disk.durableSnapshot()
    guard var opened = try? Directory.open(disk) else {
        precondition(isForged || disk.durableSnapshot() == before, "a refused directory was changed")
        return
    }
    let recovered = opened.recovered
    if !isForged { check(opened, stages, of: directory) }
    for snapshot in opened.snapshots.kept { read(snapshot, on: disk) }
    // The last start there is: no member lives so long.
    guard opened.member.record.boot < UInt64.max else { return }
    goOn(&opened, on: disk)
    guard let again = try? Directory.open(disk) else {
        precondition(Directory.isAtItsEnd(disk), "a directory opens once and not again")
        return
    }
    precondition(again.recovered.hardState == recovered.hardState, "it opens with another vote")
    precondition(again.recovered.entries.last?.kind == .noop, "it opens without what was written last")
    precondition(again.snapshot == opened.snapshot, "it opens with another snapshot")
}

private func check(_ opened: DataDirectory<SimulatedDisk>, _ stages: [Directory.Stage], of directory: Directory) {
    guard let last = stages.last else { return }
    let recovered = opened.recovered
    // A snapshot of one stage can stand beside a log of another.
    let isReset = recovered.entries.isEmpty && recovered.released == opened.snapshot?.header.base.position
    precondition(isReset || stages.contains { $0.contains(recovered) }, "a log is read that was never written")
    let claim = recovered.hardState.doubt?.claim
    precondition(claim == nil || stages.contains { $0.last == claim }, "a log is claimed that was never written")
    guard directory.changes <= 1, directory.isWithinOneBlock else { return }
    let lacksLast = stages[stages.count - 2].contains(recovered) && directory.lacksSectors(of: last.directory)
    precondition(last.contains(recovered) || lacksLast, "one bad block lost what nobody remembers")
    precondition(last.explains(recovered.hardState), "one bad block lost a vote")
    precondition(claim == nil || claim == last.last, "one bad block made the member claim another log")
}

private func read(_ snapshot: StoredSnapshot, on disk: SimulatedDisk) {
    guard var reader = try? SnapshotReader(snapshot, on: disk) else { preconditionFailure("a snapshot does not open") }
    do throws(StorageError) {
        while try reader.next() != nil {}
        let bytes = try reader.bytes(at: 0, count: Int(snapshot.identity.bytes))
        precondition(UInt64(bytes.count) == snapshot.identity.bytes, "a snapshot is not as long as it says")
    } catch {
        preconditionFailure("a snapshot was verified and cannot be read: \(error)")
    }
    reader.close()
}

/// Writes an entry, lets go of what the snapshot stands for, and writes another one.
private func goOn(_ opened: inout DataDirectory<SimulatedDisk>, on disk: SimulatedDisk) {
    var index = opened.recovered.released.index.rawValue + UInt64(opened.recovered.entries.count)
    do throws(StorageError) {
        for _ in 0..<2 {
            index += 1
            let entry = Entry(index: LogIndex(index), term: Term(9), clock: 99, kind: .noop, payload: [])
            try opened.log.write([LogWrite(sequence: .zero, hardState: nil, entries: [entry])])
            try opened.log.release(upTo: opened.snapshot?.identity.index ?? .zero)
            try opened.snapshots.prune(pinned: [])
        }
    } catch {
        preconditionFailure("a log opens and cannot go on: \(error)")
    }
}
