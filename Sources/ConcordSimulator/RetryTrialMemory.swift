import ConcordModel
import ConcordState

// What clients and keys are remembered by, for how long, and how much room it takes.

struct RememberedClient {
    /// The highest `done` that it told.
    var done: UInt64 = 0
    /// Cluster clock of its newest call that was not done already.
    var heard: UInt64 = 0
    /// The same of any call: nobody says whether one that is done counts as a request.
    var asked: UInt64 = 0
    /// Above `done`.
    var outcomes: [UInt64: (operation: Operation, outcome: Outcome)] = [:]
    var mayBeGone = false
}

struct RememberedKey {
    let operation: Operation
    let outcome: Outcome
    let since: UInt64
    var mayBeGone = false
}

extension RetryPromises {
    /// What a command adds to the tables.
    enum Need {
        case newClient
        case call
        case key([UInt8])
    }

    struct Occupied {
        /// By what must be kept.
        var certain: UInt64 = 0
        /// By what is young, and by nothing else once a table is full: the old makes room.
        var possible: UInt64 = 0
    }

    // MARK: Time

    /// Whatever is older than is promised now may be forgotten from now on, whatever the settings become.
    mutating func age() {
        let keptKeys = setting(.idempotencyKeptMilliseconds)
        for (key, known) in keys where !known.mayBeGone && clock - known.since > keptKeys {
            keys[key]?.mayBeGone = true
        }
        let keptClients = setting(.clientKeptMilliseconds)
        for (id, client) in clients where !client.mayBeGone && clock - client.heard > keptClients {
            clients[id]?.mayBeGone = true
        }
    }

    /// Takes in what a call says of its client, before it is answered.
    mutating func hear(_ call: ClientCall) {
        guard var client = clients[call.client] else { return }
        if clock - client.asked > setting(.clientKeptMilliseconds) {
            clients[call.client] = nil
            return
        }
        client.asked = clock
        if call.sequence > client.done {
            client.done = max(client.done, call.done)
            client.outcomes = client.outcomes.filter { $0.key > client.done }
        }
        clients[call.client] = client
    }

    /// Takes in how a command was answered that no member had an outcome of.
    mutating func remember(_ command: Command, _ outcome: Outcome, isFirst: Bool, isForgotten: Bool) {
        switch command.retry {
        case .none: break
        case .client(let call):
            if isForgotten { clients[call.client] = isFirst ? RememberedClient(asked: clock) : nil }
            guard var client = clients[call.client], call.sequence > client.done else { return }
            client.heard = clock
            client.mayBeGone = false
            if isFirst { client.outcomes[call.sequence] = (command.operation, outcome) }
            clients[call.client] = client
        case .key(let key):
            if isFirst {
                keys[key] = RememberedKey(operation: command.operation, outcome: outcome, since: clock)
            } else if isForgotten {
                keys[key] = nil
            } else {
                // It is still there, but for how long?
                keys[key]?.mayBeGone = false
                age()
            }
        }
    }

    // MARK: Room

    /// The tables that a command must find room in: each with its setting, what is in it, and what is needed.
    func rooms(_ need: Need) -> [(Setting, Occupied, needed: UInt64)] {
        let record = StateLimits.retryRecordBytes
        switch need {
        case .call: return [(.idempotencyBytesMax, occupiedBytes, record)]
        case .newClient:
            return [(.clientsMax, occupiedClients, 1), (.idempotencyBytesMax, occupiedBytes, 2 * record)]
        case .key(let key):
            let bytes = record + UInt64(key.count)
            return [(.idempotencyKeysMax, occupiedKeys, 1), (.idempotencyBytesMax, occupiedBytes, bytes)]
        }
    }

    private var occupiedKeys: Occupied { occupied(byKey: { _ in 1 }, byClient: { _ in 0 }) }

    private var occupiedClients: Occupied { occupied(byKey: { _ in 0 }, byClient: { _ in 1 }) }

    private var occupiedBytes: Occupied {
        let record = StateLimits.retryRecordBytes
        return occupied(
            byKey: { record + UInt64($0.count) }, byClient: { record * (1 + UInt64($0.outcomes.count)) })
    }

    private func occupied(
        byKey keyCost: ([UInt8]) -> UInt64, byClient clientCost: (RememberedClient) -> UInt64
    ) -> Occupied {
        var occupied = Occupied()
        for (key, known) in keys {
            if !known.mayBeGone { occupied.certain += keyCost(key) }
            if clock - known.since <= setting(.idempotencyKeptMilliseconds) { occupied.possible += keyCost(key) }
        }
        for client in clients.values {
            if !client.mayBeGone { occupied.certain += clientCost(client) }
            if clock - client.asked <= setting(.clientKeptMilliseconds) { occupied.possible += clientCost(client) }
        }
        return occupied
    }
}
