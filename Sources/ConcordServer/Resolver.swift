internal import ConcordLinux

/// Asks the system for the addresses of host names, on a thread of its own: an answer may take seconds.
final class Resolver: Sendable {
    typealias Answer = (target: HostAndPort, result: Result<[SocketAddress], SystemError>)

    private let questions: Mailbox<HostAndPort>
    private let answers: Mailbox<Answer>

    init(waking wakeup: Wakeup) throws(SystemError) {
        let questions = Mailbox<HostAndPort>(waking: try Wakeup())
        let answers = Mailbox<Answer>(waking: wakeup)
        _ = try Thread.start(name: "resolver") {
            while true {
                for target in questions.waitAll() {
                    answers.post((target, Result { () throws(SystemError) in try SocketAddress.resolve(target) }))
                }
            }
        }
        self.questions = questions
        self.answers = answers
    }

    func ask(_ target: HostAndPort) {
        questions.post(target)
    }

    func takeAnswers() -> [Answer] {
        answers.takeAll()
    }
}
