/// Judges transactions that append to lists and read them, after "Elle: Inferring Isolation Anomalies from
/// Experimental Observations" (Kingsbury, Alvaro; VLDB 2020): every value is appended once, so a read tells the whole
/// order of the appends before it, and what depends on what can be told from the reads alone. Dependencies, the order
/// of each process and real time make a graph of the transactions; strict serializability means that it has no cycle.
///
/// A transaction is a list of `["append", key, value]` and `["r", key, null]`; in its answer a read has the list. One
/// of unknown outcome counts as soon as a read shows something that it appended; a failed one never does.
package enum ListAppendChecker {
    package static func check(_ operations: [RecordedOperation]) -> Verdict {
        let history: AppendHistory
        do {
            history = try AppendHistory(operations)
        } catch {
            return .unknown(error.reason)
        }
        if let found = history.answerToSomethingElse { return .violation(found) }
        if let found = AppendReads.violation(of: history) { return .violation(found) }
        let graph = AppendDependencies.graph(of: history)
        guard graph.hasCycle(along: .all) else { return .valid }
        guard let cycle = AppendCycles.plainest(in: graph) else {
            return .unknown("a cycle of dependencies was there and could not be named")
        }
        return .violation(AppendCycles.violation(cycle, in: history))
    }
}
