import ConcordBytes
package import ConcordRaft

/// What became of a list of steps.
package struct ExplorerReplay: Equatable, Sendable {
    /// Steps that could be taken.
    package var stepsTaken = 0
    /// The rule that the last step broke.
    package var rule: String?
    /// Of the last state: equal for equal states, whichever explorer met them.
    package var digest: UInt128 = 0
}

extension Explorer {
    /// Takes `steps` one after another, with nothing known of any other way: every core has really been given
    /// all that the steps say.
    package static func replay(
        _ steps: [ExplorerStep], _ settings: ExplorerSettings,
        extraRule: (@Sendable ([Standing]) -> String?)? = nil
    ) -> ExplorerReplay {
        var explorer = Explorer(settings, extraRule: extraRule)
        var state = explorer.firstState()
        var replay = ExplorerReplay()
        for step in steps {
            guard let code = explorer.steps(in: state).first(where: { explorer.describe($0) == step }) else { break }
            let successor = explorer.take(code, in: state)
            if let successor {
                state = successor
                explorer.problem = explorer.objection(to: state, changed: code.member)
            }
            guard successor != nil || explorer.problem != nil else { break }
            replay.stepsTaken += 1
            replay.rule = explorer.problem
            if explorer.problem != nil { break }
        }
        replay.digest = explorer.digest(of: state)
        return replay
    }

    /// Numbers of a catalogue differ from one explorer to the next; what they stand for does not.
    func digest(of state: ExplorerState) -> UInt128 {
        var hash = SipHashStream()
        for member in 0..<3 { hash.add(catalogue.members[Int(state[member])].digest) }
        let history = histories[Int(state.history)]
        catalogue.logs[Int(history.committed)].digest(into: &hash)
        for term in history.committedIn { hash.add(term) }
        for leader in history.leaders { hash.add(UInt64(leader)) }
        for barrier in history.barriers {
            hash.add(UInt64(barrier.asker))
            hash.add(barrier.committed.map { UInt64($0) + 1 } ?? 0)
        }
        for message in state.messages.map({ catalogue.messageDigests[Int($0)] }).sorted() { hash.add(message) }
        return hash.finish()
    }
}
