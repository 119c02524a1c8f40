internal import CConcordLinux
package import ConcordBytes
internal import Glibc

/// Waits for TCP connections.
package struct ListeningSocket: ~Copyable, Sendable {
    package let descriptor: Descriptor

    package init(_ address: SocketAddress, name: String, backlog: Int32 = 4096) throws(SystemError) {
        // Safe: the buffer outlives the call and its count goes with it.
        let result = unsafe address.bytes.withUnsafeBufferPointer {
            unsafe concord_listen($0.baseAddress, Int32($0.count), backlog)
        }
        descriptor = Descriptor(owning: try checked(result, "listen on \(name)"))
    }

    /// The port that the kernel chose when port 0 was asked for.
    package func localPort() throws(SystemError) -> UInt16 {
        UInt16(truncatingIfNeeded: try checked(concord_local_port(descriptor.number), "ask for the local port"))
    }

    /// The next connection, or `nil` when none waits. A connection that was reset before it was accepted counts
    /// for none.
    package func accept() throws(SystemError) -> StreamSocket? {
        let result = concord_accept(descriptor.number)
        if result == -EAGAIN || result == -ECONNABORTED || result == -EPROTO { return nil }
        return StreamSocket(Descriptor(owning: try checked(result, "accept a connection")))
    }
}

package enum TransferResult: Equatable, Sendable {
    /// So many bytes went through.
    case moved(Int)
    /// Nothing now: wait until the socket is ready.
    case blocked
    /// The other side said that nothing more comes.
    case ended
    /// The connection is gone.
    case failed(code: Int32)
}

/// A TCP connection that never blocks, with Nagle's algorithm off.
package struct StreamSocket: ~Copyable, Sendable {
    package let descriptor: Descriptor

    init(_ descriptor: consuming Descriptor) {
        self.descriptor = descriptor
    }

    package var number: Int32 { descriptor.number }

    /// Begins to connect: once the socket is writable, `connectionResult` tells what became of it.
    package static func connect(to address: SocketAddress) throws(SystemError) -> StreamSocket {
        var inProgress: Int32 = 0
        // Safe: buffer and flag outlive the call and the buffer's count goes with it.
        let result = unsafe address.bytes.withUnsafeBufferPointer {
            unsafe concord_connect($0.baseAddress, Int32($0.count), &inProgress)
        }
        return StreamSocket(Descriptor(owning: try checked(result, "connect")))
    }

    /// `nil`: the connection is made.
    package func connectionResult() -> SystemError? {
        let result = concord_connect_result(descriptor.number)
        return result < 0 ? SystemError(code: -result, operation: "connect") : nil
    }

    /// The port of this side.
    package func localPort() throws(SystemError) -> UInt16 {
        UInt16(truncatingIfNeeded: try checked(concord_local_port(descriptor.number), "ask for the local port"))
    }

    /// Lets the kernel find out that the other side is gone: probes after `idleSeconds` of silence, and at most
    /// `unacknowledgedMilliseconds` for bytes that were sent (0: the kernel's own, long, time).
    package func detectLoss(
        idleSeconds: Int32, intervalSeconds: Int32, probesMax: Int32, unacknowledgedMilliseconds: Int32
    ) throws(SystemError) {
        _ = try checked(
            concord_tune_keepalive(
                descriptor.number, idleSeconds, intervalSeconds, probesMax, unacknowledgedMilliseconds),
            "set the keep-alive of a connection")
    }

    /// Moves bytes that have arrived to the end of `queue`, through `scratch`.
    package func receive(into queue: inout ByteQueue, scratch: borrowing ScratchBuffer) -> TransferResult {
        // Safe: the kernel writes at most the buffer's count, and only what it wrote is copied.
        let buffer = unsafe scratch.buffer
        let result = unsafe concord_receive(descriptor.number, buffer.baseAddress, buffer.count)
        if result > 0 {
            unsafe queue.storage.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<Int(result)]))
        }
        return transferred(result, zero: .ended)
    }

    /// Sends from the front of `queue` and removes what was sent.
    package func send(from queue: inout ByteQueue) -> TransferResult {
        let (head, count) = (queue.head, queue.count)
        if count == 0 { return .moved(0) }
        // Safe: `head` and `count` lie within the storage, which outlives the call.
        let result = unsafe queue.storage.withUnsafeBytes {
            unsafe concord_send(descriptor.number, $0.baseAddress?.advanced(by: head), count)
        }
        if result > 0 { queue.consume(Int(result)) }
        return transferred(result, zero: .blocked)
    }

    /// Sends from `bytes[offset...]`.
    package func send(_ bytes: [UInt8], from offset: Int) -> TransferResult {
        precondition(offset >= 0 && offset <= bytes.count, "bytes outside of an array were to be sent")
        if offset == bytes.count { return .moved(0) }
        // Safe: the offset was checked against the buffer, which outlives the call.
        let result = unsafe bytes.withUnsafeBytes {
            unsafe concord_send(descriptor.number, $0.baseAddress?.advanced(by: offset), $0.count - offset)
        }
        return transferred(result, zero: .blocked)
    }

    /// Tells the other side that nothing more comes.
    package func finishSending() {
        // A connection that is gone already has nothing more to tell.
        _ = concord_shutdown_write(descriptor.number)
    }

    private func transferred(_ result: Int64, zero: TransferResult) -> TransferResult {
        if result > 0 { return .moved(Int(result)) }
        if result == 0 { return zero }
        let code = Int32(truncatingIfNeeded: -result)
        return code == EAGAIN ? .blocked : .failed(code: code)
    }
}

/// Memory that a thread receives into, over and over.
@safe package struct ScratchBuffer: ~Copyable {
    let buffer: UnsafeMutableRawBufferPointer
    /// Bytes that one receive can take.
    package let count: Int

    package init(count: Int = 1 << 16) {
        // Safe: owned by this value alone and freed in deinit; only bytes written by the kernel are read.
        self.count = count
        unsafe buffer = .allocate(byteCount: count, alignment: 16)
    }

    deinit {
        // Safe: the only owner goes away.
        unsafe buffer.deallocate()
    }
}
