package import ConcordCommandLine
internal import ConcordLinux
internal import ConcordRaft
internal import ConcordReplica

/// The command line of `concordd`.
package enum ServerFlags {
    static let name = OptionalFlag(
        "name", environment: "CONCORD_NAME", memberName,
        help: "this member's name, unique in the cluster; kept in the data directory from the first start on")
    static let data = Flag(
        "data", environment: "CONCORD_DATA", .path("DIR"), default: "./concord-data",
        help: "where this member keeps its data; made if it is missing")
    static let listen = Flag(
        "listen", environment: "CONCORD_LISTEN", .hostPort(allowsPortZero: true), default: "127.0.0.1:7400",
        help: "address for clients; port 0 takes a free one")
    static let peerListen = Flag(
        "peer-listen", environment: "CONCORD_PEER_LISTEN", .hostPort(allowsPortZero: true), default: "127.0.0.1:7401",
        help: "address for the other members")
    static let cluster = OptionalFlag(
        "cluster", environment: "CONCORD_CLUSTER", listedMembers,
        help: "the members that form the cluster, this one too, the same list everywhere; of no effect once formed")
    static let join = OptionalFlag(
        "join", environment: "CONCORD_JOIN", .list(of: .url),
        help: "client URLs of a running cluster that is to take this member in; of no effect once it has")
    static let advertiseClient = OptionalFlag(
        "advertise-client", environment: "CONCORD_ADVERTISE_CLIENT", .url,
        help: "the URL that clients are told; by default the address of --listen")
    static let advertisePeer = OptionalFlag(
        "advertise-peer", environment: "CONCORD_ADVERTISE_PEER", .hostPort(),
        help: "the address that other members are told; by default the one in --cluster, or that of --peer-listen")
    static let secretFile = OptionalFlag(
        "cluster-secret-file", environment: "CONCORD_CLUSTER_SECRET_FILE", .path(),
        help: "a file with the secret that all members share (or the variable CONCORD_CLUSTER_SECRET)")
    static let allowUnauthenticated = Switch(
        "allow-unauthenticated", environment: "CONCORD_ALLOW_UNAUTHENTICATED",
        help: "let --listen be reached from other machines, by anyone")
    static let heartbeat = Flag(
        "heartbeat", environment: "CONCORD_HEARTBEAT", .duration(in: .milliseconds(5)...(.seconds(10))),
        default: "50ms", help: "how often a leader shows that it lives")
    static let electionTimeout = Flag(
        "election-timeout", environment: "CONCORD_ELECTION_TIMEOUT",
        .duration(in: .milliseconds(20)...(.seconds(60))), default: "250ms",
        help: "how long a silent leader is waited for; at least two heartbeats, the same on every member")
    static let snapshotAfter = Flag(
        "snapshot-after", environment: "CONCORD_SNAPSHOT_AFTER", .size(in: 4096...(1 << 40)), default: "64MiB",
        help: "how far the log grows before a snapshot of the state takes its place; at least as far as the state is "
            + "large")
    static let featureLevelMax = OptionalFlag(
        "feature-level-max", environment: "CONCORD_FEATURE_LEVEL_MAX", .integer(in: 1...Int(UInt16.max), "LEVEL"),
        help: "keeps the cluster's feature level from rising above this one, so that the builds before can still come "
            + "back; without effect on a level that is in force already")
    static let allowedHosts = OptionalFlag(
        "allowed-host", environment: "CONCORD_ALLOWED_HOSTS", .list(of: .text.named("HOST")),
        help: "names allowed in Host beside IP addresses and localhost, without a port")
    static let logLevel = Flag(
        "log-level", environment: "CONCORD_LOG_LEVEL", .choice(of: ["debug", "info", "warning", "error"]),
        default: "info", help: "the least important lines that the log has")

    static let port = Flag(
        "port", .integer(in: 1...65_000, "PORT"), default: "7400",
        help: "the first member's client port; its peer port is the next one, the next member's ports are 10 above")
    static let members = Flag("members", .integer(in: 1...9), default: "3", help: "how many members")

    static let serve = CommandDeclaration(
        "serve", summary: "Runs one member of a cluster.",
        discussion: """
            Without --cluster the member forms a cluster of its own. With it, the listed members form one cluster \
            as soon as all of them are up; from then on the list has no effect. With --join the member asks a \
            running cluster to take it in, and is counted once it has caught up.

            The log is written to standard error, one JSON object a line. SIGTERM or Ctrl-C ends the member after \
            the requests under way were answered.
            """,
        flags: [
            name, data, listen, peerListen, cluster, join, advertiseClient, advertisePeer, secretFile,
            allowUnauthenticated, heartbeat, electionTimeout, snapshotAfter, featureLevelMax,
            allowedHosts, logLevel,
        ],
        examples: [
            .init("serve", "one member on http://127.0.0.1:7400, with its data in ./concord-data"),
            .init(
                "serve --name a --data /var/lib/concord --cluster a=10.0.0.1:7401,b=10.0.0.2:7401,c=10.0.0.3:7401 "
                    + "--listen 10.0.0.1:7400 --peer-listen 10.0.0.1:7401 --cluster-secret-file /etc/concord/secret "
                    + "--allow-unauthenticated",
                "member a of a cluster of three; b and c likewise, with their own names and addresses"),
            .init(
                "serve --name d --data ./d --listen 127.0.0.1:7430 --peer-listen 127.0.0.1:7431 "
                    + "--join http://127.0.0.1:7400",
                "a further member of a running cluster"),
        ])

    static let dev = CommandDeclaration(
        "dev", summary: "Runs a whole cluster on this machine, to try things out.",
        discussion: """
            Every member is a process of its own, with its own data and its own ports on 127.0.0.1. Kill one and see \
            what happens: none is started again by itself. Ctrl-C ends them all; the data stays.
            """,
        flags: [
            port, members,
            Flag("data", .path("DIR"), default: "./concord-data", help: "where the members keep their data and logs"),
        ],
        examples: [
            .init("dev", "three members: http://127.0.0.1:7400, :7410 and :7420"),
            .init("dev --members 5 --port 9000 --data /tmp/five", "five members from port 9000 on"),
        ])

    package static let program = CommandDeclaration(
        "concordd", summary: "The server of Concord, a coordination service.",
        discussion: "Without a command it does what 'concordd serve' does.",
        version: ServerConfiguration.build,
        examples: [
            .init("dev", "a cluster of three members on this machine"),
            .init("serve", "one member"),
        ],
        subcommands: [serve, dev, restore, verify])

    /// `concordd` and `concordd --data X` mean `concordd serve …`.
    package static func completed(_ arguments: [String]) -> [String] {
        guard let first = arguments.first else { return ["serve"] }
        let isOwn = ["--help", "-h", "--version"].contains(first)
        return first.hasPrefix("-") && !isOwn ? ["serve"] + arguments : arguments
    }

    // MARK: Values

    static let memberName = ValueParser<String>(
        placeholder: "NAME", expectation: "a name of letters, digits, '-', '_' and '.', at most 64 of them"
    ) { isName($0) ? $0 : nil }

    private static func isName(_ text: some StringProtocol) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                byte == 0x2D || byte == 0x2E || byte == 0x5F || (0x30...0x39).contains(byte)
                    || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            }
    }

    private static let listedMembers = ValueParser<[ListedMember]>(
        placeholder: "NAME=HOST:PORT,…",
        expectation: "members as NAME=HOST:PORT with commas between them, each name and address once, such as "
            + "a=127.0.0.1:7401,b=127.0.0.1:7411,c=127.0.0.1:7421",
        repeats: true
    ) { text in
        var members: [ListedMember] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let equals = part.firstIndex(of: "="), isName(part[..<equals]),
                let address = HostPort(part[part.index(after: equals)...]), address.port > 0,
                !members.contains(where: { $0.name == part[..<equals] || $0.peerAddress == "\(address)" })
            else { return nil }
            members.append(ListedMember(name: String(part[..<equals]), peerAddress: "\(address)"))
        }
        return members.count <= RaftLimits.membersMax ? members : nil
    }

    // MARK: Configuration

    package static func configuration(
        from arguments: ParsedArguments
    ) throws(UsageError) -> ServerConfiguration {
        let (heartbeat, timeout) = (
            UInt64(arguments[heartbeat].wholeMilliseconds), UInt64(arguments[electionTimeout].wholeMilliseconds)
        )
        guard heartbeat * 2 <= timeout else {
            throw refusal(
                "--heartbeat \(heartbeat)ms does not fit twice into --election-timeout \(timeout)ms: raise the one "
                    + "or lower the other")
        }
        let listed = arguments[cluster]
        guard let name = arguments[name] ?? (listed == nil ? "concord" : nil) else {
            throw refusal("--cluster needs --name: which of the listed members is this one?")
        }
        guard arguments[join] == nil || arguments[ServerFlags.name] != nil else {
            throw refusal("--join needs --name: give the new member a name of its own")
        }
        if let url = arguments[join]?.first(where: { $0.scheme != "http" }) {
            throw refusal("--join \(url): members do not speak TLS yet, so name the plain port, as http://HOST:7400")
        }
        let (client, peer) = (arguments[listen], arguments[peerListen])
        let configuration = ServerConfiguration(
            name: name, dataDirectory: arguments[data], listen: .init(host: client.host, port: client.port),
            peerListen: .init(host: peer.host, port: peer.port), cluster: listed,
            join: arguments[join]?.map { .init(host: $0.address.host, port: $0.address.port) },
            advertisedClientURL: arguments[advertiseClient].map { "\($0)" },
            advertisedPeerAddress: arguments[advertisePeer].map { "\($0)" },
            secret: try secret(from: arguments), allowsUnauthenticated: arguments[allowUnauthenticated],
            raft: RaftSettings(heartbeatMilliseconds: heartbeat, electionTimeoutMilliseconds: timeout),
            snapshots: SnapshotSettings(logBytes: UInt64(arguments[snapshotAfter])),
            featureLevelMax: arguments[featureLevelMax].map { UInt16($0) },
            allowedHosts: arguments[allowedHosts] ?? [], minimumLogLevel: level(arguments[logLevel]))
        if let objection = configuration.objection() { throw refusal(objection) }
        return configuration
    }

    static func refusal(_ sentence: String) -> UsageError {
        UsageError(command: "concordd serve", .rule(sentence))
    }

    private static func level(_ word: String) -> LogLevel {
        switch word {
        case "debug": .debug
        case "warning": .warning
        case "error": .error
        default: .info
        }
    }

    private static let secretBytes = 16...4096

    private static func secret(from arguments: ParsedArguments) throws(UsageError) -> [UInt8] {
        let source: String
        var bytes: [UInt8]
        if let path = arguments[secretFile] {
            source = "the secret in '\(path)'"
            do throws(SystemError) {
                bytes = try Descriptor.reading(path).read(count: secretBytes.upperBound + 2)
            } catch {
                throw refusal("the cluster secret cannot be read: \(error)")
            }
        } else if let value = ProcessEnvironment.variables(prefix: "CONCORD_CLUSTER_SECRET=").first?.value {
            source = "the secret in CONCORD_CLUSTER_SECRET"
            bytes = Array(value.utf8)
        } else {
            return []
        }
        while let last = bytes.last, last == 0x0A || last == 0x0D { bytes.removeLast() }
        guard secretBytes.contains(bytes.count) else {
            throw refusal(
                "\(source) has \(bytes.count) bytes: expected 16 to 4096 (make one with: openssl rand -hex 32)")
        }
        return bytes
    }
}

extension ServerFlags {
    /// Variables that stand in for flags.
    package static var environment: [String: String] {
        Dictionary(
            ProcessEnvironment.variables(prefix: "CONCORD_").map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    }

    /// Does what a command line asks for.
    package static func run(_ arguments: ParsedArguments) throws(UsageError) -> ServerExit {
        switch arguments.command.first {
        case "dev": return DevCluster.run(try devOptions(from: arguments))
        case "restore": return RestoreCommand.run(try restoreOptions(from: arguments))
        case "verify": return VerifyCommand.run(verifyOptions(from: arguments))
        default: return Server.run(try configuration(from: arguments))
        }
    }

    /// Ends the program at once: other threads may be blocked for ever, on standard error or a disk.
    package static func end(_ exit: ServerExit) -> Never {
        ProcessEnvironment.exitNow(code: exit.rawValue)
    }

    private static func devOptions(from arguments: ParsedArguments) throws(UsageError) -> DevCluster.Options {
        let (base, count) = (arguments[port], arguments[members])
        guard base + 10 * (count - 1) + 1 <= Int(UInt16.max) else {
            throw UsageError(command: "concordd dev", .rule("--port \(base) leaves no room for \(count) members"))
        }
        return DevCluster.Options(port: UInt16(base), membersCount: count, dataDirectory: arguments[data])
    }
}
