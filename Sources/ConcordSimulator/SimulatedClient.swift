import ConcordBytes
import ConcordChecker
import ConcordModel
import ConcordReplica

/// A client that does one operation after the other and remembers what it saw.
struct SimulatedClient {
    /// What an operation asks for.
    enum Question {
        case read(Query)
        case write(Operation)
        case cluster
    }

    /// A write that was answered and whose `Idempotency-Key` is still good.
    struct Answered {
        var key: [UInt8]
        var operation: Operation
        var outcome: Outcome
        var invokedAt: UInt64
    }

    enum Purpose {
        case history
        /// To be answered with what the first one was answered.
        case repetition(Outcome)
        /// To be refused.
        case misuse
    }

    struct Doing {
        var kind: ClientWorkload.Kind
        var question: Question
        var purpose = Purpose.history
        var consistency = ReadConsistency.linearizable
        var minimum = Revision.zero
        var retry = RetryIdentity.none
        var timeoutMilliseconds: UInt64 = 0
        var process = 0
        var invoked: Int
        /// What it is answered from was the present at some time since this position: a local read may be answered
        /// from before it began, but not from before `minimum`.
        var since: Int
        var invokedAt: UInt64
        /// The highest revision that anyone had been shown when it began.
        var newest: Revision
        var compactedBelow: Revision

        var attempts = 0
        /// An earlier attempt may have taken effect.
        var mayHaveHappened = false
        /// When the last attempt began, in virtual microseconds.
        var requestedAt: UInt64 = 0
        /// The request that is under way.
        var request: RequestID?
        /// When the client goes away.
        var abandonAt: UInt64?
        /// The members knew the library's identity when the last attempt began.
        var wasKnown = false
        /// What the pages of a listing have brought so far.
        var listing: Listing?
    }

    struct Listing {
        var names: [HistoryValue] = []
        /// Of the state that answered the first page.
        var judged: Revision
        var revision: Revision
        var childRevision: Revision
        var last: Key
        var shown: Node
    }

    let number: Int
    let manner: ClientWorkload.Manner
    let ledger: ClientLedger?
    /// The number of its operations so far.
    var sequence: UInt64 = 0
    /// The name under which it stands in the history; another one after each unknown outcome.
    var process: Int
    private let clientsCount: Int
    var doing: Doing?
    /// When it wakes up by itself; other times are of plans that it gave up.
    var wakeAt: UInt64?
    /// How often it has chosen whom to ask since a quorum was healed.
    var turns = 0
    /// Operations that it began after that quorum had to serve.
    var finalRounds = 0
    /// An operation of unknown outcome, to be asked for again under its key.
    var shelved: Doing?

    /// The highest revision that it was shown.
    var seen = Revision.zero
    /// A position at or before the moment at which `seen` was the present.
    var seenSince = 0
    /// Modify revisions that it was shown, for conditions.
    var read: [(key: Key, revision: Revision)] = []
    /// Nodes of sequential names.
    var made: [Key] = []
    var answered: [Answered] = []

    private init(number: Int, of clientsCount: Int, manner: ClientWorkload.Manner, ledger: ClientLedger?) {
        self.number = number
        self.manner = manner
        self.ledger = ledger
        self.clientsCount = clientsCount
        process = number
    }

    /// Its last operation may still take effect, so it goes on as someone else.
    mutating func changeProcess() {
        process += clientsCount
    }

    /// The clients of a run.
    static func all(of workload: ClientWorkload, random: inout SeededRandom) -> [SimulatedClient] {
        var shared: (ledger: ClientLedger, users: Int)?
        var clients: [SimulatedClient] = []
        for (number, manner) in workload.manners.enumerated() {
            var ledger: ClientLedger?
            if manner == .library {
                if shared.map({ $0.users == workload.callsOpenMax }) ?? true {
                    shared = (ClientLedger(id: UInt128(random.next()) << 64 | UInt128(number)), 0)
                }
                shared?.users += 1
                ledger = shared?.ledger
            }
            clients.append(
                SimulatedClient(
                    number: number, of: workload.manners.count, manner: manner, ledger: ledger))
        }
        return clients
    }

    // MARK: Requests

    /// What it asks a member for. The same again for another attempt.
    func body(of doing: Doing) -> ReplicaRequest.Body {
        switch doing.question {
        case .cluster: return .cluster
        case .read(let query):
            guard let listing = doing.listing, case .list(var list) = query else {
                return .read(query, doing.consistency, minimum: doing.minimum)
            }
            list.at = listing.revision
            list.after = listing.last
            return .read(.list(list), doing.consistency, minimum: max(doing.minimum, listing.revision))
        case .write(let operation):
            guard case .client(var call) = doing.retry else { return .write(operation, doing.retry) }
            call.done = ledger?.done(for: call.client) ?? call.done
            return .write(operation, .client(call))
        }
    }

    // MARK: Remembering

    /// It was shown a state that was the present at some time since `position`.
    mutating func saw(_ revision: Revision, since position: Int) {
        guard revision > seen else { return }
        seen = revision
        seenSince = position
    }

    mutating func saw(_ node: Node) {
        if let index = read.firstIndex(where: { $0.key == node.key }) {
            read[index].revision = max(read[index].revision, node.modifyRevision)
        } else {
            if read.count == SimulatedClient.remembered { read.removeFirst() }
            read.append((node.key, node.modifyRevision))
        }
    }

    mutating func made(_ key: Key) {
        if made.count == SimulatedClient.remembered { made.removeFirst() }
        made.append(key)
    }

    /// Keeps an answer for a repetition under its key.
    mutating func remember(_ operation: Operation, key: [UInt8], outcome: Outcome, invokedAt: UInt64) {
        if answered.count == SimulatedClient.remembered { answered.removeFirst() }
        answered.append(Answered(key: key, operation: operation, outcome: outcome, invokedAt: invokedAt))
    }

    private static let remembered = 6
}
