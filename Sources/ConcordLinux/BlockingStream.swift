package import ConcordBytes

/// A TCP connection for simple clients: each call waits, and no longer than it was told.
package struct BlockingStream: ~Copyable, Sendable {
    package let socket: StreamSocket

    package init(_ socket: consuming StreamSocket) {
        self.socket = socket
    }

    /// Connects to the first address of `target` that answers within the time.
    package static func connect(
        to target: HostAndPort, timeoutMilliseconds: UInt64
    ) throws(SystemError) -> BlockingStream {
        let deadline = SystemClock.monotonicMilliseconds() + timeoutMilliseconds
        var failure = SystemError(operation: "connect to \(target)", text: "no address is known for this host name")
        for address in try SocketAddress.resolve(target) {
            do throws(SystemError) {
                let socket = try StreamSocket.connect(to: address)
                guard try socket.descriptor.waitWritable(milliseconds: left(until: deadline)) else {
                    throw SystemError.timeout("connect to \(target)")
                }
                if let error = socket.connectionResult() { throw error }
                return BlockingStream(socket)
            } catch {
                failure = SystemError(code: error.code, operation: "connect to \(target)")
            }
        }
        throw failure
    }

    /// Sends everything in `queue`.
    package func sendAll(_ queue: inout ByteQueue, deadline: UInt64) throws(SystemError) {
        while !queue.isEmpty {
            switch socket.send(from: &queue) {
            case .moved: break
            case .blocked, .ended:
                guard try socket.descriptor.waitWritable(milliseconds: BlockingStream.left(until: deadline)) else {
                    throw .timeout("send")
                }
            case .failed(let code): throw SystemError(code: code, operation: "send")
            }
        }
    }

    package func sendAll(_ bytes: [UInt8], deadline: UInt64) throws(SystemError) {
        var queue = ByteQueue()
        queue.append(bytes)
        try sendAll(&queue, deadline: deadline)
    }

    /// Waits for bytes and moves them to the end of `queue`.
    /// - Returns: false at the end of what the other side sends.
    package func receive(
        into queue: inout ByteQueue, scratch: borrowing ScratchBuffer, deadline: UInt64
    ) throws(SystemError) -> Bool {
        while true {
            switch socket.receive(into: &queue, scratch: scratch) {
            case .moved: return true
            case .ended: return false
            case .failed(let code): throw SystemError(code: code, operation: "receive")
            case .blocked:
                guard try socket.descriptor.waitReadable(milliseconds: BlockingStream.left(until: deadline)) else {
                    throw .timeout("receive")
                }
            }
        }
    }

    private static func left(until deadline: UInt64) -> Int32 {
        let now = SystemClock.monotonicMilliseconds()
        return deadline <= now ? 0 : Int32(min(deadline - now, 3_600_000))
    }
}
