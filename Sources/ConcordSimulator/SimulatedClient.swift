import ConcordBytes
import ConcordModel
import ConcordReplica

/// A client that does one operation after the other and writes down what it saw.
struct SimulatedClient {
    enum Manner {
        /// As curl: one try, and an unknown outcome stays unknown.
        case plain
        /// As the library: `Concord-Client`, the same sequence until there is an outcome.
        case library(UInt128)
        /// `Idempotency-Key`, repeated until there is an outcome.
        case key
    }

    struct Doing {
        var action: HistoryOperation.Action
        var key: Key
        var invokedAt: UInt64
        var retry: RetryIdentity
        var attempts: Int
        /// An earlier attempt may have taken effect.
        var mayHaveHappened: Bool
    }

    let number: Int
    private(set) var manner: Manner
    var sequence: UInt64 = 0
    var doing: Doing?
    /// The last value and revision that it read, for a conditional replacement.
    var lastRead: [Key: (value: [UInt8], revision: Revision)] = [:]

    init(number: Int, manner: Manner) {
        self.number = number
        self.manner = manner
    }

    /// Begins the next operation.
    mutating func begin(keys: Int, now: UInt64, random: inout SeededRandom) {
        sequence += 1
        let counter = random.chance(percent: 20)
        let key = Key(text: counter ? "/n\(random.below(2))" : "/k\(random.below(UInt64(keys)))")
        let value = [UInt8]("c\(number)-\(sequence)".utf8)
        let action: HistoryOperation.Action
        switch random.below(100) {
        case ..<45: action = .get
        case ..<70: action = counter ? .increment(Int64(1 + random.below(5))) : .put(value)
        case ..<80: action = .delete
        case ..<90: action = counter ? .increment(-1) : .create(value)
        default:
            if counter {
                action = .increment(2)
            } else if let read = lastRead[key] {
                action = .replace(expected: read.value, with: value)
            } else {
                action = .put(value)
            }
        }
        let retry: RetryIdentity =
            switch (manner, action) {
            case (_, .get), (.plain, _): .none
            case (.library(let client), _): .client(ClientCall(client: client, sequence: nextCall(), done: calls - 1))
            case (.key, _): .key([UInt8]("key-\(number)-\(sequence)".utf8))
            }
        doing = Doing(action: action, key: key, invokedAt: now, retry: retry, attempts: 0, mayHaveHappened: false)
    }

    private var calls: UInt64 = 0

    private mutating func nextCall() -> UInt64 {
        calls += 1
        return calls
    }

    var isLibrary: Bool {
        if case .library = manner { return true }
        return false
    }

    mutating func beginAnew(random: inout SeededRandom) {
        manner = .library(UInt128(random.next()) << 64 | UInt128(number))
        calls = 0
    }

    /// What it asks a member for.
    func body(of doing: Doing) -> ReplicaRequest.Body {
        switch doing.action {
        case .get: .read(.node(NodeQuery(key: doing.key)), .linearizable, minimum: .zero)
        case .put(let value): .write(.put(PutOperation(key: doing.key, value: value)), doing.retry)
        case .create(let value):
            .write(.put(PutOperation(key: doing.key, value: value, condition: .absent)), doing.retry)
        case .replace(_, let value):
            .write(
                .put(
                    PutOperation(
                        key: doing.key, value: value,
                        condition: .modifiedAt([lastRead[doing.key]?.revision ?? .zero]))), doing.retry)
        case .increment(let amount):
            .write(.increment(IncrementOperation(key: doing.key, amount: amount)), doing.retry)
        case .delete: .write(.delete(DeleteOperation(key: doing.key)), doing.retry)
        }
    }

    /// What an outcome means for the history.
    static func result(of action: HistoryOperation.Action, _ outcome: Outcome) -> HistoryOperation.Result {
        switch outcome.verdict {
        case .refused: return .refused
        case .applied(let results):
            guard case .increment = action, let number = results.first?.number else { return .done }
            return .number(number)
        }
    }
}
