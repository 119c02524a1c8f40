package import ConcordLinux
internal import Synchronization

/// Asks the system for the addresses of host names, on threads of its own: an answer may take seconds. It does so mostly
/// for a machine that is gone, and then the lookup of its name must not hold up those of the others: each name has a
/// thread, as far as there are threads.
package final class Resolver: Sendable {
    package typealias Answer = (target: HostAndPort, result: Result<[SocketAddress], SystemError>)
    package typealias Lookup = @Sendable (HostAndPort) throws(SystemError) -> [SocketAddress]

    private typealias Questions = Mailbox<HostAndPort>

    private struct Threads {
        var questions: [Questions]
        /// Which of them a name goes to.
        var places: [HostAndPort: Int] = [:]
    }

    private let threads: Mutex<Threads>
    private let answers: Mailbox<Answer>
    private let lookup: Lookup

    /// - Parameter lookup: the system's, except in tests.
    package init(
        waking wakeup: Wakeup, lookup: @escaping Lookup = SocketAddress.resolve
    ) throws(SystemError) {
        answers = Mailbox<Answer>(waking: wakeup)
        self.lookup = lookup
        threads = Mutex(Threads(questions: [try Resolver.start(answers, lookup)]))
    }

    package func ask(_ target: HostAndPort) {
        let questions = threads.withLock { threads in
            let place = threads.places[target] ?? takePlace(in: &threads)
            threads.places[target] = place
            return threads.questions[place]
        }
        questions.post(target)
    }

    package func takeAnswers() -> [Answer] {
        answers.takeAll()
    }

    /// A thread for a further name: one of its own, or the next one in turn when no more can be had.
    private func takePlace(in threads: inout Threads) -> Int {
        if threads.places.count >= ServerLimits.lookupNamesMax { threads.places = [:] }
        let count = threads.places.count
        if count == threads.questions.count, count < ServerLimits.lookupThreadsMax,
            let started = try? Resolver.start(answers, lookup)
        {
            threads.questions.append(started)
        }
        return count % threads.questions.count
    }

    private static func start(
        _ answers: Mailbox<Answer>, _ lookup: @escaping Lookup
    ) throws(SystemError) -> Questions {
        let questions = Questions(waking: try Wakeup())
        _ = try Thread.start(name: "resolver") {
            while true {
                for target in questions.waitAll() {
                    answers.post((target, Result { () throws(SystemError) in try lookup(target) }))
                }
            }
        }
        return questions
    }
}
