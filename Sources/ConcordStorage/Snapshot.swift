package import ConcordRaft

/// What a snapshot says of itself, before its content.
package struct SnapshotHeader: Equatable, Sendable {
    package var cluster: ClusterID
    /// What the content stands for in the log.
    package var base: LogBase

    package init(cluster: ClusterID, base: LogBase) {
        self.cluster = cluster
        self.base = base
    }
}

/// Names the content of one snapshot's file: two files of equal identity are taken for equal, so a transfer that was
/// begun with one member may go on with another.
package struct SnapshotIdentity: Hashable, Sendable {
    package var index: LogIndex
    package var term: Term
    /// Of the whole file.
    package var bytes: UInt64
    /// The last one of the file. Each continues the one before it, so it depends on every byte.
    package var checksum: UInt32

    package init(index: LogIndex, term: Term, bytes: UInt64, checksum: UInt32) {
        self.index = index
        self.term = term
        self.bytes = bytes
        self.checksum = checksum
    }
}

/// A snapshot that is whole and durable, name and all.
package struct StoredSnapshot: Equatable, Sendable {
    package var header: SnapshotHeader
    package var identity: SnapshotIdentity

    package init(header: SnapshotHeader, identity: SnapshotIdentity) {
        self.header = header
        self.identity = identity
    }

    package var fileName: String { SnapshotName.of(index: identity.index, term: identity.term) }
}

/// The names of snapshots: `snapshot-`, the index in 16 hexadecimal digits, `-`, the term in 16 hexadecimal digits.
enum SnapshotName {
    private static let prefix = "snapshot-"
    /// What is received, as long as it is not known to be a snapshot. No complete snapshot has such a name.
    static let incoming = prefix + "incoming" + temporarySuffix

    static func of(index: LogIndex, term: Term) -> String {
        prefix + hexadecimal(index.rawValue) + "-" + hexadecimal(term.rawValue)
    }

    /// What a name says, or `nil` for a name that is no snapshot's.
    static func position(of name: String) -> (index: LogIndex, term: Term)? {
        guard name.hasPrefix(prefix) else { return nil }
        let parts = name.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let index = UInt64(parts[0], radix: 16), let term = UInt64(parts[1], radix: 16),
            of(index: LogIndex(index), term: Term(term)) == name
        else { return nil }
        return (LogIndex(index), Term(term))
    }

    /// Whether a crash left this file while it was being made or received.
    static func isLeftover(_ name: String) -> Bool {
        name == incoming
            || name.hasSuffix(temporarySuffix) && position(of: String(name.dropLast(temporarySuffix.count))) != nil
    }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
