internal import ConcordAPI
internal import ConcordBackup
internal import ConcordCommandLine
internal import ConcordLinux
internal import ConcordRaft
internal import ConcordStorage

/// `concordd verify`: what a stopped member's directory holds, and whether all of it is whole.
enum VerifyCommand {
    struct Options: Sendable {
        var directory: String
        var isJSON: Bool
        var dumpsLog: Bool
    }

    static func run(_ options: Options) -> ServerExit {
        SignalSource.ignoreBrokenPipes()
        let lock: DirectoryLock?
        switch lockForReading(options.directory) {
        case .success(let taken): lock = taken
        case .failure(let failure):
            StandardStream.error.write("concordd verify: \(failure.sentence)\n")
            return failure.exit
        }
        return withExtendedLifetime(lock) { check(options) }
    }

    private struct Failure: Error {
        var exit: ServerExit
        var sentence: String
    }

    /// Keeps members away while the directory is read. The lock's file is not made where it is missing: no member has
    /// run there then.
    private static func lockForReading(_ path: String) -> Result<DirectoryLock?, Failure> {
        do throws(SystemError) {
            let directory = try Directory(path)
            guard try directory.list().contains(DirectoryLock.name) else { return .success(nil) }
            let lock = DirectoryLock(file: try directory.openReading(DirectoryLock.name))
            guard try lock.file.lock() else {
                return .failure(
                    Failure(
                        exit: .inUse,
                        sentence: "the directory \(path) is in use: stop the member that runs on it first"))
            }
            return .success(lock)
        } catch {
            return .failure(Failure(exit: .configuration, sentence: "\(error)"))
        }
    }

    private static func check(_ options: Options) -> ServerExit {
        do throws(StorageError) {
            let disk: ReadOnlyDisk
            do throws(DiskError) { disk = try ReadOnlyDisk(path: options.directory) } catch { throw .disk(error) }
            let check = try DirectoryCheck(disk)
            if options.dumpsLog { LogDump.print(check) }
            report(check, options)
            return check.isDamaged ? .damaged : .success
        } catch {
            StandardStream.error.write("concordd verify: \(error)\n")
            return .configuration
        }
    }

    // MARK: The report

    private static func report(_ check: DirectoryCheck, _ options: Options) {
        let text =
            options.isJSON
            ? String(decoding: JSONDocument.encode(VerifyDocument(check, options.directory)), as: UTF8.self) + "\n"
            : lines(check, options.directory).joined(separator: "\n") + "\n"
        (options.dumpsLog ? StandardStream.error : StandardStream.output).write(text)
    }

    private static func lines(_ check: DirectoryCheck, _ directory: String) -> [String] {
        let document = VerifyDocument(check, directory)
        var rows: [(String, String)] = []
        if let member = document.member {
            rows.append(("member", "\(member.id) \(member.name), boot \(member.boot)"))
            rows.append(("cluster", member.clusterID ?? "none yet"))
        }
        if let vote = document.vote {
            rows.append(("term", "\(vote.term), " + (vote.votedFor.map { "vote for \($0)" } ?? "no vote")))
        }
        for snapshot in document.snapshots {
            rows.append(("snapshot", "\(snapshot.file), \(snapshot.bytes) bytes"))
        }
        if let log = document.log {
            rows.append(("log", "\(log.entries) entries, \(log.firstIndex) to \(log.lastIndex)"))
        }
        if let state = document.committed { rows.append(("at snapshot", line(state))) }
        if let state = document.end { rows.append(("at log's end", line(state))) }
        var lines = rows.map { $0.0 + String(repeating: " ", count: 14 - $0.0.count) + $0.1 }
        for finding in document.findings {
            let word = finding.severity == "damage" ? "DAMAGED" : "remark "
            lines.append("\(word)       \(finding.file) at offset \(finding.offset): \(finding.what)")
        }
        lines.append(check.isDamaged ? "damaged" : "whole")
        return lines
    }

    private static func line(_ state: VerifyDocument.State) -> String {
        "index \(state.index), revision \(state.revision), epoch \(state.epoch), \(state.nodes) nodes, "
            + "state hash \(state.stateHash)"
    }
}
