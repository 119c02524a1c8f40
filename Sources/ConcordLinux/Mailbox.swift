internal import Synchronization

/// Values on their way from any thread to one. The receiver takes everything at once, in the order posted.
///
/// The receiver clears its wake-up before it takes, and a sender signals after it put, so no value is left
/// behind without a signal.
package final class Mailbox<Value: Sendable>: Sendable {
    private let waiting = Mutex<[Value]>([])
    private let wakeup: Wakeup

    /// - Parameter wakeup: of the receiving event loop, or the receiver's own.
    package init(waking wakeup: Wakeup) {
        self.wakeup = wakeup
    }

    package func post(_ value: Value) {
        let wasEmpty = waiting.withLock { waiting in
            waiting.append(value)
            return waiting.count == 1
        }
        if wasEmpty { wakeup.signal() }
    }

    package func post(_ values: [Value]) {
        if values.isEmpty { return }
        let wasEmpty = waiting.withLock { waiting in
            let wasEmpty = waiting.isEmpty
            waiting.append(contentsOf: values)
            return wasEmpty
        }
        if wasEmpty { wakeup.signal() }
    }

    /// Everything posted since the last time; empty when there is nothing.
    package func takeAll() -> [Value] {
        waiting.withLock { waiting in
            if waiting.isEmpty { return [] }
            let taken = waiting
            waiting = []
            return taken
        }
    }

    /// Waits until there is something and takes everything: for a receiver that has no event loop and shares the
    /// wake-up with no one.
    package func waitAll() -> [Value] {
        while true {
            let taken = takeAll()
            if !taken.isEmpty { return taken }
            _ = wakeup.wait()
        }
    }

    /// As `waitAll`, for at most so long; empty when the time is over.
    package func waitAll(milliseconds: Int32) -> [Value] {
        let taken = takeAll()
        if !taken.isEmpty || milliseconds <= 0 { return taken }
        let deadline = SystemClock.monotonicMilliseconds() + UInt64(milliseconds)
        while true {
            let now = SystemClock.monotonicMilliseconds()
            if now >= deadline { return takeAll() }
            _ = wakeup.wait(milliseconds: Int32(deadline - now))
            let taken = takeAll()
            if !taken.isEmpty { return taken }
        }
    }
}
