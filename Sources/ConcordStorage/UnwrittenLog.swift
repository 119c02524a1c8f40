package import ConcordRaft

/// What is left of some writes when the log has no room for it: the next segment is not there yet.
package struct UnwrittenLog: Equatable, Sendable {
    /// To be written first of all when there is room. It has the number of the last of those writes.
    package let rest: LogWrite
    /// Of those writes the last one that is durable, as all before it are; `nil` when none is.
    package let finished: WriteSequence?

    /// - Returns: `nil` when nothing is left.
    init?(of writes: [LogWrite], base: LogPosition?, entries: ArraySlice<Entry>) {
        guard let last = writes.last, base != nil || !entries.isEmpty else { return nil }
        rest = LogWrite(sequence: last.sequence, hardState: nil, base: base, entries: Array(entries))
        // What a base drops of earlier writes never reaches the disk, so before the base none of them is done.
        let first = base == nil ? entries.first?.index ?? .zero : .zero
        let done = base == nil ? writes.prefix { $0.entries.allSatisfy { $0.index < first } } : []
        finished = done.last?.sequence
    }
}
