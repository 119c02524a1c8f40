import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState
import ConcordStorage
import Testing

/// What happens to requests whose first way to the leader fails, each by the execution that once went wrong.
@Suite struct ReplicaResendTests {
    /// The messages of a turn of `member`, given to nobody.
    private func turn(_ cluster: inout MemberHarness, _ member: Int) -> [PeerMessage] {
        cluster.replicas[member].takeEffects().messages.map(\.message)
    }

    private func forwards(_ messages: [PeerMessage]) -> [UInt64] {
        messages.compactMap { message in
            guard case .forward(let command) = message else { return nil }
            return command.origin?.sequence
        }
    }

    private func tick(_ cluster: inout MemberHarness, _ member: Int, at time: UInt64) {
        cluster.replicas[member].step(.tick(now: time, wallMilliseconds: 1))
    }

    /// Two refusals some milliseconds apart: the timer of the earlier one must not make the later one be forgotten.
    @Test func refusalsAtDifferentTimesAreAllTriedAgain() {
        var cluster = MemberHarness(members: 3)
        let leader = cluster.elect()
        let follower = (leader + 1) % 3
        let id = cluster.replicas[leader].record.id
        cluster.request(1, at: follower, timeout: 5000, cluster.put("/a", "1"))
        cluster.request(2, at: follower, timeout: 5000, cluster.put("/b", "2"))
        #expect(forwards(turn(&cluster, follower)) == [1, 2])
        let start = cluster.now
        func refusal(_ sequence: UInt64) -> ReplicaInput {
            .peerMessage(from: id, .forwardRefused(boot: 1, sequence: sequence, overloaded: false))
        }
        cluster.replicas[follower].step(refusal(1))
        tick(&cluster, follower, at: start + 10)
        cluster.replicas[follower].step(refusal(2))
        var again: [UInt64] = []
        for time in start + 11...start + 60 {
            tick(&cluster, follower, at: time)
            again += forwards(turn(&cluster, follower))
        }
        #expect(again == [1, 2])
    }

    /// Whoever got it has said that it did not take it: so a write of any kind is told that its time is over, and not
    /// that its outcome is unknown.
    @Test(arguments: [
        Operation.put(PutOperation(key: Key(text: "/a"), value: [1])),
        .createSequential(
            CreateSequentialOperation(parent: Key(text: "/a"), prefix: [], value: nil, width: 20, createsParents: true)),
        .increment(IncrementOperation(key: Key(text: "/a"), amount: 1)),
        .delete(DeleteOperation(key: Key(text: "/a"))),
        .changeSettings([SettingValue(.valueBytesMax, 7)]),
    ])
    func aWriteThatWaitsBehindARefusalUntilItsTimeIsOverHasNotHappened(_ operation: Operation) {
        var cluster = MemberHarness(members: 3)
        let leader = cluster.elect()
        let follower = (leader + 1) % 3
        cluster.request(1, at: follower, timeout: 10, .write(operation, .none))
        let refusal = PeerMessage.forwardRefused(boot: 1, sequence: 1, overloaded: false)
        var failures: [RequestFailure?] = []
        for time in cluster.now...cluster.now + 60 {
            tick(&cluster, follower, at: time)
            let effects = cluster.replicas[follower].takeEffects()
            failures += effects.replies.map(\.failure)
            for _ in forwards(effects.messages.map(\.message)) {
                cluster.replicas[follower].step(.peerMessage(from: cluster.replicas[leader].record.id, refusal))
            }
        }
        #expect(failures == [.timeout])
    }

    /// A refusal that was meant for a write of the boot before says nothing of this boot's.
    @Test func aRefusalOfAnotherBootIsIgnored() {
        var cluster = MemberHarness(members: 3)
        let leader = cluster.elect()
        let follower = (leader + 1) % 3
        cluster.request(1, at: follower, timeout: 100, cluster.put("/a", "1"))
        _ = turn(&cluster, follower)
        let late = PeerMessage.forwardRefused(boot: 0, sequence: 1, overloaded: true)
        cluster.replicas[follower].step(.peerMessage(from: cluster.replicas[leader].record.id, late))
        #expect(cluster.replicas[follower].takeEffects().replies.isEmpty)
        cluster.unreachable = [0, 1, 2]
        cluster.pass(milliseconds: 160)
        #expect(cluster.reply(to: 1)?.failure == .outcomeUnknown)
    }

    @Test func anOverloadedLeadersRefusalIsToldAtOnce() {
        var cluster = MemberHarness(members: 3)
        let leader = cluster.elect()
        let follower = (leader + 1) % 3
        cluster.request(1, at: follower, cluster.put("/a", "1"))
        _ = turn(&cluster, follower)
        let refusal = PeerMessage.forwardRefused(boot: 1, sequence: 1, overloaded: true)
        cluster.replicas[follower].step(.peerMessage(from: cluster.replicas[leader].record.id, refusal))
        #expect(cluster.replicas[follower].takeEffects().replies.first?.failure == .overloaded)
    }

    private func barriers(_ messages: [PeerMessage]) -> [UInt64] {
        messages.compactMap { message in
            guard case .raft(let raft) = message, case .barrierRequest(let request) = raft.body else { return nil }
            return request.id
        }
    }

    /// The answer to a barrier of an earlier boot may arrive late; it must not fit any barrier of this boot.
    @Test func barriersOfTwoBootsHaveDifferentIds() {
        var ids: [UInt64] = []
        for boot: UInt64 in 1...2 {
            var cluster = MemberHarness(members: 3, boot: boot)
            let leader = cluster.elect()
            let follower = (leader + 1) % 3
            cluster.request(1, at: follower, cluster.get("/a"))
            ids += barriers(turn(&cluster, follower))
        }
        #expect(ids.count == 2 && Set(ids).count == 2)
    }

    @Test func anAnnouncementIsNotAnsweredWithAnother() {
        let listed = ["a", "b", "c"].map { ListedMember(name: $0, peerAddress: "\($0):1") }
        var member = Replica(
            ReplicaStart(
                record: .init(id: MemberID(1), name: "a", boot: 1), hardState: .init(term: .zero, votedFor: nil),
                entries: [], listed: listed, clientURL: "http://a", build: "test", raft: RaftSettings(), seed: 1, now: 0
            ))
        for (number, name) in [(UInt128(2), "b"), (3, "c")] {
            member.step(
                .peerConnected(
                    PeerIdentity(
                        id: MemberID(number), name: name, boot: 1, peerAddress: "\(name):1",
                        clientURL: "http://\(name)", featureLevel: 1, build: "test", clusterID: nil)))
        }
        #expect(member.takeEffects().messages.count == 2)
        for _ in 0..<10 {
            for peer: UInt128 in [2, 3] {
                member.step(.peerMessage(from: MemberID(peer), .announce(ClusterID(77))))
            }
        }
        let effects = member.takeEffects()
        #expect(effects.messages.isEmpty)
        #expect(effects.notices.contains(.listDiffers(peer: MemberID(2))))
    }

    /// A restarted member's state is empty until it hears what is committed; it must not show that to anyone.
    @Test func aRestartedMemberShowsNoOldState() {
        var cluster = MemberHarness(members: 3)
        let leader = cluster.elect()
        cluster.request(1, at: leader, cluster.put("/k", "v"))
        cluster.pass(milliseconds: 100)
        let follower = (leader + 1) % 3
        cluster.restart(follower)
        cluster.unreachable = [follower]
        cluster.request(2, at: follower, timeout: 5000, cluster.get("/k", .local))
        cluster.pass(milliseconds: 300)
        #expect(cluster.reply(to: 2) == nil)
        cluster.unreachable = []
        cluster.pass(milliseconds: 2000)
        #expect(cluster.reply(to: 2)?.value == "v")
    }

    /// A follower applies what is committed, also when its own disk has not got so far. When it starts again it must
    /// not show less, although it holds entries of the term whose leader it hears and gets the lost ones one by one.
    @Test func aRestartedMemberShowsNoLessThanItHadAppliedBeforeItWasDurable() {
        var cluster = MemberHarness(members: 3, raft: RaftSettings(appendEntriesMax: 1))
        let leader = cluster.elect()
        let follower = (leader + 1) % 3
        cluster.request(1, at: leader, cluster.put("/k", "old"))
        cluster.pass(milliseconds: 100)
        // The follower's disk does nothing any more, and nobody hears of it.
        for (id, value) in [(UInt64(2), "new"), (3, "newest")] {
            cluster.request(id, at: leader, cluster.put("/k", value))
            for _ in 0..<5 {
                cluster.settle(sparing: follower)
                _ = cluster.replicas[follower].takeEffects()
            }
        }
        cluster.request(4, at: follower, cluster.get("/k", .local))
        cluster.replies.append(contentsOf: cluster.replicas[follower].takeEffects().replies)
        #expect(cluster.reply(to: 4)?.value == "newest")
        cluster.restart(follower)
        cluster.request(5, at: follower, timeout: 5000, cluster.get("/k", .local))
        cluster.pass(milliseconds: 2000)
        #expect(cluster.reply(to: 5)?.value == "newest")
    }

    /// A leader that has just fallen refuses barriers, and a follower that has not heard of it asks it again: not
    /// as fast as the network carries questions and refusals.
    @Test func aRefusedBarrierWaitsBeforeItIsAskedForAgain() {
        var cluster = MemberHarness(members: 3)
        let leader = cluster.elect()
        let follower = (leader + 1) % 3
        cluster.request(1, at: follower, timeout: 5000, cluster.get("/a"))
        let start = cluster.now
        var asked = 0
        // The network carries ten questions and refusals in a millisecond.
        for time in start..<start + 100 {
            tick(&cluster, follower, at: time)
            for _ in 0..<10 {
                for barrier in barriers(turn(&cluster, follower)) {
                    asked += 1
                    let refusal = Message(
                        from: cluster.replicas[leader].record.id, to: cluster.replicas[follower].record.id,
                        term: cluster.replicas[follower].status.standing.term,
                        body: .barrierResponse(.init(id: barrier, index: nil)))
                    cluster.replicas[follower].step(.peerMessage(from: refusal.from, .raft(refusal)))
                }
            }
        }
        #expect(asked == 100 / Int(ReplicaLimits.refusedRetryMilliseconds))
        // Another leader is asked at once.
        let successor = cluster.replicas[(leader + 2) % 3].record.id
        let heartbeat = Message(
            from: successor, to: cluster.replicas[follower].record.id,
            term: cluster.replicas[follower].status.standing.term.next,
            body: .heartbeat(.init(round: 1, clusterClock: 0)))
        cluster.replicas[follower].step(.peerMessage(from: successor, .raft(heartbeat)))
        let effects = cluster.replicas[follower].takeEffects()
        for write in effects.logWrites { cluster.replicas[follower].step(.logDurable(write.sequence)) }
        #expect(barriers(effects.messages.map(\.message) + turn(&cluster, follower)).count == 1)
    }

    @Test func aLostQuestionForPositionsIsAskedAgain() {
        var cluster = MemberHarness(members: 3)
        let leader = cluster.elect()
        let follower = (leader + 1) % 3
        cluster.request(1, at: follower, timeout: 5000, .cluster)
        var asked = false
        for _ in 0..<50 where !asked {
            let messages = cluster.replicas[follower].takeEffects().messages
            asked = messages.contains { if case .positionsRequest = $0.message { true } else { false } }
            guard !asked else { break }
            for (peer, message) in messages {
                cluster.replicas[Int(peer.rawValue) - 1].step(
                    .peerMessage(from: cluster.replicas[follower].record.id, message))
            }
            cluster.settle(sparing: follower)
        }
        #expect(asked, "the question was never asked")
        cluster.pass(milliseconds: 1500)
        #expect(cluster.reply(to: 1) != nil)
    }

    @Test func aSpanOfUnansweredWritesIsBounded() {
        #expect(ReplicaLimits.writesSpanMax * 2 <= Int(StateLimits.originOpenMax))
    }
}
