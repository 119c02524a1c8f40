import ConcordCommandLine

// The commands about much state, and members far behind.
extension BenchDeclaration {
    static let membersCount = Flag("members", .integer(in: 1...9), default: "3", help: "How many.")
    static let state = Flag(
        "state", .size(in: (1 << 20)...(3 << 30)), default: "1GiB",
        help: "Bytes of all values together; each member holds several times as much in memory.")
    static let stateValueBytes = Flag(
        "value-bytes", .size(in: 64...(1 << 20)), default: "64KiB", help: "Of each value.")
    static let stateWriters = Flag("writers", .integer(in: 1...1000), default: "16", help: "Writers at the same time.")
    static let snapshots = Flag(
        "snapshots", .integer(in: 1...1000), default: "3",
        help: "That each member makes while values are replaced, at least.")
    static let snapshotAfter = Flag(
        "snapshot-after", .size(in: 4096...(1 << 40)), default: "64MiB", help: "The same flag of the servers.")

    static let entries = Flag(
        "entries", .integer(in: 1...10_000_000), default: "100000", help: "That the member lacks, at least.")
    static let behindClients = Flag(
        "clients", short: "c", .integer(in: 1...1000), default: "16",
        help: "That write these entries, in a closed loop at the leader.")
    static let behindWriters = Flag(
        "writers", .integer(in: 1...1000), default: "8",
        help: "Clients that go on all the time, at every member, and must not see a failure.")
    static let behindSnapshotAfter = Flag(
        "snapshot-after", .size(in: 4096...(1 << 40)), default: "1MiB", help: "The same flag of the servers.")

    static let snapshot = CommandDeclaration(
        "snapshot", summary: "Measures writes while members with much state make snapshots, and their starts.",
        discussion: """
            A cluster of its own is filled, and then written to until each member has made its snapshots. Then one member \
            is stopped and started again, and then all are. Shown are the snapshots, the latencies of writes with and \
            without a snapshot under way at any member, the longest turn of each member's event loop, its memory, and the \
            time from a start until the member serves. An election makes the exit code 1: nobody failed.
            """,
        flags: [membersCount, state, stateValueBytes, stateWriters, snapshots, snapshotAfter],
        examples: [
            .init("snapshot --state 256MiB", "Three members with 256 MiB each"),
            .init("snapshot --members 1 --state 1GiB --json", "One member with 1 GiB, as JSON"),
        ])

    static let behind = CommandDeclaration(
        "behind", summary: "Starts a member again that lacks much, and measures how it catches up.",
        discussion: """
            A cluster of its own, written to all the time by clients that retry. A follower is killed; when the log of the \
            others has grown far enough, and its beginning is released, the follower is started again and must be brought \
            on by a snapshot. No client may see a failure, and all members must come to the same state.
            """,
        flags: [entries, behindClients, behindWriters, behindSnapshotAfter],
        examples: [.init("behind --entries 100000", "A hundred thousand entries behind")])
}
