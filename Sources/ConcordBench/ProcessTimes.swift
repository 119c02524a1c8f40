import Foundation

/// What the kernel tells of other processes (proc(5)).
package enum ProcessTimes {
    /// The processor time of a process in microseconds, to 10 ms; `nil` when there is no such process.
    package static func microseconds(of process: Int32) -> Int? {
        parse(text("/proc/\(process)/stat")).map { ($0.user + $0.system) * 10_000 }
    }

    /// The memory of a process that is in RAM, in bytes.
    package static func residentBytes(of process: Int32) -> Int? {
        text("/proc/\(process)/statm").split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 4096 }
    }

    /// The most that it ever was, in bytes.
    package static func peakResidentBytes(of process: Int32) -> Int? {
        peakBytes(status: text("/proc/\(process)/status"))
    }

    /// From the text of `/proc/PID/status`, which has kibibytes.
    package static func peakBytes(status: String) -> Int? {
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let words = line?.split { $0 == " " || $0 == "\t" } ?? []
        return words.count == 3 && words[2] == "kB" ? Int(words[1]).map { $0 << 10 } : nil
    }

    /// Whether all its threads stand still.
    static func isStopped(_ process: Int32) -> Bool {
        parse(text("/proc/\(process)/stat"))?.state == "T"
    }

    /// The line of `/proc/PID/stat`. The name stands in parentheses and may hold anything, parentheses too.
    package static func parse(_ line: String) -> (state: String, user: Int, system: Int)? {
        guard let end = line.lastIndex(of: ")") else { return nil }
        let fields = line[line.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else { return nil }
        return (String(fields[0]), user, system)
    }

    /// The process that listens on a port of this machine; `nil` when it is not found or not ours to see.
    static func listening(on port: UInt16) -> Int32? {
        let inodes = ["/proc/net/tcp", "/proc/net/tcp6"].compactMap { inode(listeningOn: port, in: text($0)) }
        guard !inodes.isEmpty else { return nil }
        let files = FileManager.default
        for name in (try? files.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let process = Int32(name) else { continue }
            let directory = "/proc/\(name)/fd"
            for descriptor in (try? files.contentsOfDirectory(atPath: directory)) ?? [] {
                let target = try? files.destinationOfSymbolicLink(atPath: "\(directory)/\(descriptor)")
                if let target, inodes.contains(where: { target == "socket:[\($0)]" }) { return process }
            }
        }
        return nil
    }

    /// From the table of sockets: the one in state LISTEN (0A) on the port.
    package static func inode(listeningOn port: UInt16, in table: String) -> String? {
        for line in table.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == "0A", let colon = fields[1].lastIndex(of: ":"),
                UInt16(fields[1][fields[1].index(after: colon)...], radix: 16) == port
            else { continue }
            return String(fields[9])
        }
        return nil
    }

    private static func text(_ path: String) -> String {
        guard let handle = FileHandle(forReadingAtPath: path) else { return "" }
        return String(decoding: handle.readDataToEndOfFile(), as: UTF8.self)
    }
}
