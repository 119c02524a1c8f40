import ConcordLinux
import Foundation
import Synchronization

/// Gives every member a disk of its own whose power can be cut: an ext4 file system in a file. Cutting it throws away
/// all that was written and not yet synchronised, the file system's own journal too (FS_IOC_SHUTDOWN without a flush
/// of the log). For root only.
final class PowerCut: Sendable {
    private static let diskBytes: UInt64 = 1 << 30

    private struct Disk {
        let image: String
        let mountPoint: String
        var isMounted = false
    }

    private let disks = Mutex<[Disk]>([])

    /// Makes a file system for each directory and mounts it there.
    func attach(to directories: [String]) throws {
        guard getuid() == 0 else {
            throw TestCluster.Failure(description: "--power-cut mounts file systems, which only root may do")
        }
        for directory in directories {
            let image = "\(directory).image"
            guard FileManager.default.createFile(atPath: image, contents: nil) else {
                throw TestCluster.Failure(description: "\(image) cannot be made")
            }
            try FileHandle(forWritingTo: URL(fileURLWithPath: image)).truncate(atOffset: PowerCut.diskBytes)
            try ProgramRun.run("mkfs.ext4", ["-q", "-F", image])
            disks.withLock { $0.append(Disk(image: image, mountPoint: directory)) }
        }
        try mount()
    }

    /// The power fails, and comes back: no process may have a file open there.
    func cut() throws {
        let mounted = disks.withLock { $0.filter(\.isMounted) }
        for disk in mounted { try FileSystem.shutDown(disk.mountPoint) }
        try unmount()
        try mount()
    }

    /// Unmounts everything; errors are shown and not thrown, for this is the end.
    func detach() {
        do {
            try unmount()
        } catch {
            StandardDescriptor.error.writeAll([UInt8]("\(error)\n".utf8))
        }
    }

    private func mount() throws {
        try disks.withLock { disks in
            for index in disks.indices where !disks[index].isMounted {
                try ProgramRun.run("mount", ["-o", "loop", disks[index].image, disks[index].mountPoint])
                disks[index].isMounted = true
            }
        }
    }

    private func unmount() throws {
        try disks.withLock { disks in
            for index in disks.indices where disks[index].isMounted {
                try ProgramRun.run("umount", [disks[index].mountPoint])
                disks[index].isMounted = false
            }
        }
    }
}
