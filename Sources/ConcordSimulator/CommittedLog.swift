import ConcordChecker
import ConcordModel
import ConcordRaft
import ConcordState

/// A command of the log that the cluster agreed on, with what comes of it.
struct AgreedCommand {
    var index: LogIndex
    var term: Term
    var command: Command
    var outcome: Outcome
}

extension ClusterSimulation {
    /// The log that every member holds or will hold, applied once more from the beginning.
    var agreedCommands: [AgreedCommand] {
        var state = StateMachine()
        if let initial = invariants.configurations.initial { state.configure(initial.members.map(\.inState)) }
        var agreed: [AgreedCommand] = []
        for entry in invariants.committedEntries {
            state.beginEntry(epoch: Epoch(entry.term.rawValue), clock: entry.clock)
            if entry.kind == .configuration, let configuration = Configuration(payload: entry.payload) {
                state.configure(configuration.members.map(\.inState))
            }
            guard entry.kind == .commands, let commands = try? CommandBatch.decode(entry.payload) else { continue }
            for command in commands {
                let outcome = state.apply(command)
                agreed.append(
                    AgreedCommand(index: entry.index, term: entry.term, command: command, outcome: outcome))
            }
        }
        return agreed
    }

    /// The changes among them, so that the checker need not guess which operations of unknown outcome happened.
    var committedOperations: [CommittedOperation] {
        var newest = Revision.zero
        return agreedCommands.compactMap { agreed in
            guard agreed.outcome.revision > newest, !agreed.outcome.replayed else { return nil }
            newest = agreed.outcome.revision
            guard let recorded = agreed.command.operation.recorded else { return nil }
            return CommittedOperation(
                revision: Int64(newest.rawValue), function: recorded.function, key: .text(recorded.key.text),
                argument: recorded.argument)
        }
    }

    /// For people: one command a line.
    package var committedLog: [String] {
        agreedCommands.map {
            "\($0.index.rawValue) of term \($0.term.rawValue), revision \($0.outcome.revision.rawValue): "
                + "\($0.command) → \($0.outcome)"
        }
    }
}
