import ConcordRaft
import ConcordSimulator
import ConcordStorage

/// A data directory whose files were changed by someone who put all checksums right again, so that the readers behind
/// the checksums see it. It is refused, or it opens with a log without holes that opens again alike, and goes on.
func fuzz(_ input: [UInt8]) {
    var parts = InputBytes(input)
    guard var directory = Directory.stages.last?.directory else { preconditionFailure("nothing was written") }
    let linksGroups = parts.byte() & 1 == 0
    while !parts.isEmpty && directory.changes < 8 { directory.change(&parts) }
    Forger(linksGroups: linksGroups).seal(&directory)
    let disk = directory.disk()
    guard var opened = try? Directory.open(disk) else { return }
    let recovered = opened.recovered
    // The last start there is: no member lives so long.
    guard opened.member.record.boot < UInt64.max else { return }
    for (number, entry) in recovered.entries.enumerated() {
        precondition(entry.index.rawValue == UInt64(number) + 1, "a log with a hole")
    }
    let new = Entry(
        index: LogIndex(UInt64(recovered.entries.count) + 1), term: Term(9), clock: 9, kind: .noop, payload: [])
    let isWritten: Void? = try? {
        _ = try opened.log.write([LogWrite(sequence: .zero, hardState: nil, entries: [new])])
    }()
    precondition(isWritten != nil, "a log opens and cannot go on")
    guard let again = try? Directory.open(disk).recovered else {
        precondition(Directory.isAtItsEnd(disk), "a directory opens once and not again")
        return
    }
    precondition(again.hardState == recovered.hardState, "it opens with another vote")
    precondition(again.entries == recovered.entries + [new], "it opens with another log")
}
