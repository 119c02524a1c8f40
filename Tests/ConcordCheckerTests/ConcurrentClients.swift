import ConcordChecker

/// What clients want of an object.
protocol Workload {
    associatedtype Object: PlainObject
    var object: Object { get set }

    /// What `client` asks next.
    mutating func ask(_ client: Int, _ dice: inout StoryDice) -> Request?

    /// - Parameter answer: `nil` when it failed, or got lost.
    mutating func learn(_ client: Int, _ request: Request, _ answer: Answer?)
}

extension Workload {
    mutating func learn(_ client: Int, _ request: Request, _ answer: Answer?) {}
}

/// A history and what its clients did not see.
struct SimulatedHistory {
    var operations: [RecordedOperation] = []
    /// Operations in the order in which they took effect, those with a lost answer too.
    var effects: [(operation: Int, position: Int, answer: Answer)] = []
    /// The operations of the script and of the closing, in their order.
    var scripted: [Int] = []
}

/// Clients that ask at the same time of one object. Each operation takes effect at one moment between its two ends,
/// or when its answer is lost: then, later, or never. So each history is good, by construction.
struct ConcurrentClients {
    var clients = 5
    var operationsMax = 30
    /// In a hundred.
    var lost = 5
    var failed = 5
    /// Asked by one more client among the others, one after the other and never lost.
    var script: [Step] = []
    /// Asked when all others are done.
    var closing: [Step] = []

    /// What is asked next, after the answers that the operations before have got.
    typealias Step = @Sendable ([RecordedOperation]) -> Request

    func run<Work: Workload>(_ workload: Work, _ dice: inout StoryDice) -> SimulatedHistory {
        run(workload, &dice).history
    }

    /// - Returns: and what became of the workload and its object.
    func run<Work: Workload>(
        _ workload: Work, _ dice: inout StoryDice
    ) -> (history: SimulatedHistory, workload: Work) {
        var run = ClientsRun(plan: self, workload: workload)
        run.go(&dice)
        return (run.history, run.workload)
    }
}

private struct ClientsRun<Work: Workload> {
    enum Client {
        case idle
        case called(Int)
        case done(Int, Answer)
    }

    let plan: ConcurrentClients
    var workload: Work
    var history = SimulatedHistory()
    private var clients: [Client]
    /// Given up, and perhaps still to take effect.
    private var abandoned: [Int] = []
    private var position = 0
    private var names: [Int]

    init(plan: ConcurrentClients, workload: Work) {
        self.plan = plan
        self.workload = workload
        clients = Array(repeating: .idle, count: plan.clients + 1)
        names = Array(0...plan.clients)
    }

    private var scripted: Int { plan.clients }

    mutating func go(_ dice: inout StoryDice) {
        while history.operations.count < plan.operationsMax || history.scripted.count < plan.script.count {
            if dice.chance(10) { haunt(&dice) }
            turn(dice.below(clients.count), isEnding: false, &dice)
        }
        // A client that waits for what never comes has an operation of unknown outcome.
        for _ in 0..<10 {
            for client in clients.indices { turn(client, isEnding: true, &dice) }
        }
        for step in plan.closing {
            let index = invoke(step(history.scripted.map { history.operations[$0] }), process: 1_000_000)
            history.scripted.append(index)
            if let answer = perform(index) { finish(index, answer) }
        }
    }

    private mutating func turn(_ client: Int, isEnding: Bool, _ dice: inout StoryDice) {
        switch clients[client] {
        case .idle:
            if client == scripted { return follow() }
            if isEnding || history.operations.count >= plan.operationsMax { return }
            guard let request = workload.ask(client, &dice) else { return }
            clients[client] = .called(invoke(request, process: names[client]))
        case .called(let index):
            if client != scripted {
                if dice.chance(plan.failed) { return fail(client, index) }
                if dice.chance(plan.lost) {
                    abandoned.append(index)
                    return lose(client, index)
                }
            }
            if let answer = perform(index) { clients[client] = .done(index, answer) }
        case .done(let index, let answer):
            if client != scripted, dice.chance(plan.lost) { return lose(client, index) }
            finish(index, answer)
            clients[client] = .idle
            workload.learn(client, request(index), answer)
        }
    }

    private mutating func follow() {
        guard history.scripted.count < plan.script.count else { return }
        let step = plan.script[history.scripted.count]
        let index = invoke(step(history.scripted.map { history.operations[$0] }), process: names[scripted])
        history.scripted.append(index)
        clients[scripted] = .called(index)
    }

    private func request(_ index: Int) -> Request {
        let operation = history.operations[index]
        return Request(operation.function, operation.argument, key: operation.key)
    }

    private mutating func invoke(_ request: Request, process: Int) -> Int {
        position += 10
        history.operations.append(
            RecordedOperation(
                process: .number(process), function: request.function, key: request.key, argument: request.argument,
                outcome: .unknown, invoked: position, returned: .max))
        return history.operations.count - 1
    }

    private mutating func perform(_ index: Int) -> Answer? {
        let answer = workload.object.perform(request(index), by: history.operations[index].process)
        position += 10
        if let answer { history.effects.append((index, position, answer)) }
        return answer
    }

    private mutating func finish(_ index: Int, _ answer: Answer) {
        position += 10
        history.operations[index].outcome = .ok
        history.operations[index].result = answer.value
        history.operations[index].revision = answer.revision
        history.operations[index].returned = position
    }

    private mutating func fail(_ client: Int, _ index: Int) {
        position += 10
        history.operations[index].outcome = .fail
        history.operations[index].returned = position
        clients[client] = .idle
        workload.learn(client, request(index), nil)
    }

    /// The client goes on under another name: a process ends with an operation whose outcome it does not know.
    private mutating func lose(_ client: Int, _ index: Int) {
        clients[client] = .idle
        names[client] += 1_000
        workload.learn(client, request(index), nil)
    }

    private mutating func haunt(_ dice: inout StoryDice) {
        guard !abandoned.isEmpty else { return }
        let index = abandoned.remove(at: dice.below(abandoned.count))
        if dice.chance(70) { _ = perform(index) }
    }
}
