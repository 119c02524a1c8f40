internal import CConcordLinux
internal import Glibc

package enum ProcessSignal: Sendable, CaseIterable {
    case terminate
    case interrupt
    case kill
    case stop
    case resume

    var number: Int32 {
        switch self {
        case .terminate: SIGTERM
        case .interrupt: SIGINT
        case .kill: SIGKILL
        case .stop: SIGSTOP
        case .resume: SIGCONT
        }
    }
}

/// Signals that arrive as values instead of interrupting the program (a signalfd).
package struct SignalSource: ~Copyable, Sendable {
    package let descriptor: Descriptor

    /// Blocks `signals` in this thread and in all it starts from now on: to be made before any other thread.
    package init(_ signals: [ProcessSignal]) throws(SystemError) {
        let numbers = signals.map(\.number)
        // Safe: the buffer outlives the call and its count goes with it.
        let result = unsafe numbers.withUnsafeBufferPointer {
            unsafe concord_signalfd($0.baseAddress, Int32($0.count))
        }
        descriptor = Descriptor(owning: try checked(result, "take signals"))
    }

    /// The next signal, or `nil` when none is pending.
    package func next() throws(SystemError) -> ProcessSignal? {
        let number = try checked(concord_signal_read(descriptor.number), "read a signal")
        return ProcessSignal.allCases.first { $0.number == number }
    }

    /// Writing to a connection or pipe that nobody reads gives an error and no longer ends the program.
    package static func ignoreBrokenPipes() {
        concord_ignore_sigpipe()
    }

    /// Writing beyond the allowed size of a file gives an error and no longer ends the program.
    package static func ignoreFileSizeLimit() {
        concord_ignore_sigxfsz()
    }

    /// Sends `signal` to the calling thread only.
    package static func sendToThisThread(_ signal: ProcessSignal) {
        _ = pthread_kill(pthread_self(), signal.number)
    }
}
