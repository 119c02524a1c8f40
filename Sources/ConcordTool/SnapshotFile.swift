import ConcordBackup
import ConcordClient
import ConcordCommandLine
import Foundation
import Synchronization

/// A snapshot's file while it is being saved: under a name of its own until every byte of it was verified and is durable.
final class SnapshotFile: Sendable {
    struct Failure: Error {
        var sentence: String
    }

    private struct State {
        var handle: FileHandle
        var reader = BackupReader(.checksums)
        var bytes: UInt64 = 0
        var failure: Failure?
        var line: ProgressLine
    }

    /// Bytes that are read from a file at once.
    static let readBytes = 1 << 20

    private let name: String
    private let part: String
    private let state: Mutex<State>

    /// What stands in the way of a file of this name; `nil` for nothing.
    static func objection(to name: String, replacing: Bool) -> String? {
        guard FileManager.default.fileExists(atPath: name) else { return nil }
        let type = (try? FileManager.default.attributesOfItem(atPath: name))?[.type] as? FileAttributeType
        if type == .typeDirectory { return "\(Tool.shown(name)) is a directory" }
        return replacing ? nil : "\(Tool.shown(name)) exists already; choose another name, or replace it with --force"
    }

    /// Opens `name.part`. Only this user may read it: it holds every value of the cluster.
    init(_ name: String, showsProgress: Bool) throws(Failure) {
        self.name = name
        part = name + ".part"
        let isMade = FileManager.default.createFile(
            atPath: part, contents: nil, attributes: [.posixPermissions: NSNumber(value: 0o600)])
        guard isMade, let handle = FileHandle(forWritingAtPath: part) else {
            throw Failure(
                sentence: "\(Tool.shown(part)) cannot be made: does its directory exist, and may you write there?")
        }
        state = Mutex(State(handle: handle, line: ProgressLine(isShown: showsProgress)))
    }

    /// Verifies and writes what has arrived.
    /// - Returns: false when the rest is of no use.
    func take(_ part: SnapshotPart) -> Bool {
        state.withLock { state in
            do {
                switch part {
                case .begins:
                    try state.handle.truncate(atOffset: 0)
                    (state.reader, state.bytes) = (BackupReader(.checksums), 0)
                case .bytes(let bytes):
                    try state.reader.take(bytes)
                    try state.handle.write(contentsOf: Data(bytes))
                    state.bytes += UInt64(bytes.count)
                    let count = state.bytes
                    state.line.show("saved \(count >> 20) MiB")
                }
                return true
            } catch let fault as BackupFault {
                state.failure = Failure(sentence: "what the member sent \(fault)")
            } catch {
                state.failure = Failure(sentence: "\(Tool.shown(self.part)) cannot be written: \(Tool.reason(error))")
            }
            return false
        }
    }

    /// Makes the file durable and gives it its name.
    /// - Throws: when it is not whole, or the disk refuses; `discard` it then.
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
            do {
                try state.handle.synchronize()
                try state.handle.close()
                try rename()
            } catch {
                throw Failure(sentence: "\(Tool.shown(name)) cannot be written: \(Tool.reason(error))")
            }
            return summary
        }
    }

    /// The file that was there is set aside until the new one has its name: at every moment one of them is there, whole.
    /// `FileManager.replaceItemAt` is not to be used for it: on Linux it may take the old file away and then fail.
    private func rename() throws {
        let files = FileManager.default
        let aside = part + ".old"
        if files.fileExists(atPath: name) {
            if files.fileExists(atPath: aside) { try files.removeItem(atPath: aside) }
            try files.moveItem(atPath: name, toPath: aside)
            do {
                try files.moveItem(atPath: part, toPath: name)
            } catch {
                try? files.moveItem(atPath: aside, toPath: name)
                throw error
            }
        } else {
            try files.moveItem(atPath: part, toPath: name)
        }
        // The name is durable once its directory is.
        let directory = URL(fileURLWithPath: name).deletingLastPathComponent().path
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: directory))
        try handle.synchronize()
        try handle.close()
        if files.fileExists(atPath: aside) { try files.removeItem(atPath: aside) }
    }

    /// Takes away what was written.
    /// - Returns: why this file was given up, if that was for its own sake.
    func discard() -> Failure? {
        state.withLock { state in
            state.line.clear()
            try? state.handle.close()
            try? FileManager.default.removeItem(atPath: part)
            return state.failure
        }
    }
}
