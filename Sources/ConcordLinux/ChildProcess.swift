internal import CConcordLinux
internal import Glibc
internal import Synchronization

/// A program that this one has started.
package final class ChildProcess: Sendable {
    package enum Ending: Equatable, Sendable {
        case exited(code: Int32)
        case killed(signal: Int32)
    }

    /// Where the three standard descriptors of the child lead; `nil`: nowhere.
    package struct Standard: Sendable {
        package var input: Int32?
        package var output: Int32?
        package var error: Int32?

        package init(input: Int32? = nil, output: Int32? = nil, error: Int32? = nil) {
            self.input = input
            self.output = output
            self.error = error
        }
    }

    package let identifier: Int32
    /// Readable once the child has ended: for an event loop.
    package let descriptor: Descriptor
    private let ending = Mutex<Ending?>(nil)

    /// Starts `path`. The child is killed when this program ends, however that happens.
    /// - Parameter environment: `NAME=value` each.
    package init(
        path: String, arguments: [String], environment: [String] = ProcessEnvironment.entries,
        standard: Standard = Standard()
    ) throws(SystemError) {
        let path = path
        let answer: Result<Int32, SystemError> = ChildProcess.onSpawner {
            ChildProcess.spawn(path: path, arguments: [path] + arguments, environment: environment, standard: standard)
        }
        identifier = try answer.get()
        let number = concord_pidfd(identifier)
        if number < 0 {
            // Without a handle nobody could wait for it.
            _ = concord_kill(identifier, SIGKILL)
        }
        descriptor = Descriptor(owning: try checked(number, "watch the process \(identifier)"))
    }

    package func send(_ signal: ProcessSignal) {
        ending.withLock { ending in
            // Once waited for, the number may belong to another process.
            if ending == nil { _ = concord_kill(identifier, signal.number) }
        }
    }

    /// How the child ended; `nil` while it runs.
    package func poll() -> Ending? {
        ending.withLock { ending in
            if let ending { return ending }
            var (exited, code): (Int32, Int32) = (0, 0)
            // Safe: both variables outlive the call.
            let result = unsafe concord_reap(identifier, 0, &exited, &code)
            precondition(result >= 0, "a child was waited for by someone else")
            if result > 0 { ending = exited != 0 ? .exited(code: code) : .killed(signal: code) }
            return ending
        }
    }

    /// Waits for the end; `nil` when the time is over.
    package func wait(milliseconds: Int32) -> Ending? {
        if let ending = poll() { return ending }
        _ = try? descriptor.waitReadable(milliseconds: milliseconds)
        return poll()
    }

    /// Kills the child and waits until it is gone.
    package func killAndWait() {
        send(.kill)
        while wait(milliseconds: 1000) == nil {}
    }

    // A child is killed when the *thread* that started it ends (PR_SET_PDEATHSIG), so one thread that never
    // ends starts them all.
    private typealias Job = @Sendable () -> Void

    private static let spawner: Mailbox<Job>? = {
        guard let wakeup = try? Wakeup() else { return nil }
        let jobs = Mailbox<Job>(waking: wakeup)
        let thread = try? Thread.start(name: "spawner") {
            while true {
                for job in jobs.waitAll() { job() }
            }
        }
        return thread == nil ? nil : jobs
    }()

    private static func onSpawner(
        _ body: @escaping @Sendable () -> Result<Int32, SystemError>
    ) -> Result<Int32, SystemError> {
        guard let spawner, let wakeup = try? Wakeup() else {
            return .failure(SystemError(operation: "start a program", text: "no thread or descriptor is left"))
        }
        let answers = Mailbox<Result<Int32, SystemError>>(waking: wakeup)
        spawner.post { answers.post(body()) }
        return answers.waitAll()[0]
    }

    private static func spawn(
        path: String, arguments: [String], environment: [String], standard: Standard
    ) -> Result<Int32, SystemError> {
        var identifier: Int32 = -1
        // Safe: the copied strings are freed after the call, the arrays end with a null pointer, and the variable
        // outlives the call.
        var argumentPointers = unsafe arguments.map { unsafe strdup($0) }
        var environmentPointers = unsafe environment.map { unsafe strdup($0) }
        unsafe argumentPointers.append(nil)
        unsafe environmentPointers.append(nil)
        defer {
            unsafe argumentPointers.forEach { unsafe free($0) }
            unsafe environmentPointers.forEach { unsafe free($0) }
        }
        let result = unsafe concord_spawn(
            path, argumentPointers, environmentPointers, standard.input ?? -1, standard.output ?? -1,
            standard.error ?? -1, 1, &identifier)
        return result < 0
            ? .failure(SystemError(code: -result, operation: "start \(path)")) : .success(identifier)
    }
}
