internal import CConcordLinux

/// What a watcher of a descriptor wants to know.
package struct Interest: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    package static let readable = Interest(rawValue: 1)
    package static let writable = Interest(rawValue: 2)

    fileprivate var events: UInt32 {
        // Without any interest the kernel still tells that both directions are closed.
        (contains(.readable) ? concord_epoll_readable() | concord_epoll_peer_closed() : 0)
            | (contains(.writable) ? concord_epoll_writable() : 0)
    }
}

/// A descriptor that has something to tell, by the token under which it is watched.
package struct ReadyDescriptor: Equatable, Sendable {
    package let token: UInt64
    package let isReadable: Bool
    package let isWritable: Bool
    /// Both directions are over, or an error is pending.
    package let isClosed: Bool

    package init(token: UInt64, isReadable: Bool, isWritable: Bool, isClosed: Bool) {
        self.token = token
        self.isReadable = isReadable
        self.isWritable = isWritable
        self.isClosed = isClosed
    }
}

/// Waits for many descriptors, a deadline and other threads at once (epoll, level-triggered).
package struct EventLoop: ~Copyable {
    /// Descriptors told by one wait; more wait for the next.
    package static let readyMax = 512

    private let epoll: Descriptor
    private let events: EventBuffer
    /// Another thread ends the wait with this.
    package let wakeup: Wakeup
    private static let wakeupToken = UInt64.max

    package init() throws(SystemError) {
        let epoll = Descriptor(owning: try checked(concord_epoll_create(), "create an event loop"))
        let wakeup = try Wakeup()
        _ = try checked(
            concord_epoll_add(
                epoll.number, wakeup.number, concord_epoll_readable(), EventLoop.wakeupToken),
            "watch an eventfd")
        self.epoll = epoll
        self.wakeup = wakeup
        self.events = EventBuffer(capacity: EventLoop.readyMax)
    }

    /// Begins to watch a descriptor; the kernel forgets it when the descriptor is closed.
    /// - Parameter token: any number but the greatest.
    package borrowing func watch(
        _ descriptor: Int32, token: UInt64, interest: Interest
    ) throws(SystemError) {
        _ = try checked(
            concord_epoll_add(epoll.number, descriptor, interest.events, token), "watch a descriptor")
    }

    package borrowing func change(
        _ descriptor: Int32, token: UInt64, interest: Interest
    ) throws(SystemError) {
        _ = try checked(
            concord_epoll_modify(epoll.number, descriptor, interest.events, token), "watch a descriptor")
    }

    package borrowing func ignore(_ descriptor: Int32) {
        // A descriptor that is not watched is what was asked for.
        _ = concord_epoll_remove(epoll.number, descriptor)
    }

    /// Waits until a descriptor is ready, another thread calls `wakeup`, a signal arrives or the deadline is over.
    /// - Parameter deadline: on `SystemClock.monotonicMilliseconds`; `nil` waits for ever.
    /// - Parameter ready: replaced by what is ready; the wake-up itself is not told.
    package borrowing func wait(
        until deadline: UInt64?, into ready: inout [ReadyDescriptor]
    ) throws(SystemError) {
        ready.removeAll(keepingCapacity: true)
        var timeout: Int32 = -1
        if let deadline {
            let now = SystemClock.monotonicMilliseconds()
            timeout = deadline <= now ? 0 : Int32(min(deadline - now, 3_600_000))
        }
        // Safe: the kernel writes at most `readyMax` events into a buffer of that capacity.
        let answer = unsafe concord_epoll_wait(
            epoll.number, events.buffer.baseAddress, Int32(EventLoop.readyMax), timeout)
        let count = Int(try checked(answer, "wait for events"))
        for index in 0..<count {
            // Safe: the kernel wrote the first `count` events; `u64` is the member of the union that `watch` set.
            let (flags, token) = unsafe (events.buffer[index].events, events.buffer[index].data.u64)
            if token == EventLoop.wakeupToken {
                wakeup.clear()
                continue
            }
            let closed = flags & concord_epoll_closed() != 0
            ready.append(
                ReadyDescriptor(
                    token: token,
                    isReadable: closed
                        || flags & (concord_epoll_readable() | concord_epoll_peer_closed()) != 0,
                    isWritable: closed || flags & concord_epoll_writable() != 0,
                    isClosed: closed))
        }
    }
}

/// Memory that the kernel writes events into.
@safe package struct EventBuffer: ~Copyable {
    let buffer: UnsafeMutableBufferPointer<epoll_event>

    init(capacity: Int) {
        // Safe: owned by this value alone, initialised here and freed in deinit.
        unsafe buffer = .allocate(capacity: capacity)
        unsafe buffer.initialize(repeating: epoll_event())
    }

    deinit {
        // Safe: the only owner goes away.
        unsafe buffer.deallocate()
    }
}

/// Ends another thread's wait (an eventfd). Signals add up: one wait sees all that came before it.
package final class Wakeup: Sendable {
    private let descriptor: Descriptor

    package init() throws(SystemError) {
        descriptor = Descriptor(owning: try checked(concord_eventfd_create(), "create an eventfd"))
    }

    package var number: Int32 { descriptor.number }

    package func signal() {
        let result = concord_eventfd_signal(descriptor.number)
        precondition(result == 0, "an eventfd that is open refused a signal")
    }

    package func clear() {
        let result = concord_eventfd_clear(descriptor.number)
        precondition(result == 0, "an eventfd that is open refused to be read")
    }

    /// Waits for a signal and takes it back.
    /// - Returns: false when the time is over; a negative time waits for ever.
    package func wait(milliseconds: Int32 = -1) -> Bool {
        let result = concord_poll_readable(descriptor.number, milliseconds)
        precondition(result >= 0, "an eventfd that is open could not be waited for")
        if result > 0 { clear() }
        return result > 0
    }
}
