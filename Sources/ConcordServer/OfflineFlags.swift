internal import ConcordBackup
internal import ConcordCommandLine
internal import ConcordLinux

// The commands of `concordd` that no member runs for: making a directory of a backup, and checking one.

extension ServerFlags {
    static let from = Flag(
        required: "from", .path(), help: "the backup: a file that 'concord snapshot save' has written")
    static let newName = Flag(
        "name", environment: "CONCORD_NAME", memberName, default: "concord",
        help: "the new member's name; kept in the data directory")
    static let raise = Flag(
        "raise", .integer(in: 1...(1 << 52)), default: "\(BackupLimits.revisionRaise)",
        help: "by how much the revision grows: more than the old cluster can have written since the backup, so that no "
            + "revision, and no fencing token, is ever given out twice")
    static let raiseEpoch = Flag(
        "raise-epoch", .integer(in: 1...(1 << 52)), default: "\(BackupLimits.epochRaise)",
        help: "by how much the epoch grows: more than the old cluster can have had elections since")
    static let dumpLog = Switch(
        "dump-log",
        help: "print every entry of the log to standard output, a JSON object a line, and the report to standard error")
    static let json = Switch("json", help: "print the report as JSON, one document")

    static let restore = CommandDeclaration(
        "restore", summary: "Makes the data directory of a new cluster from a backup.",
        discussion: """
            The new cluster has one member, with an id of its own; start it with 'concordd serve --data DIR', and let \
            others join it. It has everything that clients stored, and answers retries of requests that were made before \
            the backup with their first outcome. Its revision and its epoch are far above those of the backup; there is \
            no history before them.

            DIR must be empty or missing. The old cluster must not serve any more: nothing of what it acknowledges from \
            now on is in the new one.
            """,
        flags: [from, data, newName, peerListen, advertisePeer, raise, raiseEpoch],
        examples: [
            .init("restore --from monday.snapshot --data /var/lib/concord", "a cluster of one on this machine"),
            .init(
                "restore --from monday.snapshot --data /var/lib/concord --name a --advertise-peer 10.0.0.1:7401",
                "member a, which others will reach at 10.0.0.1:7401"),
        ])

    static let verify = CommandDeclaration(
        "verify", summary: "Checks the data directory of a member that does not run.",
        discussion: """
            Everything that has a checksum is read and verified: member record, votes, log, snapshots. The state is made of \
            the newest snapshot and the log. Nothing is changed.

            Exit codes: 0 all is well; 65 something is damaged, and is named with file and offset; 73 a member runs on the \
            directory; 78 it is not there or cannot be read.

            Offline it is known of the entries behind the newest snapshot that this member has them, and not whether they \
            were committed: --dump-log shows those as "committed": null.
            """,
        flags: [data, json, dumpLog],
        examples: [
            .init("verify --data /var/lib/concord", "is it whole, and what does it hold?"),
            .init("verify --data /var/lib/concord --dump-log", "what was written, entry by entry"),
        ])

    static func restoreOptions(from arguments: ParsedArguments) throws(UsageError) -> RestoreCommand.Options {
        let listen = arguments[peerListen]
        let address = arguments[advertisePeer] ?? listen
        guard arguments[advertisePeer] != nil || !isWildcard(listen.host) && listen.port > 0 else {
            throw UsageError(
                command: "concordd restore",
                .rule(
                    "--peer-listen \(listen) does not tell where the others will reach this member: add --advertise-peer "
                        + "HOST:PORT"))
        }
        guard SocketAddress.literal(HostAndPort(host: listen.host, port: listen.port)) != nil else {
            throw UsageError(
                command: "concordd restore",
                .rule(
                    "--peer-listen '\(listen)' is no IP address: a member listens on an address of its own machine; a name "
                        + "that the others know it by is said with --advertise-peer HOST:PORT"))
        }
        let (start, clientURL) = startOfRestored(
            listen: listen, advertised: arguments[advertisePeer], name: arguments[newName], data: arguments[data])
        return RestoreCommand.Options(
            file: arguments[from], directory: arguments[data], name: arguments[newName], peerAddress: "\(address)",
            revisionRaise: UInt64(arguments[raise]), epochRaise: UInt64(arguments[raiseEpoch]), start: start,
            clientURL: clientURL)
    }

    /// What `concordd serve` takes for a restored member, and where clients find it then. Where only an address for the
    /// others was said, the member listens there if that is an IP address, and everywhere if it is a name.
    private static func startOfRestored(
        listen: HostPort, advertised: HostPort?, name: String, data: String
    ) -> (flags: [String], clientURL: String) {
        func literal(_ address: HostPort) -> SocketAddress? {
            SocketAddress.literal(HostAndPort(host: address.host, port: address.port))
        }
        var peer = listen
        if let advertised, literal(listen)?.isLoopback != false {
            peer = literal(advertised) == nil ? HostPort(host: "0.0.0.0", port: advertised.port) : advertised
        }
        let shown = advertised ?? listen
        let clientPort: UInt16 = peer.port == 7400 ? 7401 : 7400
        let client = HostPort(host: peer.host, port: clientPort)
        let clientURL = "http://\(HostPort(host: shown.host, port: clientPort))"
        var flags = [
            "--name \(quoted(name))", "--data \(quoted(data))", "--listen \(quoted("\(client)"))",
            "--peer-listen \(quoted("\(peer)"))",
        ]
        if shown != peer { flags.append("--advertise-peer \(quoted("\(shown)"))") }
        if shown.host != peer.host { flags.append("--advertise-client \(clientURL)") }
        if literal(peer)?.isLoopback != true { flags.append("--allow-unauthenticated --cluster-secret-file FILE") }
        return (flags, clientURL)
    }

    /// A word as a shell takes it.
    private static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "-")...UInt8(ascii: ":") ~= byte
                || byte == UInt8(ascii: "_") || byte >= 0x80
        }
        return isPlain ? word : "'\(word.replacing("'", with: "'\\''"))'"
    }

    static func verifyOptions(from arguments: ParsedArguments) -> VerifyCommand.Options {
        VerifyCommand.Options(
            directory: arguments[data], isJSON: arguments[json], dumpsLog: arguments[dumpLog])
    }

    private static func isWildcard(_ host: String) -> Bool { host == "0.0.0.0" || host == "::" }
}
