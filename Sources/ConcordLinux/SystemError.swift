internal import Glibc

/// What the operating system answered when it did not do what was asked.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The `errno`; 0 where the text says it all, as for a host name that cannot be resolved.
    package let code: Int32
    /// What was being done, and to what: `open concord-data/member`.
    package let operation: String
    package let text: String

    package init(code: Int32, operation: String) {
        self.code = code
        self.operation = operation
        self.text = SystemError.text(of: code)
    }

    package init(operation: String, text: String) {
        self.code = 0
        self.operation = operation
        self.text = text
    }

    package var description: String { "\(operation): \(text)" }

    package var isNotFound: Bool { code == ENOENT }
    package var isExisting: Bool { code == EEXIST }
    package var isFull: Bool { code == ENOSPC || code == EDQUOT }
    package var isLocked: Bool { code == EWOULDBLOCK }
    package var isConnectionRefused: Bool { code == ECONNREFUSED }
    package var isConnectionReset: Bool { code == ECONNRESET }
    package var isAddressInUse: Bool { code == EADDRINUSE }
    package var isTimeout: Bool { code == ETIMEDOUT }
    /// No descriptor or no memory for one is left: a shortage that may pass.
    package var isDescriptorShortage: Bool {
        code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM
    }

    package static func timeout(_ operation: String) -> SystemError {
        SystemError(code: ETIMEDOUT, operation: operation)
    }

    private static func text(of code: Int32) -> String {
        // 256 bytes hold every message of the C library; longer ones are cut off by it.
        var buffer = [CChar](repeating: 0, count: 256)
        let capacity = buffer.count
        // Safe: the buffer outlives the call and its length is passed along; the result is zero-terminated.
        return unsafe buffer.withUnsafeMutableBufferPointer { pointer in
            guard let base = pointer.baseAddress, unsafe strerror_r(code, base, capacity) == 0 else {
                return "error \(code)"
            }
            return unsafe String(cString: base)
        }
    }
}

/// The answer of a shim function: a number that is not negative, or minus `errno`.
func checked(_ result: Int32, _ operation: @autoclosure () -> String) throws(SystemError) -> Int32 {
    guard result >= 0 else { throw SystemError(code: -result, operation: operation()) }
    return result
}

func checked(_ result: Int64, _ operation: @autoclosure () -> String) throws(SystemError) -> Int {
    guard result >= 0 else { throw SystemError(code: Int32(truncatingIfNeeded: -result), operation: operation()) }
    return Int(result)
}
