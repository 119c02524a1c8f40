import ConcordClient
import ConcordLinux
import Synchronization

/// Writers of values of one size: first they fill nodes, each its share, then they replace them at random.
final class StateWriters: Sendable {
    /// A write that was acknowledged, in nanoseconds of the monotonic clock.
    struct Write: Sendable {
        var start: UInt64
        var end: UInt64
    }

    private let client: ConcordClient
    private let writers: Int
    private let nodes: Int
    private let filler: String
    private let filled = Atomic<Int>(0)
    private let writes = Mutex<[Write]>([])
    private let isStopped = Atomic<Bool>(false)

    /// - Parameter nodes: how many, of `valueBytes` each.
    init(_ client: ConcordClient, writers: Int, nodes: Int, valueBytes: Int) {
        self.client = client
        self.writers = writers
        self.nodes = nodes
        filler = String(repeating: "x", count: valueBytes)
    }

    func fill(_ report: @escaping @Sendable (Int) -> Void) async throws {
        try await client.put("/state", "")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<writers {
                group.addTask { [self] in
                    for node in stride(from: writer, to: nodes, by: writers) {
                        try await client.put("/state/\(node)", value(of: node))
                        report(filled.add(1, ordering: .relaxed).newValue)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Replaces values until `body` is done.
    /// - Returns: every write, in the order of their ends.
    func replace(while body: @escaping @Sendable () async throws -> Void) async throws -> [Write] {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<writers {
                group.addTask { [self] in
                    while !isStopped.load(ordering: .relaxed) {
                        let node = Int.random(in: 0..<nodes)
                        let start = SystemClock.monotonicNanoseconds()
                        try await client.put("/state/\(node)", value(of: Int(truncatingIfNeeded: start)))
                        let write = Write(start: start, end: SystemClock.monotonicNanoseconds())
                        writes.withLock { $0.append(write) }
                    }
                }
            }
            group.addTask { [self] in
                defer { isStopped.store(true, ordering: .relaxed) }
                try await body()
            }
            try await group.waitForAll()
        }
        return writes.withLock { $0 }
    }

    var count: Int { writes.withLock { $0.count } }

    /// Of the right size, and unlike the one before.
    private func value(of number: Int) -> ConcordValue {
        let text = "\(number) "
        return ConcordValue(text + filler.dropFirst(text.utf8.count))
    }
}
