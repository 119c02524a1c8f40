internal import ConcordAPI
internal import ConcordEndpoints
internal import ConcordLinux
internal import ConcordModel
internal import ConcordRaft
internal import ConcordReplica
internal import ConcordState
internal import ConcordStorage

/// One member, from its configuration to its end.
package enum Server {
    /// Runs a member until it is told to end or must. Blocks the calling thread, which becomes its event loop; to be
    /// called before the program starts any other thread.
    package static func run(_ configuration: ServerConfiguration) -> ServerExit {
        do throws(SystemError) {
            SignalSource.ignoreBrokenPipes()
            SignalSource.ignoreFileSizeLimit()
            let signals = try StopSignals()
            let log = try Log(minimum: configuration.minimumLogLevel)
            try signals.watchStart(log: log)
            defer { log.flush(milliseconds: 500) }
            return start(configuration, log: log, signals: signals)
        } catch {
            StandardDescriptor.error.writeAll(Array("concordd: \(error)\n".utf8))
            return .failed
        }
    }

    private static func start(
        _ configuration: ServerConfiguration, log: Log, signals: StopSignals
    ) -> ServerExit {
        do throws(StartFailure) {
            raiseDescriptorLimit(log)
            let lock = try lockedDirectory(configuration.dataDirectory)
            let parts = try makeParts(configuration, lock: lock, log: log)
            return try run(parts, signals: signals)
        } catch {
            log.error("start_failed", [("reason", .text(error.reason)), ("advice", .text(error.advice))])
            return error.exit
        }
    }

    private static func run(
        _ parts: ServerLoop.Parts, signals: StopSignals
    ) throws(StartFailure) -> ServerExit {
        do throws(SystemError) {
            let loop = try ServerLoop(parts, signals: signals, now: SystemClock.monotonicMilliseconds())
            return try loop.run()
        } catch {
            throw StartFailure(exit: .failed, reason: "\(error)", advice: "the system refused what every member needs")
        }
    }

    private static func raiseDescriptorLimit(_ log: Log) {
        let limit = ProcessEnvironment.raiseDescriptorLimit()
        let wanted = ServerLimits.clientConnectionsMax + ServerLimits.peerConnectionsMax + 64
        if limit < wanted {
            log.warning(
                "few_open_files_allowed",
                [
                    ("limit", .number(UInt64(limit))), ("wanted", .number(UInt64(wanted))),
                    ("advice", "raise the limit of open files (ulimit -n, LimitNOFILE=) to serve more connections"),
                ])
        }
    }

    // MARK: The parts

    private static func makeParts(
        _ configuration: ServerConfiguration, lock: DirectoryLock, log: Log
    ) throws(StartFailure) -> ServerLoop.Parts {
        let now = SystemClock.monotonicMilliseconds()
        let poller = try system { () throws(SystemError) in try Poller() }
        let clientListener = try listener(configuration.listen, kind: .clientListener, flag: "--listen", poller)
        let peerListener = try listener(configuration.peerListen, kind: .peerListener, flag: "--peer-listen", poller)
        let directory = try openDirectory(configuration, log: log)
        let record = directory.member.record
        let addresses = Addresses(configuration, clientPort: clientListener.port, peerPort: peerListener.port)
        let joins = configuration.join != nil
        let listed =
            joins ? [] : configuration.cluster ?? [ListedMember(name: record.name, peerAddress: addresses.peer)]
        try check(record, against: configuration, addresses: addresses, listed: listed, log: log)

        let replica = Replica(
            ReplicaStart(
                record: record, hardState: directory.recovered.hardState, released: directory.recovered.released,
                entries: directory.recovered.entries,
                snapshot: try restoredSnapshot(directory, configuration, log: log),
                snapshots: configuration.snapshots, distrusted: directory.snapshots.distrusted, listed: listed,
                joins: joins, peerAddress: addresses.peer, clientURL: addresses.clientURL,
                build: ServerConfiguration.build, featureLevelMax: configuration.featureLevelMax,
                raft: configuration.raft, seed: SystemRandom.uint64(), now: now))
        let identity = PeerIdentity(
            id: record.id, name: record.name, boot: record.boot, peerAddress: addresses.peer,
            clientURL: addresses.clientURL, featureLevel: configuration.featureLevelTold,
            build: ServerConfiguration.build, clusterID: record.clusterID)
        log.info(
            "listening",
            [
                ("name", .text(record.name)), ("id", "\(record.id)"), ("boot", .number(record.boot)),
                ("client_url", .text(addresses.clientURL)), ("client", .text(addresses.client)),
                ("peer", .text(addresses.peerListen)), ("data", .text(configuration.dataDirectory)),
                ("process", .number(UInt64(ProcessEnvironment.processIdentifier))),
            ])
        let settings = EndpointSettings(
            allowedHosts: configuration.allowedHosts + addresses.names, version: ServerConfiguration.build,
            build: ServerConfiguration.build)
        let status = replica.status
        let helperDisk = try openDisk(configuration.dataDirectory)
        let snapshotDisk = try openDisk(configuration.dataDirectory)
        return try system { () throws(SystemError) in
            ServerLoop.Parts(
                poller: poller, log: log,
                storage: try StorageThread(
                    directory, lock: lock, helperDisk: helperDisk, waking: poller.wakeup, log: log),
                snapshots: try SnapshotThread(
                    directory.snapshots, on: snapshotDisk, waking: poller.wakeup, log: log),
                peers: try PeerNetwork(
                    poller: poller, credentials: PeerCredentials(identity: identity, secret: configuration.secret),
                    log: log, seed: SystemRandom.uint64()),
                clients: ClientConnections(
                    poller: poller, endpoints: Endpoints(settings: settings),
                    backups: try BackupThread(waking: poller.wakeup),
                    facts: MemberFacts(status: status, readiness: status.readiness), now: now),
                clientListener: clientListener, peerListener: peerListener,
                join: try joinThread(configuration, identity, waking: poller.wakeup, log: log), replica: replica)
        }
    }

    /// Asks for this member to be taken in, if it was started for that.
    private static func joinThread(
        _ configuration: ServerConfiguration, _ identity: PeerIdentity, waking wakeup: Wakeup, log: Log
    ) throws(SystemError) -> JoinThread? {
        guard let join = configuration.join else { return nil }
        let addition = AdditionDocument(id: "\(identity.id)", name: identity.name, peer: identity.peerAddress)
        let targets = join.map { HostAndPort(host: $0.host, port: $0.port) }
        return try JoinThread(
            .init(targets: targets, addition: addition, boot: identity.boot), waking: wakeup, log: log)
    }

    private static func listener(
        _ address: ServerConfiguration.Address, kind: Token.Kind, flag: String, _ poller: Poller
    ) throws(StartFailure) -> Listener {
        do throws(SystemError) {
            return try Listener(
                try literal(address, port: address.port), name: "\(address)", kind: kind, poller: poller)
        } catch {
            throw StartFailure(
                exit: error.isAddressInUse ? .inUse : .configuration, reason: "\(error)",
                advice: error.isAddressInUse
                    ? "another program listens there: stop it, or choose another port with \(flag) HOST:PORT"
                    : "choose an address of this machine and a port that this user may use with \(flag) HOST:PORT")
        }
    }

    private static func literal(
        _ address: ServerConfiguration.Address, port: UInt16
    ) throws(SystemError) -> SocketAddress {
        guard let literal = SocketAddress.literal(HostAndPort(host: address.host, port: port)) else {
            throw SystemError(operation: "listen on \(address)", text: "it is no IP address")
        }
        return literal
    }

    // MARK: The data directory

    private static func lockedDirectory(_ path: String) throws(StartFailure) -> DirectoryLock {
        let (lock, isOurs): (DirectoryLock, Bool)
        do throws(SystemError) {
            for changed in try Directory.create(path) { try Directory(changed).synchronize() }
            lock = DirectoryLock(file: try Directory(path).open(DirectoryLock.name, creating: true))
            isOurs = try lock.file.lock()
        } catch {
            throw StartFailure(
                exit: .configuration, reason: "\(error)",
                advice: "choose a directory with --data that this user may make and write")
        }
        guard isOurs else {
            throw StartFailure(
                exit: .inUse, reason: "the data directory \(path) is in use",
                advice: "another concordd runs on it: stop that one, or choose another directory with --data")
        }
        return lock
    }

    private static func openDisk(_ path: String) throws(StartFailure) -> FileDisk {
        do throws(DiskError) {
            return try FileDisk(path: path)
        } catch {
            throw StartFailure(exit: .storageFailed, reason: "\(error)", advice: "check the disk")
        }
    }

    private static func openDirectory(
        _ configuration: ServerConfiguration, log: Log
    ) throws(StartFailure) -> DataDirectory<FileDisk> {
        let disk = try openDisk(configuration.dataDirectory)
        do throws(StorageError) {
            let directory = try DataDirectory.open(
                disk, newMember: MemberID(SystemRandom.uint128()), name: configuration.name)
            for note in directory.recovered.notes { log.warning("recovered", [("what", "\(note)")]) }
            return directory
        } catch {
            if case .memberRecordMissing(let file) = error, file.hasPrefix(UnfinishedRestore.filePrefix) {
                throw StartFailure(
                    exit: .damaged, reason: "\(error)",
                    advice: "if 'concordd restore' was interrupted here, remove the directory "
                        + "\(configuration.dataDirectory) and restore again")
            }
            throw StartFailure(
                exit: error.isDisk ? .storageFailed : .damaged, reason: "\(error)",
                advice: "the files are in \(configuration.dataDirectory)")
        }
    }

    private static func restoredSnapshot(
        _ directory: DataDirectory<FileDisk>, _ configuration: ServerConfiguration, log: Log
    ) throws(StartFailure) -> RestoredSnapshot? {
        guard let newest = directory.snapshot else { return nil }
        let began = SystemClock.monotonicMilliseconds()
        let older = directory.snapshots.kept.first { $0.identity.index < newest.identity.index }
        // Its state would be looked at by nobody, and need not even be one.
        guard directory.snapshots.distrusted == nil else {
            return RestoredSnapshot(snapshot: newest, state: StateMachine(), older: older)
        }
        let disk = try openDisk(configuration.dataDirectory)
        do throws(RestoreError) {
            let state = try StateMachine.restored(from: newest, on: disk)
            log.info(
                "snapshot_restored",
                [
                    ("index", .number(newest.identity.index.rawValue)), ("bytes", .number(newest.identity.bytes)),
                    ("milliseconds", .number(SystemClock.monotonicMilliseconds() - began)),
                ])
            return RestoredSnapshot(snapshot: newest, state: state, older: older)
        } catch {
            if case .image(.newerFeatureLevel(let level)) = error {
                throw StartFailure(
                    exit: .configuration, reason: FeatureLevelAdvice.reason(level), advice: FeatureLevelAdvice.advice)
            }
            throw StartFailure(
                exit: .damaged, reason: "the snapshot at index \(newest.identity.index.rawValue): \(error)",
                advice: "the files are in \(configuration.dataDirectory); a newer version may have written them")
        }
    }

    /// What the directory says against what was said at the start.
    private static func check(
        _ record: MemberRecord, against configuration: ServerConfiguration, addresses: Addresses,
        listed: [ListedMember], log: Log
    ) throws(StartFailure) {
        guard let initial = record.initialConfiguration else {
            guard configuration.join == nil else { return }
            guard listed.contains(where: { $0.name == record.name }),
                record.name == configuration.name || listed.count == 1
            else {
                throw StartFailure(
                    exit: .configuration,
                    reason: "the data directory belongs to member '\(record.name)', and --name is "
                        + "'\(configuration.name)'",
                    advice: "start it as --name \(record.name), or give this member a data directory of its own")
            }
            return
        }
        if record.name != configuration.name && configuration.cluster != nil {
            log.warning(
                "name_ignored",
                [("name", .text(configuration.name)), ("kept", .text(record.name)), ("reason", "it is kept in --data")])
        }
        if let own = initial.member(record.id), own.peerAddress != addresses.peer {
            log.info(
                "peer_address_moved", [("formed_with", .text(own.peerAddress)), ("now", .text(addresses.peer))])
        }
        guard let cluster = configuration.cluster else { return }
        let formed = initial.members.map { ListedMember(name: $0.name, peerAddress: $0.peerAddress) }
        if cluster.sorted(by: { $0.name < $1.name }) != formed.sorted(by: { $0.name < $1.name }) {
            log.warning(
                "cluster_flag_ignored",
                [
                    ("formed_with", .text(formed.map { "\($0.name)=\($0.peerAddress)" }.joined(separator: ","))),
                    ("advice", "the cluster is formed, so --cluster has no effect: take it away or correct it"),
                ])
        }
    }

    private static func system<Value>(
        _ body: () throws(SystemError) -> Value
    ) throws(StartFailure) -> Value {
        do throws(SystemError) {
            return try body()
        } catch {
            throw StartFailure(exit: .failed, reason: "\(error)", advice: "the system refused what every member needs")
        }
    }
}

/// Why a member did not start.
private struct StartFailure: Error {
    var exit: ServerExit
    var reason: String
    var advice: String
}

/// Where this member can be found.
private struct Addresses {
    let client: String
    let clientURL: String
    let peerListen: String
    let peer: String
    /// Host names among them.
    let names: [String]

    init(_ configuration: ServerConfiguration, clientPort: UInt16, peerPort: UInt16) {
        client = "\(ServerConfiguration.Address(host: configuration.listen.host, port: clientPort))"
        peerListen = "\(ServerConfiguration.Address(host: configuration.peerListen.host, port: peerPort))"
        clientURL = configuration.advertisedClientURL ?? "http://\(client)"
        peer = configuration.advertisedPeerAddress ?? configuration.listedSelf?.peerAddress ?? peerListen
        let authority = clientURL.split(separator: "/").last.map(String.init) ?? ""
        names = HostAndPort(authority).map { [$0.host] } ?? []
    }
}

extension StorageError {
    fileprivate var isDisk: Bool {
        switch self {
        case .disk, .full: true
        case .damaged, .newerFormat, .unreadableRecord, .bothVoteSlotsBad, .memberRecordMissing: false
        }
    }
}
