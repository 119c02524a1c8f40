/// A first-in first-out queue of bytes: what was received and not parsed yet, or written and not sent yet.
///
/// Bytes are consumed at the front without moving the rest; the space is taken back when the queue runs
/// empty or the dead front outgrows the living rest.
@usableFromInline package struct ByteQueue: Sendable {
    @usableFromInline package var storage: [UInt8] = []
    @usableFromInline package var head = 0

    @inlinable package init() {}

    @inlinable package var count: Int { storage.count - head }
    @inlinable package var isEmpty: Bool { storage.count == head }

    /// The byte `offset` bytes behind the front.
    @inlinable package subscript(offset: Int) -> UInt8 {
        precondition(offset >= 0 && head + offset < storage.count, "a byte behind the end of the queue was asked for")
        return storage[head + offset]
    }

    @inlinable package mutating func append(_ bytes: [UInt8]) {
        storage.append(contentsOf: bytes)
    }

    @inlinable package mutating func append(_ bytes: ArraySlice<UInt8>) {
        storage.append(contentsOf: bytes)
    }

    /// Lets `body` append to the bytes directly, as a writer. The writer's own `count` also counts what the queue
    /// holds, and offsets for `patch` are good only within `body`.
    @inlinable package mutating func write<Result>(_ body: (inout ByteWriter) -> Result) -> Result {
        var writer = ByteWriter()
        swap(&writer.bytes, &storage)
        defer { swap(&writer.bytes, &storage) }
        return body(&writer)
    }

    /// Removes `count` bytes at the front.
    @inlinable package mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count, "more bytes were consumed than are queued")
        head += count
        if head == storage.count {
            storage.removeAll(keepingCapacity: storage.capacity <= 1 << 16)
            head = 0
        } else if head > 1 << 16 && head > storage.count / 2 {
            storage.removeFirst(head)
            head = 0
        }
    }

    /// Removes and returns `count` bytes at the front.
    @inlinable package mutating func take(_ count: Int) -> [UInt8] {
        precondition(count >= 0 && count <= self.count, "more bytes were taken than are queued")
        let taken = [UInt8](storage[head..<head + count])
        consume(count)
        return taken
    }
}

extension ByteQueue {
    /// Removes `count` bytes at the front and appends them to `target`.
    @inlinable package mutating func move(_ count: Int, to target: inout [UInt8]) {
        precondition(count >= 0 && count <= self.count, "more bytes were moved than are queued")
        target.append(contentsOf: storage[head..<head + count])
        consume(count)
    }
}
