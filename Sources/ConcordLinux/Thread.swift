internal import CConcordLinux

/// A thread of the operating system.
package struct Thread: Sendable {
    private let handle: UInt64

    /// Starts a thread that runs `body` and ends with it.
    /// - Parameter name: at most 15 bytes, as `top -H` shows it.
    package static func start(
        name: String, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) -> Thread {
        var handle: UInt64 = 0
        // Safe: the retained body is released by the one who runs it: the new thread, or this one when there is
        // no new thread.
        let context = unsafe Unmanaged.passRetained(Body(body))
        let result = unsafe concord_thread_start(enter, context.toOpaque(), String(name.prefix(15)), &handle)
        if result < 0 {
            // Safe: no thread was started, so the reference is still ours.
            unsafe context.release()
        }
        _ = try checked(result, "start the thread \(name)")
        return Thread(handle: handle)
    }

    /// Waits until the thread has ended. At most once, and not from the thread itself.
    package func join() {
        let result = concord_thread_join(handle)
        precondition(result == 0, "a thread was joined twice, or by itself")
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    private static let enter: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
        if let context = unsafe context {
            // Safe: `start` passed a retained `Body`, once.
            unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
        }
        return nil
    }
}
