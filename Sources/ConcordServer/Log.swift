package import ConcordLinux
internal import Synchronization

/// The log of the program: JSON lines on standard error.
///
/// Lines are written by a thread of their own, so that a reader that does not read (a stopped pager, a full
/// pipe) never blocks the event loop. What does not fit meanwhile is dropped and counted.
package final class Log: Sendable {
    /// Lines and bytes that wait for a blocked reader.
    static let waitingLinesMax = 4096
    static let waitingBytesMax = 1 << 20

    private struct State {
        var waiting: [[UInt8]] = []
        var waitingBytes = 0
        var dropped: UInt64 = 0
        var isWriting = false
    }

    private let state = Mutex(State())
    private let wakeup: Wakeup
    private let minimum: LogLevel

    /// - Parameter descriptor: where the lines go.
    package init(minimum: LogLevel = .info, descriptor: StandardDescriptor = .error) throws(SystemError) {
        self.minimum = minimum
        wakeup = try Wakeup()
        _ = try Thread.start(name: "log") { [self] in
            while true {
                _ = wakeup.wait()
                while let bytes = takeWaiting() {
                    descriptor.writeAll(bytes)
                }
            }
        }
    }

    package func debug(_ event: StaticString, _ fields: [(StaticString, LogValue)] = []) {
        write(.debug, event, fields)
    }

    package func info(_ event: StaticString, _ fields: [(StaticString, LogValue)] = []) {
        write(.info, event, fields)
    }

    package func warning(_ event: StaticString, _ fields: [(StaticString, LogValue)] = []) {
        write(.warning, event, fields)
    }

    package func error(_ event: StaticString, _ fields: [(StaticString, LogValue)] = []) {
        write(.error, event, fields)
    }

    /// Waits until everything is written, or the time is over: before the program ends.
    package func flush(milliseconds: UInt64) {
        let deadline = SystemClock.monotonicMilliseconds() + milliseconds
        guard let pause = try? Wakeup() else { return }
        while SystemClock.monotonicMilliseconds() < deadline {
            if state.withLock({ $0.waiting.isEmpty && !$0.isWriting }) { return }
            _ = pause.wait(milliseconds: 1)
        }
    }

    private func write(_ level: LogLevel, _ event: StaticString, _ fields: [(StaticString, LogValue)]) {
        guard level >= minimum else { return }
        let line = LogLine.encode(
            wallMilliseconds: SystemClock.wallMilliseconds(), level: level, event: event, fields: fields)
        let added = state.withLock { state in
            guard state.waiting.count < Log.waitingLinesMax, state.waitingBytes + line.count <= Log.waitingBytesMax
            else {
                state.dropped += 1
                return false
            }
            state.waiting.append(line)
            state.waitingBytes += line.count
            return true
        }
        if added { wakeup.signal() }
    }

    /// All that waits, as one piece, with a line about those that were dropped; `nil` when nothing waits.
    private func takeWaiting() -> [UInt8]? {
        let (lines, dropped) = state.withLock { state in
            let taken = (state.waiting, state.dropped)
            state.waiting = []
            state.waitingBytes = 0
            state.dropped = 0
            state.isWriting = !taken.0.isEmpty || taken.1 > 0
            return taken
        }
        if lines.isEmpty && dropped == 0 { return nil }
        var bytes: [UInt8] = []
        for line in lines { bytes.append(contentsOf: line) }
        if dropped > 0 {
            bytes.append(
                contentsOf: LogLine.encode(
                    wallMilliseconds: SystemClock.wallMilliseconds(), level: .warning, event: "log_lines_dropped",
                    fields: [("count", .number(dropped))]))
        }
        return bytes
    }
}

/// Lets a repeated complaint through once in a while: others decide how often they give us reason to complain.
package struct LogThrottle: Sendable {
    private struct Entry {
        var key: String
        var next: UInt64
        var suppressed: UInt64
    }

    /// Different complaints remembered; the longest silent one makes room.
    static let keysMax = 64
    private let intervalMilliseconds: UInt64
    private var entries: [Entry] = []

    package init(intervalMilliseconds: UInt64) {
        self.intervalMilliseconds = intervalMilliseconds
    }

    /// Whether to say it now.
    /// - Returns: how often it was not said since the last time, or `nil` when it is too soon.
    package mutating func admit(_ key: String, now: UInt64) -> UInt64? {
        if let index = entries.firstIndex(where: { $0.key == key }) {
            guard now >= entries[index].next else {
                entries[index].suppressed += 1
                return nil
            }
            let suppressed = entries[index].suppressed
            entries[index].next = now + intervalMilliseconds
            entries[index].suppressed = 0
            return suppressed
        }
        if entries.count >= LogThrottle.keysMax {
            guard let oldest = entries.indices.min(by: { entries[$0].next < entries[$1].next }),
                entries[oldest].next <= now
            else { return nil }
            entries.remove(at: oldest)
        }
        entries.append(Entry(key: key, next: now + intervalMilliseconds, suppressed: 0))
        return 0
    }
}
