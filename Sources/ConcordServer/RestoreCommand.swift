internal import ConcordBackup
internal import ConcordCommandLine
internal import ConcordLinux
internal import ConcordRaft
internal import ConcordStorage

/// `concordd restore`: a backup becomes the data directory of a new cluster's one member.
enum RestoreCommand {
    struct Options: Sendable {
        var file: String
        var directory: String
        var name: String
        var peerAddress: String
        var revisionRaise: UInt64
        var epochRaise: UInt64
        /// Of `concordd serve`, with which the new member is to be started: what restore was told, or would be right.
        var start: [String]
        var clientURL: String
    }

    /// Why nothing was restored.
    private struct Failure: Error {
        var exit: ServerExit
        var sentence: String
    }

    static func run(_ options: Options) -> ServerExit {
        SignalSource.ignoreBrokenPipes()
        SignalSource.ignoreFileSizeLimit()
        do throws(Failure) {
            // The whole backup is read first: a bad one leaves no directory behind.
            let content = try read(options.file)
            let lock = try lockedDirectory(options.directory)
            let id = MemberID(SystemRandom.uint128())
            let made = try make(content, id, options)
            withExtendedLifetime(lock) { report(made, id, options) }
            return .success
        } catch {
            StandardStream.error.write("concordd restore: \(error.sentence)\n")
            return error.exit
        }
    }

    // MARK: The backup

    private static func read(_ path: String) throws(Failure) -> BackupContent {
        let file = try reading { () throws(SystemError) in try Descriptor.reading(path) }
        var reader = BackupReader(.state)
        var fault: BackupFault?
        while fault == nil {
            let bytes = try reading { () throws(SystemError) in try file.read(count: readBytes) }
            if bytes.isEmpty { break }
            do throws(BackupFault) { try reader.take(bytes) } catch { fault = error }
        }
        do throws(BackupFault) {
            if let fault { throw fault }
            return try (consume reader).finish()
        } catch {
            throw Failure(exit: .damaged, sentence: "\(path) \(error). Nothing was made")
        }
    }

    private static let readBytes = 1 << 20

    private static func reading<Value: ~Copyable>(
        _ body: () throws(SystemError) -> Value
    ) throws(Failure) -> Value {
        do throws(SystemError) {
            return try body()
        } catch {
            throw Failure(exit: .configuration, sentence: "the backup cannot be read: \(error)")
        }
    }

    // MARK: The directory

    private static func lockedDirectory(_ path: String) throws(Failure) -> DirectoryLock {
        let (lock, isOurs): (DirectoryLock, Bool)
        do throws(SystemError) {
            for changed in try Directory.create(path) { try Directory(changed).synchronize() }
            let directory = try Directory(path)
            let names = try directory.list().filter { !UnfinishedRestore.apart.contains($0) }
            let isUnfinished = UnfinishedRestore.isLeft(names)
            if let name = names.first, !isUnfinished {
                throw SystemError(operation: "restore to \(path)", text: "it is not empty: it holds \(name)")
            }
            lock = DirectoryLock(file: try directory.open(DirectoryLock.name, creating: true))
            isOurs = try lock.file.lock()
            if isOurs, let name = names.first {
                throw SystemError(
                    operation: "restore to \(path)",
                    text: "a restore was interrupted here and has left \(name), or a member has lost its record: if it "
                        + "was a restore, remove the directory and restore again")
            }
        } catch {
            throw Failure(exit: .configuration, sentence: "\(error). Choose an empty or missing directory with --data")
        }
        guard isOurs else { throw Failure(exit: .inUse, sentence: "the directory \(path) is in use") }
        return lock
    }

    private static func make(
        _ content: consuming BackupContent, _ id: MemberID, _ options: Options
    ) throws(Failure) -> BackupSummary {
        let restoration = Restoration(
            member: id, name: options.name, peerAddress: options.peerAddress, revisionRaise: options.revisionRaise,
            epochRaise: options.epochRaise)
        let disk: FileDisk
        do throws(DiskError) {
            disk = try FileDisk(path: options.directory)
        } catch {
            throw Failure(exit: .storageFailed, sentence: "\(error)")
        }
        do throws(RestorationError) {
            return try restoration.make(content, on: disk, apart: UnfinishedRestore.apart)
        } catch {
            // Whatever somebody else has put there since it was found empty is not ours to take away.
            if case .notEmpty = error { throw Failure(exit: .configuration, sentence: "\(error)") }
            let left = clear(options.directory)
            let exit: ServerExit = if case .storage = error { .storageFailed } else { .configuration }
            throw Failure(exit: exit, sentence: "\(error)\(left)")
        }
    }

    /// Takes away what was made: the directory was empty.
    /// - Returns: what to say of it when that fails, too. No member starts from it in any case.
    private static func clear(_ path: String) -> String {
        do throws(SystemError) {
            let directory = try Directory(path)
            // The member record first: without it the rest is nobody's.
            let names = try directory.list()
            let ours = names.filter { $0 == DirectoryLock.name || !UnfinishedRestore.apart.contains($0) }
            for name in ours.sorted(by: { $0 == "member" && $1 != "member" }) { try directory.remove(name) }
            try directory.synchronize()
            return ". Nothing is left in \(path)"
        } catch {
            return ". What was made in \(path) could not be taken away (\(error)): remove it"
        }
    }

    private static func report(_ made: BackupSummary, _ id: MemberID, _ options: Options) {
        let lines = [
            "restored \(made.state?.nodes ?? 0) nodes into \(options.directory)",
            "cluster   \(made.cluster)",
            "member    \(id) \(options.name) \(options.peerAddress)",
            "revision  \(made.state?.revision ?? 0)",
            "epoch     \(made.state?.epoch ?? 0)",
            "Start it with: concordd serve \(options.start.joined(separator: " "))",
            "Then let others join, each with its own addresses: concordd serve --name NAME --data EMPTY --join "
                + options.clientURL,
        ]
        StandardStream.output.write(lines.joined(separator: "\n") + "\n")
    }
}
