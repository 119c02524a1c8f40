package import ConcordBytes

package enum EntryKind: UInt8, Sendable {
    /// What a leader appends first in its term (dissertation §6.4).
    case noop = 1
    case configuration = 2
    /// A batch of commands; its bytes mean nothing to Raft.
    case commands = 3
}

/// An entry of the log.
package struct Entry: Equatable, Sendable {
    package var index: LogIndex
    package var term: Term
    /// The cluster clock when the leader appended it: milliseconds of leadership, never less than the entry before.
    package var clock: UInt64
    package var kind: EntryKind
    package var payload: [UInt8]

    package init(index: LogIndex, term: Term, clock: UInt64, kind: EntryKind, payload: [UInt8]) {
        self.index = index
        self.term = term
        self.clock = clock
        self.kind = kind
        self.payload = payload
    }

    /// Bytes of an encoded entry besides its payload.
    package static let overheadBytes = 8 + 8 + 8 + 1 + 4

    package func encode(into writer: inout ByteWriter) {
        writer.write(index.rawValue)
        writer.write(term.rawValue)
        writer.write(clock)
        writer.write(kind.rawValue)
        writer.writeBytes(payload)
    }

    package init(decoding reader: inout ByteReader) throws(ByteError) {
        let index = LogIndex(try reader.readUInt64())
        let term = Term(try reader.readUInt64())
        let clock = try reader.readUInt64()
        guard let kind = EntryKind(rawValue: try reader.readUInt8()) else { throw .invalid }
        let payload = try reader.readBytes(limit: RaftLimits.payloadBytesMax)
        self.init(index: index, term: term, clock: clock, kind: kind, payload: payload)
    }
}

/// What a member must never forget of its votes (dissertation figure 3.1): the latest term it has seen and
/// the candidate that got its vote in that term.
package struct HardState: Equatable, Sendable {
    package var term: Term
    package var votedFor: MemberID?
    /// Set while the log may lack what it had.
    package var doubt: Doubt?

    package init(term: Term, votedFor: MemberID?, doubt: Doubt? = nil) {
        self.term = term
        self.votedFor = votedFor
        self.doubt = doubt
    }
}
