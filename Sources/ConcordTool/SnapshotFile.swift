import ConcordBackup
import ConcordClient
import ConcordCommandLine
import Synchronization

/// A snapshot's file while it is being saved: under a name of its own until every byte of it was verified and is durable.
final class SnapshotFile: Sendable {
    struct Failure: Error {
        var sentence: String
    }

    private struct State {
        var reader = BackupReader(.checksums)
        var failure: Failure?
        var line: ProgressLine
        var bytes: UInt64 = 0
    }

    /// Bytes that are read from a file at once.
    static let readBytes = 1 << 20

    private let name: String
    private let isReplacing: Bool
    private let file: NewFile
    private let state: Mutex<State>

    /// What stands in the way of a file of this name; `nil` for nothing. A link is not followed: what is saved has the
    /// rights of a new file, and the name that it leads to may be somebody else's to decide.
    static func objection(to name: String, replacing: Bool) -> String? {
        switch NewFile.kind(of: name) {
        case nil: nil
        case .directory: "\(Tool.shown(name)) is a directory"
        case .link: "\(Tool.shown(name)) is a symbolic link; name the file that it leads to, or another one"
        case .other: "\(Tool.shown(name)) is no regular file; choose another name"
        case .regular:
            replacing ? nil : "\(Tool.shown(name)) exists already; choose another name, or replace it with --force"
        }
    }

    /// Makes a file beside `name`. Only this user may read it: it holds every value of the cluster.
    init(_ name: String, replacing: Bool, showsProgress: Bool) throws(Failure) {
        self.name = name
        isReplacing = replacing
        do throws(NewFile.Failure) {
            file = try NewFile(for: name)
        } catch {
            throw Failure(
                sentence: "a file beside \(Tool.shown(name)) cannot be made (\(error)): does its directory exist, and "
                    + "may you write there?")
        }
        state = Mutex(State(line: ProgressLine(isShown: showsProgress)))
    }

    /// Verifies and writes what has arrived.
    /// - Returns: false when the rest is of no use.
    func take(_ part: SnapshotPart) -> Bool {
        state.withLock { state in
            do {
                switch part {
                case .begins:
                    try file.empty()
                    (state.reader, state.bytes) = (BackupReader(.checksums), 0)
                case .bytes(let bytes):
                    try state.reader.take(bytes)
                    try file.append(bytes)
                    state.bytes += UInt64(bytes.count)
                    let count = state.bytes
                    state.line.show("saved \(count >> 20) MiB")
                }
                return true
            } catch let fault as BackupFault {
                state.failure = Failure(sentence: "what the member sent \(fault)")
            } catch {
                state.failure = Failure(sentence: "\(Tool.shown(file.part)) cannot be written: \(error)")
            }
            return false
        }
    }

    /// Makes the file durable and gives it its name.
    /// - Throws: when it is not whole, the disk refuses, or the name was given to another file meanwhile; `discard` it then.
    func finish() throws(Failure) -> BackupSummary {
        try state.withLock { state throws(Failure) in
            state.line.clear()
            if let failure = state.failure { throw failure }
            let summary: BackupSummary
            do throws(BackupFault) {
                summary = try state.reader.finish().summary()
            } catch {
                throw Failure(sentence: "what the member sent \(error)")
            }
            if let sentence = SnapshotFile.objection(to: name, replacing: isReplacing) {
                throw Failure(sentence: sentence)
            }
            do throws(NewFile.Failure) {
                try file.place(replacing: isReplacing)
            } catch {
                throw Failure(sentence: "\(Tool.shown(name)) cannot be written: \(error)")
            }
            return summary
        }
    }

    /// Takes away what was written.
    /// - Returns: why this file was given up, if that was for its own sake.
    func discard() -> Failure? {
        state.withLock { state in
            state.line.clear()
            file.discard()
            return state.failure
        }
    }
}
