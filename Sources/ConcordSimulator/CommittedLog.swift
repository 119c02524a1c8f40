import ConcordModel
import ConcordRaft
import ConcordState

extension ClusterSimulation {
    /// The log that the cluster agreed on, one command a line, with what came of it.
    package var committedLog: [String] {
        var state = StateMachine()
        var lines: [String] = []
        for entry in invariants.committedEntries {
            state.beginEntry(epoch: Epoch(entry.term.rawValue), clock: entry.clock)
            let place = "\(entry.index.rawValue) of term \(entry.term.rawValue)"
            guard entry.kind == .commands else {
                lines.append("\(place): \(entry.kind)")
                continue
            }
            guard let commands = try? CommandBatch.decode(entry.payload) else {
                lines.append("\(place): not readable")
                continue
            }
            for command in commands {
                let outcome = state.apply(command)
                lines.append("\(place), revision \(outcome.revision.rawValue): \(command) → \(outcome)")
            }
        }
        return lines
    }
}
