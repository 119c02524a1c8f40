import ConcordLinux
import Synchronization

/// What must not outlive this program, also when a signal ends it.
enum CleanUp {
    private static let actions = Mutex((next: 0, byToken: [Int: @Sendable () -> Void]()))

    static func add(_ action: @escaping @Sendable () -> Void) -> Int {
        actions.withLock { actions in
            actions.next += 1
            actions.byToken[actions.next] = action
            return actions.next
        }
    }

    static func remove(_ token: Int) {
        actions.withLock { $0.byToken[token] = nil }
    }

    /// Lets SIGTERM and Ctrl-C run what was added, newest first, before the program ends. To be called before any
    /// other thread is started.
    static func onSignals() throws(SystemError) {
        let signals = try SignalSource([.terminate, .interrupt])
        let handover = Mutex<SignalSource?>(signals)
        _ = try Thread.start(name: "signals") {
            guard let signals = handover.withLock({ $0.take() }) else { return }
            while (try? signals.descriptor.waitReadable(milliseconds: -1)) != nil {
                guard let signal = try? signals.next() else { continue }
                let pending = actions.withLock { $0.byToken.sorted { $0.key > $1.key } }
                for (_, action) in pending { action() }
                ProcessEnvironment.exitNow(code: signal == .interrupt ? 130 : 143)
            }
        }
    }
}
