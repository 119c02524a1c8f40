#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file on its way to a name: written beside it under a name of its own, which no two ever share, and given the name in
/// one step once it is whole. Whoever looks at the name sees what was there before, or all of the new file; where a file
/// system has no hard links and the name was free, for a moment an empty file, which a crash at that moment leaves there.
package struct NewFile: Sendable {
    /// What the system refused, in its words.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String

        fileprivate init(_ code: Int32) {
            // Safe: the C library's text lives until the next call of this thread, and is copied here.
            description = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        }
    }

    /// What stands under a name; a link is not followed.
    package enum Kind: Sendable {
        case regular
        case directory
        case link
        case other
    }

    /// Where it is until it has its name.
    package let part: String
    private let name: String
    private let descriptor: Int32

    /// Makes the file beside `name`. Only this user may read it.
    package init(for name: String) throws(Failure) {
        self.name = name
        var random = SystemRandomNumberGenerator()
        let number: UInt64 = random.next()
        part = "\(name).\(String(number, radix: 16)).part"
        // Safe here and below: a string lives as long as the call that it is passed to.
        descriptor = unsafe open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(errno) }
    }

    /// - Returns: `nil` for nothing, or for what cannot be looked at.
    package static func kind(of name: String) -> Kind? {
        var facts = stat()
        guard unsafe lstat(name, &facts) == 0 else { return nil }
        switch facts.st_mode & S_IFMT {
        case S_IFREG: return .regular
        case S_IFDIR: return .directory
        case S_IFLNK: return .link
        default: return .other
        }
    }

    package func append(_ bytes: [UInt8]) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // Safe: the pointer and count are those of the slice, which outlives the call.
            let written = unsafe rest.withUnsafeBytes { unsafe systemWrite(descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                rest = rest.dropFirst(written)
            } else if errno != EINTR {
                throw Failure(errno)
            }
        }
    }

    /// Throws away what was written.
    package func empty() throws(Failure) {
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else { throw Failure(errno) }
    }

    /// Makes the file durable, and then its name, and closes it.
    /// - Parameter replacing: takes the place of what has the name; otherwise it must be free, and is refused even to one
    ///   of two that come at the same moment.
    /// - Throws: what the system refused; `discard` it then.
    package func place(replacing: Bool) throws(Failure) {
        try check(fsync(descriptor))
        if replacing {
            try check(unsafe rename(part, name))
        } else {
            try takeFreeName()
        }
        try synchronizeDirectory()
        _ = systemClose(descriptor)
    }

    /// rename(2) would replace; a hard link does not. A file system without links (FAT, some network ones) gets an empty
    /// file first, which only one can make.
    private func takeFreeName() throws(Failure) {
        if unsafe link(part, name) == 0 { return try check(unsafe unlink(part)) }
        guard [EPERM, ENOTSUP, EOPNOTSUPP, ENOSYS].contains(errno) else { throw Failure(errno) }
        let place = unsafe open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard place >= 0 else { throw Failure(errno) }
        _ = systemClose(place)
        do throws(Failure) {
            try check(unsafe rename(part, name))
        } catch {
            _ = unsafe unlink(name)
            throw error
        }
    }

    /// Takes it away, if it did not get its name.
    package func discard() {
        _ = systemClose(descriptor)
        _ = unsafe unlink(part)
    }

    /// A name is durable once its directory is.
    private func synchronizeDirectory() throws(Failure) {
        let parent = name.lastIndex(of: "/").map { String(name[...$0]) } ?? "."
        let directory = unsafe open(parent, O_RDONLY | O_CLOEXEC)
        guard directory >= 0 else { throw Failure(errno) }
        defer { _ = systemClose(directory) }
        try check(fsync(directory))
    }

    private func check(_ result: Int32) throws(Failure) {
        guard result == 0 else { throw Failure(errno) }
    }
}

private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
