package import ConcordCommandLine

/// The command line of `concord-bench`.
package enum BenchDeclaration {
    static let json = Switch("json", help: "Print JSON, one document.")
    static let server = OptionalFlag(
        "concordd", .path(), help: "The server that own clusters are made of; by default the one beside this program.")
    static let directory = OptionalFlag(
        "directory", .path("DIR"),
        help: "Where own clusters keep their data, and whose disk is probed; by default the temporary directory.")

    static let endpoints = OptionalFlag(
        "endpoints", short: "e", environment: "CONCORD_ENDPOINTS", .list(of: .url),
        help: "Members of a running cluster; without them a cluster of one's own is started and ended.")
    static let clients = Flag(
        "clients", short: "c", .list(of: .integer(in: 1...10_000)), default: "1,64,256",
        help: "Clients at the same time, each with a connection of its own; one run for each number.")
    static let seconds = Flag("seconds", short: "s", .integer(in: 1...3600), default: "5", help: "Of each run.")
    static let valueBytes = Flag("value-bytes", .size(in: 0...(1 << 20)), default: "64", help: "Of each value.")
    static let keys = Flag(
        "keys", .integer(in: 1...1_000_000), default: "1000", help: "Nodes that are written or read.")
    static let threads = Flag("threads", .integer(in: 1...64), default: "1", help: "Of this program.")
    static let target = Flag(
        "target", .choice(of: ["leader", "all"]), default: "leader", help: "Who is asked: the leader, or all in turn.")
    static let local = Switch("local", help: "Read the asked member's own state instead of a linearizable one.")
    static let serverProcesses = OptionalFlag(
        "server-pids", .list(of: .integer(in: 1...Int(Int32.max))),
        help: "The servers' processes, for their processor time; by default those that listen on the endpoints here.")

    static let rounds = Flag("rounds", .integer(in: 1...100_000), default: "20", help: "How often.")
    static let stop = Switch("stop", help: "End the leader with SIGTERM, so that it may hand over, instead of SIGKILL.")
    static let writers = Flag("writers", .integer(in: 1...1000), default: "16", help: "Writers at the same time.")
    static let writesLeast = Flag(
        "writes", .integer(in: 1...1_000_000), default: "1000", help: "Acknowledged writes a round, at least.")
    static let powerCut = Switch(
        "power-cut", help: "As root: each member on a file system of its own, which is cut off without its caches.")
    static let fault = Flag(
        "fault", .choice(of: ["full", "fsync", "hang"]), default: "full", help: "What the leader's disk does.")
    static let diskRounds = Flag("rounds", .integer(in: 1...1000), default: "5", help: "How often.")
    static let diskWriters = Flag("writers", .integer(in: 1...100), default: "8", help: "Writers at the same time.")
    static let preload = OptionalFlag(
        "preload", .path(), help: "A library that the servers load first; docs/bench/no-fdatasync.c makes them forget.")

    static let upgradeWriters = Flag(
        "writers", .integer(in: 1...1000), default: "8", help: "Writers at the same time.")
    static let writesBetween = Flag(
        "writes", .integer(in: 1...1_000_000), default: "500",
        help: "Acknowledged writes between two replacements, at least.")
    static let old = Flag(
        required: "old", .path("CONCORDD"), help: "The server of the build before, which the cluster begins with.")

    static let compareRounds = Flag("rounds", .integer(in: 1...1000), default: "5", help: "Of which the median counts.")
    static let compareSeconds = Flag("seconds", short: "s", .integer(in: 1...3600), default: "3", help: "Of each run.")
    static let work = Flag(
        "work", .list(of: .choice(of: ["put", "get", "local-get"])), default: "put,get,local-get",
        help: "What is compared.")
    static let peers = Flag(
        "peers", .list(of: .choice(of: ["etcd", "zk"])), default: "etcd", help: "Beside whom: etcd, zk (ZooKeeper).")
    static let peersScript = Flag(
        "peers-script", .path(), default: "docs/bench/peers.sh",
        help: "Starts the peers; 'install' before the first use.")
    static let peersPrograms = Flag(
        "peers-bin", environment: "PEERS_BIN", .path("DIR"), default: "./peers-bin", help: "The peers' load drivers.")

    /// The program and its commands.
    package static let program = CommandDeclaration(
        "concord-bench",
        summary: "Measures a Concord cluster, and checks its promises under real faults.",
        discussion: """
            Every figure comes with probes of the disk and of the loopback from the same run; only ratios of one run \
            are worth comparing. Exit codes: 0 done and the promise held; 1 it failed, or a promise was broken; 2 the \
            command line is wrong.
            """,
        version: "0.1.0", flags: [json, server, directory],
        examples: [
            .init("put", "Writes with 1, 64 and 256 clients against a cluster of its own"),
            .init("failover --rounds 200", "How long writes fail when the leader dies"),
            .init("durability", "Whether acknowledged writes survive the death of all members"),
        ],
        subcommands: [put, get, compare, failover, durability, frozenLeader, rollingUpgrade, disk, snapshot, behind])

    private static let load: [any DeclaredFlag] = [
        endpoints, clients, seconds, valueBytes, keys, threads, target, serverProcesses,
    ]

    private static let put = CommandDeclaration(
        "put", summary: "Writes values in a closed loop.",
        discussion: "Each client sends its next write when it has the answer to the last.",
        flags: load,
        examples: [
            .init("put --clients 256 --seconds 10", "256 clients for ten seconds"),
            .init("put --endpoints http://127.0.0.1:7400 --clients 1", "Against a running cluster"),
        ])

    private static let get = CommandDeclaration(
        "get", summary: "Reads values in a closed loop.",
        flags: load + [local],
        examples: [
            .init("get --clients 64", "Linearizable reads"),
            .init("get --local --target all", "Local reads at every member"),
        ])

    private static let compare = CommandDeclaration(
        "compare", summary: "Measures beside other coordination services, alternating, in one run.",
        discussion: """
            Three members each on this machine with their default, durable settings; same clients, values and keys; \
            requests go to the leader; the median of the rounds counts. The peers are Debian's packages, driven \
            through their own clients: '--peers-script FILE install' fetches and builds them.
            """,
        flags: [
            compareRounds, compareSeconds, clients, valueBytes, keys, threads, work, peers, peersScript, peersPrograms,
        ],
        examples: [.init("compare --peers etcd --clients 1,64,256", "Beside etcd, as a Markdown table")])

    private static let failover = CommandDeclaration(
        "failover", summary: "Kills the leader again and again, and measures the gap in writing.",
        discussion: """
            A cluster of its own under load. The gap is the time from the signal to the answer of a write that was \
            sent right after it to another member. The member is started again before the next round.
            """,
        flags: [rounds, stop, writers],
        examples: [
            .init("failover --rounds 200", "kill -9, two hundred times"),
            .init("failover --stop", "An orderly end"),
        ])

    private static let durability = CommandDeclaration(
        "durability", summary: "Kills all members at once, and reads every acknowledged write back.",
        discussion: """
            A cluster of its own. In each round many writers write until enough is acknowledged; at a random moment \
            all members are killed with SIGKILL and started again; then every acknowledged write must be there, with \
            its value and its revision. With --power-cut what the kernel had not yet written is lost too. Lost writes \
            are listed, and the exit code is 1.
            """,
        flags: [rounds, writers, writesLeast, powerCut, preload],
        examples: [
            .init("durability --rounds 20", "Twenty times kill -9"),
            .init("durability --power-cut --rounds 5", "As root: five power cuts"),
            .init(
                "durability --power-cut --rounds 1 --preload ./no-fdatasync.so",
                "Servers that do not sync: it must fail"),
        ])

    private static let disk = CommandDeclaration(
        "disk", summary: "Lets the leader's disk fill up, fail or hang, and measures the gap in writing.",
        discussion: """
            As root: a cluster of its own under load, each member on a file system of its own. 'full' is a tmpfs that is \
            filled; 'fsync' an ext4 whose file lies on a full tmpfs, so that an fsync really fails; 'hang' an ext4 that \
            is frozen. The gap is the time from the failure to the first write that another leader acknowledged. Then \
            the disk works again, the member must be well again (of 'fsync', after it ended and was started anew), and \
            every acknowledged write must be there. A gap beyond the bound or anything else that is wrong makes the exit \
            code 1.
            """,
        flags: [fault, diskRounds, diskWriters],
        examples: [
            .init("disk --fault full --rounds 5", "As root: five times a full disk"),
            .init("disk --fault fsync", "As root: fsync fails for real"),
            .init("disk --fault hang --rounds 1", "As root: the disk answers nothing"),
        ])

    private static let frozenLeader = CommandDeclaration(
        "frozen-leader", summary: "Freezes the leader with reads in its socket, and looks for old answers.",
        discussion: """
            A cluster of its own. The leader is stopped with SIGSTOP; reads are put into its socket, a newer value is \
            acknowledged elsewhere, further reads follow; then it goes on. No read that it answers may show the old \
            value. An old answer makes the exit code 1.
            """,
        flags: [rounds],
        examples: [.init("frozen-leader --rounds 50", "Fifty times")])

    private static let rollingUpgrade = CommandDeclaration(
        "rolling-upgrade", summary: "Replaces the members by those of another build and back, under load.",
        discussion: """
            A cluster of its own, which begins with the build before (--old) and is written to all the time. Its members \
            are replaced one by one: by this build (--concordd) with the feature level held, by the build before again, by \
            this build, and then without the hold. No request may fail, nothing acknowledged may be lost or done twice, \
            the level must rise once all support it, and then the build before must refuse to run. \
            Jepsen-style/rolling-upgrade builds a commit and runs this.
            """,
        flags: [old, upgradeWriters, writesBetween],
        examples: [
            .init("rolling-upgrade --old /tmp/previous/concordd", "From that build to the one beside this program")
        ])
}
