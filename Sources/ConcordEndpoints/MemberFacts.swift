import ConcordBytes
import ConcordHTTP
package import ConcordReplica

/// What headers and local endpoints show of this member; the server refreshes it each turn of its loop.
package struct MemberFacts: Sendable {
    package enum Readiness: Equatable, Sendable {
        case ready
        /// Why not, for people.
        case notReady(String)
    }

    /// Set it through `refresh`.
    package private(set) var status: StatusView
    package private(set) var readiness: Readiness
    /// As many backups are on their way to clients as may be at once.
    package var isBusyWithBackups = false
    /// `Concord-Member`, `Concord-Leader` and `Cache-Control`, as they stand in every reply.
    private(set) var headerLines: [UInt8] = []

    package init(status: StatusView, readiness: Readiness) {
        self.status = status
        self.readiness = readiness
        headerLines = MemberFacts.headerLines(status)
    }

    /// Takes over what has changed.
    package mutating func refresh(status: StatusView, readiness: Readiness) {
        let isOther = status.name != self.status.name || status.leaderClientURL != self.status.leaderClientURL
        self.status = status
        self.readiness = readiness
        if isOther { headerLines = MemberFacts.headerLines(status) }
    }
}

extension MemberFacts {
    private static func headerLines(_ status: StatusView) -> [UInt8] {
        var writer = ByteWriter()
        writer.writeHeader("Concord-Member", [UInt8](status.name.utf8))
        if let leader = status.leaderClientURL { writer.writeHeader("Concord-Leader", [UInt8](leader.utf8)) }
        writer.writeHeader("Cache-Control", "no-store")
        return writer.bytes
    }
}
