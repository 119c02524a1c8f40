import ConcordBytes
import ConcordChecker
import ConcordSimulator
import Testing

/// What the clients do must be worth judging: every operation with every answer that it can get.
@Suite struct ClientWorkloadTests {
    private typealias Kind = ClientWorkload.Kind
    private typealias Answer = SeenByClients.Answer

    private static let failures: [Answer] = [.outcomeUnknown, .noLeader, .recovering, .broken, .abandoned]
    private static let reads: [Answer] = [.ok, .timeout, .noLeader, .recovering, .broken, .abandoned]

    /// Rare answers to writes, of whatever kind: one that waited behind a refusal until its time was over, and one
    /// whose repetition came when the history had forgotten it.
    private static let ofSomeWrite: [Answer] = [.timeout, .valuesOmitted]
    private static let writes: [Kind] = [.put, .createSequential, .increment, .delete]

    /// The answers that each kind of operation must have had in some run.
    private static func expected(_ kind: Kind) -> [Answer] {
        switch kind {
        case .get, .list, .count: reads + [.notFound, .compacted, .futureRevision]
        case .readSettings, .readCluster: [.ok, .timeout, .noLeader]
        case .put:
            failures + [
                .ok, .replayed, .parentNotFound, .revisionMismatch, .alreadyExists, .tooLarge, .limitExceeded, .noSpace,
                .overloadedTables, .clientExpired,
            ]
        case .createSequential: failures + [.ok, .replayed, .parentNotFound, .limitExceeded, .noSpace]
        case .increment: failures + [.ok, .replayed, .parentNotFound, .revisionMismatch, .conflict]
        case .delete:
            failures + [.ok, .replayed, .notFound, .notEmpty, .revisionMismatch, .alreadyExists, .limitExceeded]
        case .changeSettings: [.ok, .replayed, .outcomeUnknown]
        case .repeatKey: [.replayed, .valuesOmitted]
        case .misuseKey: [.idempotencyConflict]
        }
    }

    /// What never happens in the runs is not tested by them.
    @Test func everyOperationComesToEveryAnswer() {
        var counts: [[Int]] = Kind.allCases.map { _ in Answer.allCases.map { _ in 0 } }
        for seed: UInt64 in 20_001...20_800 {
            let simulation = ClusterSimulation(seed: seed)
            simulation.run()
            #expect(simulation.problems.isEmpty, "\(simulation.problems.joined(separator: "\n"))")
            for kind in Kind.allCases {
                for answer in Answer.allCases {
                    counts[kind.rawValue][answer.rawValue] += simulation.seen.count(kind, answer)
                }
            }
        }
        for kind in Kind.allCases {
            for answer in ClientWorkloadTests.expected(kind) {
                #expect(counts[kind.rawValue][answer.rawValue] > 0, "no run had a \(kind) answered with \(answer)")
            }
            #expect(counts[kind.rawValue][Answer.impossible.rawValue] == 0)
        }
        for answer in ClientWorkloadTests.ofSomeWrite {
            let count = ClientWorkloadTests.writes.reduce(0) { $0 + counts[$1.rawValue][answer.rawValue] }
            #expect(count > 0, "no run had a write answered with \(answer)")
        }
    }

    /// docs/histories.md has the words, and the checker takes no others.
    @Test func theHistoryIsToldInTheDocumentedWords() {
        let arguments: [String: Set<String>] = [
            "get": ["at"], "list": ["at", "scope"], "count": ["at", "scope"], "put": ["value", "if", "parents"],
            "create-sequential": ["prefix", "value", "width", "parents"], "increment": ["by", "if"],
            "delete": ["recursive", "batch", "if"],
        ]
        let answers: [String: Set<String>] = [
            "get": ["value", "version", "created", "modified", "children", "child_revision"], "list": ["names"],
            "count": ["number"],
            "put": ["version", "created", "modified", "children", "child_revision"],
            "create-sequential": ["key", "number"],
            "increment": ["number"], "delete": ["number"],
        ]
        var used: [String: Set<String>] = [:]
        for seed: UInt64 in 30_001...30_060 {
            let simulation = ClusterSimulation(seed: seed)
            simulation.run()
            for operation in simulation.seen.history {
                let words = ClientWorkloadTests.names(in: operation.argument)
                used[operation.function, default: []].formUnion(words)
                #expect(words.isSubset(of: arguments[operation.function] ?? []), "\(operation)")
                guard operation.outcome == .ok else { continue }
                #expect(operation.revision != nil)
                let told = ClientWorkloadTests.names(in: operation.result)
                #expect(told == ["refused"] || told.isSubset(of: answers[operation.function] ?? []), "\(operation)")
            }
        }
        #expect(used == arguments)
    }

    /// One process does one operation at a time, and events have the positions 0, 1, 2, …
    @Test func positionsAreThoseOfAHistory() {
        for seed: UInt64 in 30_101...30_120 {
            let simulation = ClusterSimulation(seed: seed)
            simulation.run()
            let history = simulation.seen.history
            var positions: [Int] = []
            var ends: [HistoryValue: Int] = [:]
            for operation in history.sorted(by: { $0.invoked < $1.invoked }) {
                positions.append(operation.invoked)
                if operation.returned != .max { positions.append(operation.returned) }
                #expect(operation.invoked < operation.returned)
                #expect(ends[operation.process].map { $0 < operation.invoked } ?? true, "\(operation)")
                ends[operation.process] = operation.returned
            }
            #expect(positions.sorted() == Array(0..<positions.count))
        }
    }

    @Test func workloadsDifferInKind() {
        var random = SeededRandom(seed: 1)
        let workloads = (0..<300).map { _ in ClientWorkload.drawn(from: &random) }
        #expect(workloads.contains { $0.keys.count == 1 && $0.weight(of: .delete) == 0 })
        #expect(workloads.contains { $0.keys.count > 5 && $0.weight(of: .createSequential) > 0 })
        #expect(workloads.contains { $0.thinkMicroseconds > 500_000 })
        #expect(workloads.contains { $0.thinkMicroseconds < 10_000 })
        #expect(workloads.contains { $0.manners.count == 1 })
        #expect(workloads.contains { $0.localPercent == 0 && $0.abandonPercent == 0 })
        #expect(workloads.contains { !$0.settings.isEmpty })
        #expect(workloads.allSatisfy { !$0.keys.isEmpty && $0.weight(of: .get) + $0.weight(of: .put) > 0 })
    }

    private static func names(in value: HistoryValue) -> Set<String> {
        guard case .map(let fields) = value else { return [] }
        return Set(fields.keys.compactMap(\.text))
    }
}
