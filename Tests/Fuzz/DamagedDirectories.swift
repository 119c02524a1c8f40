import ConcordRaft
import ConcordSimulator
import ConcordStorage

/// A data directory whose files were damaged, mixed up or set back. It is refused and left as it is, or it opens with a
/// log that was once written, twice alike. What damage takes away from its end the member remembers, unless that looks
/// like a last write that was never finished.
func fuzz(_ input: [UInt8]) {
    var parts = InputBytes(input)
    let stages = Directory.stages
    guard let last = stages.last else { preconditionFailure("nothing was written") }
    var directory = last.directory
    while !parts.isEmpty && directory.changes < 5 { directory.change(&parts) }
    let disk = directory.disk()
    let before = disk.durableSnapshot()
    guard let recovered = opened(disk) else {
        precondition(disk.durableSnapshot() == before, "a refused directory was changed")
        return
    }
    precondition(stages.contains { $0.contains(recovered) }, "a log is read that was never written")
    precondition(stages.contains { $0.explains(recovered.hardState) }, "a vote is read that was never written")
    let claim = recovered.hardState.doubt?.claim
    precondition(claim == nil || stages.contains { $0.last == claim }, "a log is claimed that was never written")
    if directory.changes <= 1 && directory.isWithinOneBlock {
        let isBeforeLast = recovered.entries == stages[stages.count - 2].entries
        let lacksLast = isBeforeLast && directory.lacksSectors(of: last.directory)
        precondition(last.contains(recovered) || lacksLast, "one bad block lost what nobody remembers")
        precondition(last.explains(recovered.hardState), "one bad block lost a vote")
        precondition(claim == nil || claim == last.last, "one bad block made the member claim another log")
    }
    guard let again = opened(disk) else { preconditionFailure("a directory opens once and not again") }
    precondition(
        again.entries == recovered.entries && again.hardState == recovered.hardState, "it opens with another log")
}

private func opened(_ disk: SimulatedDisk) -> RecoveredLog? { try? Directory.open(disk).recovered }
