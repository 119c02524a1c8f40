import ConcordLinux
import Foundation
import Synchronization

/// Gives every member a file system of its own that really fails, for root only:
///
/// - `full`: a tmpfs; filling it leaves no byte.
/// - `fsync`: ext4 in a file with holes on a tmpfs. When the tmpfs is full, blocks that were never written cannot be
///   stored: the write is taken, and its fsync says EIO, once (the honest fsyncgate; Rebello et al., USENIX ATC 2020).
/// - `hang`: ext4 in a file, frozen (FIFREEZE): whoever writes there waits in the kernel until it is thawed.
final class FaultyDisks: Sendable {
    enum Fault: String, Sendable, CaseIterable {
        case full
        case fsync
        case hang
    }

    private static let bytes = "512m"
    private static let fillerBytes = 1 << 20

    private struct State {
        /// In the order in which they were mounted.
        var mounted: [String] = []
        var filled: [Int: String] = [:]
        var frozen: Set<Int> = []
        var directories: [String] = []
    }

    private let fault: Fault
    private let state = Mutex(State())

    init(_ fault: Fault) {
        self.fault = fault
    }

    func attach(to directories: [String]) throws {
        guard getuid() == 0 else {
            throw TestCluster.Failure(
                description: "a disk that fails is a file system of its own, which only root mounts")
        }
        state.withLock { $0.directories = directories }
        for directory in directories {
            switch fault {
            case .full: try mountMemory(directory)
            case .fsync:
                try FileManager.default.createDirectory(
                    atPath: backing(directory), withIntermediateDirectories: true)
                try mountMemory(backing(directory))
                try makeImage("\(backing(directory))/image")
                try mount(["-o", "loop,nodiscard", "\(backing(directory))/image", directory], at: directory)
            case .hang:
                try makeImage("\(directory).image")
                try mount(["-o", "loop", "\(directory).image", directory], at: directory)
            }
        }
    }

    /// From now on the disk of one member fails.
    func begin(_ member: Int) throws {
        let directory = state.withLock { $0.directories[member] }
        switch fault {
        case .full: try fill(member, directory)
        case .fsync: try fill(member, backing(directory))
        case .hang:
            state.withLock { _ = $0.frozen.insert(member) }
            try ProgramRun.run("fsfreeze", ["-f", directory])
        }
    }

    /// The disk works again. Of `fsync`, no process may have a file open there: what the file system still takes for
    /// written is forgotten with it.
    func end(_ member: Int) throws {
        let directory = state.withLock { $0.directories[member] }
        switch fault {
        case .full: try empty(member)
        case .fsync:
            try ProgramRun.run("umount", [directory])
            try empty(member)
            try ProgramRun.run("mount", ["-o", "loop,nodiscard", "\(backing(directory))/image", directory])
        case .hang: try thaw(member, directory)
        }
    }

    /// Gives everything back; errors are shown and not thrown, for this is the end.
    func detach() {
        let (frozen, directories) = state.withLock { ($0.frozen.sorted(), $0.directories) }
        for member in frozen { attempt { try self.thaw(member, directories[member]) } }
        for directory in state.withLock({ $0.mounted.reversed() }) {
            attempt { try ProgramRun.run("umount", [directory]) }
        }
        state.withLock { $0.mounted = [] }
    }

    private func attempt(_ body: () throws -> Void) {
        do {
            try body()
        } catch {
            StandardDescriptor.error.writeAll([UInt8]("\(error)\n".utf8))
        }
    }

    private func backing(_ directory: String) -> String { "\(directory).backing" }

    private func mountMemory(_ directory: String) throws {
        try mount(["-t", "tmpfs", "-o", "size=\(FaultyDisks.bytes)", "tmpfs", directory], at: directory)
    }

    private func mount(_ arguments: [String], at directory: String) throws {
        try ProgramRun.run("mount", arguments)
        state.withLock { $0.mounted.append(directory) }
    }

    /// With holes: of a file twice as large as the tmpfs under it, of `fsync`.
    private func makeImage(_ path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil) else {
            throw TestCluster.Failure(description: "\(path) cannot be made")
        }
        try FileHandle(forWritingTo: URL(fileURLWithPath: path)).truncate(atOffset: 1 << 30)
        try ProgramRun.run("mkfs.ext4", ["-q", "-F", "-E", "nodiscard,lazy_itable_init=0", path])
    }

    private func fill(_ member: Int, _ directory: String) throws {
        let path = "\(directory)/filler"
        state.withLock { $0.filled[member] = path }
        let filler = try Directory(directory).open("filler", creating: true)
        var (offset, count) = (0, FaultyDisks.fillerBytes)
        while count > 0 {
            do throws(SystemError) {
                try filler.write([UInt8](repeating: 0x46, count: count), at: offset)
                offset += count
            } catch {
                guard error.isFull else { throw error }
                offset = try filler.size()
                count = count > 4096 ? 4096 : 0
            }
        }
    }

    private func empty(_ member: Int) throws {
        guard let path = state.withLock({ $0.filled.removeValue(forKey: member) }) else { return }
        try FileManager.default.removeItem(atPath: path)
    }

    private func thaw(_ member: Int, _ directory: String) throws {
        guard state.withLock({ $0.frozen.remove(member) }) != nil else { return }
        try ProgramRun.run("fsfreeze", ["-u", directory])
    }
}
