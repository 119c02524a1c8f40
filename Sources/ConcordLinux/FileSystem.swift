internal import CConcordLinux

/// What concerns a whole file system.
package enum FileSystem {
    /// Cuts the file system of `path` off its disk, as a power failure would: what was not synchronised is lost, the
    /// journal is not written, and everything fails until it is mounted again. For tests, by root.
    package static func shutDown(_ path: String) throws(SystemError) {
        // Safe: the string lives as long as the call.
        _ = try checked(unsafe concord_shut_down_file_system(path), "shut down the file system of \(path)")
    }
}
