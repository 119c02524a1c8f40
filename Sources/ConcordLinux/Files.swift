internal import CConcordLinux

/// An open directory: its files are named relative to it, whatever becomes of its path.
package struct Directory: ~Copyable, Sendable {
    package let path: String
    private let descriptor: Descriptor

    package init(_ path: String) throws(SystemError) {
        self.path = path
        // Safe here and below: a string lives as long as the call that it is passed to.
        let result = unsafe concord_open_directory(path)
        descriptor = Descriptor(owning: try checked(result, "open the directory \(path)"))
    }

    /// Makes the directory, and those above it that are missing, for this user only.
    /// - Returns: the directories in which a new name was made, outermost first: to be synchronised.
    package static func create(_ path: String) throws(SystemError) -> [String] {
        var changed: [String] = []
        var missing: [String] = []
        var current = Substring(path)
        while true {
            let result = unsafe concord_make_directory(String(current))
            if result >= 0 {
                changed.append(parent(of: current))
                break
            }
            let error = SystemError(code: -result, operation: "make the directory \(current)")
            if error.isExisting { break }
            guard error.isNotFound, parent(of: current) != String(current) else { throw error }
            missing.append(String(current))
            current = Substring(parent(of: current))
        }
        for path in missing.reversed() {
            let result = unsafe concord_make_directory(path)
            if result < 0 { throw SystemError(code: -result, operation: "make the directory \(path)") }
            changed.append(parent(of: Substring(path)))
        }
        return changed
    }

    private static func parent(of path: Substring) -> String {
        func trimmed(_ path: Substring) -> Substring {
            var path = path
            while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
            return path
        }
        let path = trimmed(path)
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return String(trimmed(path[...slash]))
    }

    package func open(_ name: String, creating: Bool) throws(SystemError) -> File {
        let result = unsafe concord_open_at(descriptor.number, name, creating ? 1 : 0)
        return File(Descriptor(owning: try checked(result, "open \(path)/\(name)")), name: name)
    }

    /// Opens a file that may be read and not written.
    package func openReading(_ name: String) throws(SystemError) -> File {
        let result = unsafe concord_open_reading_at(descriptor.number, name)
        return File(Descriptor(owning: try checked(result, "open \(path)/\(name)")), name: name)
    }

    /// Replaces `newName` if there is one.
    package func rename(_ name: String, to newName: String) throws(SystemError) {
        let result = unsafe concord_rename_at(descriptor.number, name, newName)
        _ = try checked(result, "rename \(path)/\(name) to \(newName)")
    }

    package func remove(_ name: String) throws(SystemError) {
        _ = try checked(unsafe concord_unlink_at(descriptor.number, name), "remove \(path)/\(name)")
    }

    /// The names in the directory, sorted.
    package func list() throws(SystemError) -> [String] {
        var names: UnsafeMutablePointer<CChar>?
        // Safe: `names` outlives the call.
        let count = try checked(unsafe concord_list(descriptor.number, &names), "list \(path)")
        defer {
            // Safe: the shim allocated it and nobody else frees it.
            unsafe concord_free(names)
        }
        var bytes: [UInt8] = []
        for index in 0..<count {
            // Safe: the shim wrote `count` bytes.
            if let names = unsafe names { unsafe bytes.append(UInt8(bitPattern: names[index])) }
        }
        return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.sorted()
    }

    /// Makes created, renamed and removed names durable.
    package func synchronize() throws(SystemError) {
        _ = try checked(concord_fsync(descriptor.number), "synchronise the directory \(path)")
    }
}

/// An open file, read and written at positions.
package struct File: ~Copyable, Sendable {
    package let name: String
    private let descriptor: Descriptor

    init(_ descriptor: consuming Descriptor, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    package func size() throws(SystemError) -> Int {
        try checked(concord_size(descriptor.number), "ask for the size of \(name)")
    }

    /// At most `count` bytes from `offset`; fewer only where the file ends.
    package func read(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        precondition(offset >= 0 && count >= 0, "a file was to be read before its start")
        var bytes = [UInt8](repeating: 0, count: count)
        // Safe: the buffer outlives the call and the kernel writes at most its count.
        let result = unsafe bytes.withUnsafeMutableBytes {
            unsafe concord_pread(descriptor.number, $0.baseAddress, $0.count, Int64(offset))
        }
        let got = try checked(result, "read \(name)")
        if got < count { bytes.removeSubrange(got...) }
        return bytes
    }

    /// All of `bytes` at `offset`.
    package func write(_ bytes: [UInt8], at offset: Int) throws(SystemError) {
        precondition(offset >= 0, "a file was to be written before its start")
        // Safe: the buffer outlives the call and its count goes with it.
        let result = unsafe bytes.withUnsafeBytes {
            unsafe concord_pwrite_all(descriptor.number, $0.baseAddress, $0.count, Int64(offset))
        }
        _ = try checked(result, "write \(name)")
    }

    /// Makes the bytes durable, and the size as far as reading them back needs it. Whether anything is durable
    /// after an error is unknown: it must not be tried again.
    package func synchronizeData() throws(SystemError) {
        _ = try checked(concord_fdatasync(descriptor.number), "synchronise \(name)")
    }

    package func synchronize() throws(SystemError) {
        _ = try checked(concord_fsync(descriptor.number), "synchronise \(name)")
    }

    /// Lets the kernel forget the file's clean pages, so that the next read asks the medium.
    package func dropCachedPages() {
        concord_drop_pages(descriptor.number)
    }

    /// Reserves space, and lets the file grow to it.
    package func allocate(at offset: Int, count: Int) throws(SystemError) {
        _ = try checked(
            concord_fallocate(descriptor.number, Int64(offset), Int64(count)), "reserve space for \(name)")
    }

    package func truncate(to size: Int) throws(SystemError) {
        _ = try checked(concord_truncate(descriptor.number, Int64(size)), "set the size of \(name)")
    }

    /// Locks the file as long as it is open, against every other process.
    /// - Returns: false when another has it.
    package func lock() throws(SystemError) -> Bool {
        do {
            _ = try checked(concord_lock(descriptor.number), "lock \(name)")
            return true
        } catch {
            guard error.isLocked else { throw error }
            return false
        }
    }
}
