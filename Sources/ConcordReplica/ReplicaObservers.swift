package import ConcordRaft
package import ConcordState

// For whoever watches a member from beside: cheap enough to be asked after every turn.

extension Replica {
    /// Entries up to this one are committed as far as this member knows.
    package var commitIndex: LogIndex { raft?.commitIndex ?? .zero }

    package var lastIndex: LogIndex { raft?.lastIndex ?? .zero }

    package var isLeader: Bool { standing.role == .leader }

    package var raftTerm: Term { raft?.standing.term ?? standing.term }

    /// To whom leadership is being handed over here.
    package var transferTarget: MemberID? { raft?.transferTarget }

    /// What this member says of its feature level.
    package var featureLevelTold: UInt16 { start.featureLevelTold }

    package var isFormed: Bool { raft != nil }

    /// Changes the state as failing memory would: for the tests and the simulator of what finds it.
    package mutating func damageState(_ body: (inout StateMachine) -> Bool) -> Bool { body(&state) }
}
