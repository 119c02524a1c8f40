import ConcordRaft
import ConcordReplica
import Testing

/// What follows from hashes alone.
@Suite struct StateVerdictTests {
    private static func configuration(_ roles: [Configuration.Role]) -> Configuration {
        Configuration(
            members: roles.enumerated().map {
                .init(id: MemberID(UInt128($0 + 1)), name: "m\($0 + 1)", peerAddress: "m\($0 + 1):1", role: $1)
            })
    }

    /// - Parameter hashes: of the members 1, 2, …; 0 for one that told none. The first is the judging one's own.
    private func verdict(_ hashes: [UInt128], _ roles: [Configuration.Role]) -> StateVerdict {
        StateVerdict(of: MemberID(1), own: hashes[0], in: StateVerdictTests.configuration(roles)) { member in
            let hash = hashes[Int(member.rawValue) - 1]
            return hash == 0 ? nil : hash
        }
    }

    @Test func aMajorityOfTheVotersIsRight() {
        let three = [Configuration.Role](repeating: .voter, count: 3)
        let table: [([UInt128], StateVerdict)] = [
            ([1, 0, 0], .open), ([1, 1, 0], .agreed), ([1, 1, 2], .agreed), ([1, 2, 2], .outvoted),
            ([1, 2, 0], .undecided), ([1, 2, 3], .divided), ([1, 1, 1], .agreed),
        ]
        for (hashes, expected) in table { #expect(verdict(hashes, three) == expected, "\(hashes)") }
        let five = [Configuration.Role](repeating: .voter, count: 5)
        let more: [([UInt128], StateVerdict)] = [
            ([1, 1, 2, 2, 0], .undecided), ([1, 1, 2, 2, 3], .divided), ([1, 1, 0, 0, 0], .open),
            ([1, 2, 2, 2, 0], .outvoted), ([1, 2, 3, 0, 0], .undecided), ([1, 2, 3, 4, 0], .divided),
        ]
        for (hashes, expected) in more { #expect(verdict(hashes, five) == expected, "\(hashes)") }
    }

    @Test func halfIsNoMajority() {
        #expect(verdict([1, 2], [.voter, .voter]) == .divided)
        #expect(verdict([1, 1, 2, 2], .init(repeating: .voter, count: 4)) == .divided)
        #expect(verdict([1, 1, 2, 0], .init(repeating: .voter, count: 4)) == .undecided)
        #expect(verdict([1], [.voter]) == .agreed)
    }

    @Test func learnersAreNotCountedAndJudgeThemselves() {
        #expect(verdict([1, 1, 2, 2], [.voter, .voter, .learner, .learner]) == .agreed)
        #expect(verdict([1, 0, 2, 2], [.voter, .voter, .learner, .learner]) == .open)
        #expect(verdict([2, 1, 1, 1], [.learner, .voter, .voter, .voter]) == .outvoted)
        #expect(verdict([2, 1, 0, 0], [.learner, .voter, .voter, .voter]) == .open)
    }

    @Test func inAJointConfigurationBothHalvesMustAgree() {
        let roles: [Configuration.Role] = [.outgoing, .voter, .voter, .incoming, .incoming]
        // Old: 1, 2, 3. New: 2, 3, 4, 5.
        #expect(verdict([1, 1, 1, 0, 0], roles) == .open)
        #expect(verdict([1, 1, 1, 1, 0], roles) == .agreed)
        #expect(verdict([1, 1, 1, 2, 2], roles) == .divided)
        #expect(verdict([1, 2, 2, 2, 0], roles) == .outvoted)
    }

    @Test func aMemberRemembersHashesThatAnotherFarBehindWillPass() {
        var trail = HashTrail()
        for index in 1...UInt64(20_000) where HashTrail.remembers(LogIndex(index)) {
            trail.applied(LogIndex(index), hash: UInt128(index))
        }
        let indices = trail.points.map(\.index.rawValue)
        #expect(indices == indices.sorted() && Set(indices).count == indices.count)
        #expect(indices.count < ReplicaLimits.statePointsMax)
        #expect(indices.contains(20_000) && indices.contains(20_000 - 15 * 8))
        #expect(indices.contains(19_968) && indices.contains(19_968 - 15 * 512))
        #expect(trail.points.allSatisfy { $0.hash == UInt128($0.index.rawValue) })
    }
}
