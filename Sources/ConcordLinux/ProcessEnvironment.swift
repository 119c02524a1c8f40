internal import CConcordLinux
internal import Glibc

/// What a program knows of itself from the start.
package enum ProcessEnvironment {
    /// `NAME=value` each, as they were when the program started and were not changed since.
    package static var entries: [String] {
        var entries: [String] = []
        // Safe: this program never changes its environment, so the array and its strings stay.
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            unsafe entries.append(String(cString: entry))
            unsafe next = next.advanced(by: 1)
        }
        return entries
    }

    /// The variables whose names begin with `prefix`, with their whole names.
    package static func variables(prefix: String) -> [(name: String, value: String)] {
        entries.filter { $0.hasPrefix(prefix) }.compactMap { entry in
            guard let equals = entry.firstIndex(of: "=") else { return nil }
            return (String(entry[..<equals]), String(entry[entry.index(after: equals)...]))
        }
    }

    /// The file of the running program.
    package static var executablePath: String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let capacity = buffer.count
        // Safe: the buffer outlives the call and its capacity goes with it.
        let count = unsafe buffer.withUnsafeMutableBytes { pointer in
            guard let base = unsafe pointer.bindMemory(to: CChar.self).baseAddress else { return 0 }
            return unsafe readlink("/proc/self/exe", base, capacity)
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : "/proc/self/exe"
    }

    package static var processIdentifier: Int32 { getpid() }

    /// Raises the number of files and connections that may be open at once as far as the system allows.
    /// - Returns: that number.
    package static func raiseDescriptorLimit() -> Int {
        Int(max(0, concord_raise_descriptor_limit()))
    }

    /// Memory of this process that is in use, in bytes; 0 when the system does not tell.
    package static var residentBytes: Int { Int(max(0, concord_resident_bytes())) }

    /// Ends the program at once: no cleaning up, nothing is flushed.
    package static func exitNow(code: Int32) -> Never {
        concord_exit_now(code)
        // The call above does not return; the compiler cannot know.
        while true {}
    }
}
