internal import ConcordLinux
internal import Synchronization

/// SIGTERM and SIGINT. The event loop makes a planned stop of them. Until it runs there is nothing to plan: nobody has been
/// answered, so the program ends at once, as safely as by `kill -9`. A start may read gigabytes before the loop runs.
final class StopSignals: Sendable {
    let source: SignalSource
    private let isHandedOver = Atomic<Bool>(false)

    /// How long a thread that waits may go on after the loop has taken over.
    private static let lookMilliseconds: Int32 = 100

    /// To be made before any other thread: the signals are blocked in this one and in all that it starts.
    init() throws(SystemError) {
        source = try SignalSource([.terminate, .interrupt])
    }

    /// Ends the program at the first signal, as long as the loop does not run.
    func watchStart(log: Log) throws(SystemError) {
        _ = try Thread.start(name: "start") { [self] in
            while !isHandedOver.load(ordering: .acquiring) {
                guard (try? source.descriptor.waitReadable(milliseconds: StopSignals.lookMilliseconds)) == true,
                    !isHandedOver.load(ordering: .acquiring), let signal = try? source.next()
                else { continue }
                log.info("stopping", [("signal", "\(signal)"), ("meaning", "this member had not begun to serve")])
                log.flush(milliseconds: 500)
                ServerFlags.end(.success)
            }
        }
    }

    /// The loop takes signals from now on.
    func handOver() {
        isHandedOver.store(true, ordering: .releasing)
    }
}
