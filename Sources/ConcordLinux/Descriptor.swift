internal import CConcordLinux

/// A number that the kernel gave for something open. It is closed when its one owner goes away.
package struct Descriptor: ~Copyable, Sendable {
    package let number: Int32

    /// Takes over `number`; nobody else may close it.
    package init(owning number: Int32) {
        precondition(number >= 0, "a descriptor that is not open was taken over")
        self.number = number
    }

    deinit {
        // What `close` answers is of no use here: the number is free again even after an error.
        _ = concord_close(number)
    }

    /// Waits until bytes can be read, or the other side closed.
    /// - Returns: false when the time is over.
    package borrowing func waitReadable(milliseconds: Int32) throws(SystemError) -> Bool {
        try checked(concord_poll_readable(number, milliseconds), "wait for bytes") > 0
    }

    package borrowing func waitWritable(milliseconds: Int32) throws(SystemError) -> Bool {
        try checked(concord_poll_writable(number, milliseconds), "wait for room") > 0
    }

    /// Reads what there is, at most `count` bytes; an empty array is the end.
    package borrowing func read(count: Int) throws(SystemError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        // Safe: the buffer outlives the call and the kernel writes at most its count.
        let got = unsafe buffer.withUnsafeMutableBytes { unsafe concord_read(number, $0.baseAddress, $0.count) }
        buffer.removeSubrange(try checked(got, "read")..<count)
        return buffer
    }

    /// Opens what `path` names, for `read`.
    package static func reading(_ path: String) throws(SystemError) -> Descriptor {
        // Safe here and below: a string lives as long as the call that it is passed to.
        Descriptor(owning: try checked(unsafe concord_open_reading(path), "open \(path)"))
    }

    /// Opens the file `path`, made if it is missing: all that is written goes to its end.
    package static func appending(_ path: String) throws(SystemError) -> Descriptor {
        Descriptor(owning: try checked(unsafe concord_open_appending(path), "open \(path)"))
    }

    /// Writes all of `bytes`, waiting as long as it takes.
    package borrowing func writeAll(_ bytes: [UInt8]) throws(SystemError) {
        // Safe: the buffer outlives the call and its count goes with it.
        let result = unsafe bytes.withUnsafeBytes { unsafe concord_write_all(number, $0.baseAddress, $0.count) }
        _ = try checked(result, "write")
    }
}

/// Bytes written to one end come out of the other.
package struct Pipe: ~Copyable, Sendable {
    package let reader: Descriptor
    package let writer: Descriptor

    package static func make() throws(SystemError) -> Pipe {
        var (reader, writer): (Int32, Int32) = (-1, -1)
        // Safe: both variables outlive the call.
        _ = try checked(unsafe concord_pipe(&reader, &writer), "make a pipe")
        return Pipe(reader: Descriptor(owning: reader), writer: Descriptor(owning: writer))
    }
}

/// The three descriptors that a program starts with.
package enum StandardDescriptor: Int32, Sendable {
    case input = 0
    case output = 1
    case error = 2

    /// Writes all of `bytes`, waiting as long as the reader lets it; errors are lost, there is no place to tell them.
    package func writeAll(_ bytes: [UInt8]) {
        // Safe: the buffer outlives the call and its count goes with it.
        _ = unsafe bytes.withUnsafeBytes { unsafe concord_write_all(rawValue, $0.baseAddress, $0.count) }
    }
}
