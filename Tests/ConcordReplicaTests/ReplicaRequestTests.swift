import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState
import ConcordStorage
import Testing

@Suite struct ReplicaRequestTests {
    @Test func aWriteAtAnyMemberIsReadAtEveryOther() {
        var cluster = MemberHarness(members: 3)
        _ = cluster.elect()
        for member in 0..<3 {
            cluster.request(UInt64(member), at: member, cluster.put("/k", "from \(member)"))
            cluster.pass(milliseconds: 2)
            #expect(cluster.reply(to: UInt64(member))?.isApplied == true)
            for reader in 0..<3 {
                let id = UInt64(100 + member * 10 + reader)
                cluster.request(id, at: reader, cluster.get("/k"))
                cluster.pass(milliseconds: 2)
                #expect(cluster.reply(to: id)?.value == "from \(member)")
            }
        }
    }

    @Test func oneKeyAtTwoMembersIsOneRevision() {
        var cluster = MemberHarness(members: 3)
        _ = cluster.elect()
        let body = cluster.put("/k", "once", retry: .key([UInt8]("retry-1".utf8)))
        cluster.request(1, at: 0, body)
        cluster.pass(milliseconds: 2)
        cluster.request(2, at: 1, body)
        cluster.pass(milliseconds: 2)
        guard case .outcome(let first)? = cluster.reply(to: 1)?.result,
            case .outcome(let second)? = cluster.reply(to: 2)?.result
        else {
            Issue.record("no outcomes")
            return
        }
        #expect(first.revision == second.revision)
        #expect(!first.replayed && second.replayed)
        #expect(first.verdict == second.verdict)
        #expect(cluster.replicas[2].state.revision == first.revision)
    }

    @Test func withoutALeaderRequestsWaitForOne() {
        var cluster = MemberHarness(members: 3)
        let leader = cluster.elect()
        cluster.unreachable = [leader]
        let other = (leader + 1) % 3
        cluster.request(1, at: other, timeout: 5000, cluster.put("/k", "patient"))
        cluster.request(2, at: other, timeout: 5000, cluster.get("/k"))
        cluster.settle()
        #expect(cluster.reply(to: 1) == nil)
        _ = cluster.elect()
        cluster.pass(milliseconds: 1500)
        #expect(cluster.reply(to: 1)?.isApplied == true)
        #expect(cluster.reply(to: 2) != nil)
    }

    @Test func aRequestThatNobodyTookEndsAsNoLeader() {
        var cluster = MemberHarness(members: 3)
        cluster.unreachable = [0, 1, 2]
        cluster.request(1, at: 0, timeout: 300, cluster.put("/k", "v"))
        cluster.request(2, at: 0, timeout: 300, cluster.get("/k"))
        cluster.pass(milliseconds: 299)
        #expect(cluster.replies.isEmpty)
        cluster.pass(milliseconds: 60)
        for id: UInt64 in [1, 2] {
            guard case .noLeader(let after)? = cluster.reply(to: id)?.failure else {
                Issue.record("request \(id) got \(String(describing: cluster.reply(to: id)))")
                continue
            }
            #expect(after > 0)
        }
    }

    @Test func aWriteThatALeaderTookAndCannotCommitEndsAsUnknown() {
        var cluster = MemberHarness(members: 3)
        let leader = cluster.elect()
        cluster.request(1, at: leader, timeout: 200, cluster.put("/k", "v"))
        cluster.unreachable = [leader]
        cluster.pass(milliseconds: 260)
        #expect(cluster.reply(to: 1)?.failure == .outcomeUnknown)
    }

    @Test func anIsolatedLeaderAnswersNoRead() {
        var cluster = MemberHarness(members: 3)
        let leader = cluster.elect()
        cluster.request(1, at: leader, cluster.put("/k", "old"))
        cluster.pass(milliseconds: 5)
        cluster.unreachable = [leader]
        cluster.request(2, at: leader, timeout: 2000, cluster.get("/k"))
        cluster.settle()
        #expect(cluster.reply(to: 2) == nil)
        let next = cluster.elect()
        cluster.request(3, at: next, cluster.put("/k", "new"))
        cluster.pass(milliseconds: 5)
        #expect(cluster.reply(to: 3)?.isApplied == true)
        cluster.unreachable = []
        cluster.pass(milliseconds: 500)
        #expect(cluster.reply(to: 2)?.value == "new")
    }

    @Test func aLocalReadAsksNobody() {
        var cluster = MemberHarness(members: 3)
        let leader = cluster.elect()
        cluster.request(1, at: leader, cluster.put("/k", "v"))
        cluster.pass(milliseconds: 60)
        cluster.unreachable = [0, 1, 2]
        let follower = (leader + 1) % 3
        cluster.request(2, at: follower, cluster.get("/k", .local))
        cluster.settle()
        #expect(cluster.reply(to: 2)?.value == "v")
    }

    @Test func aReadWaitsForItsMinimumRevision() {
        var cluster = MemberHarness(members: 3)
        let leader = cluster.elect()
        cluster.request(1, at: leader, cluster.put("/k", "one"))
        cluster.pass(milliseconds: 5)
        let next = cluster.replicas[leader].state.revision.rawValue + 1
        cluster.request(2, at: leader, timeout: 1000, cluster.get("/k", .local, minimum: next))
        cluster.request(3, at: leader, timeout: 100, cluster.get("/k", .local, minimum: next + 5))
        cluster.pass(milliseconds: 20)
        #expect(cluster.reply(to: 2) == nil)
        cluster.request(4, at: leader, cluster.put("/k", "two"))
        cluster.pass(milliseconds: 5)
        #expect(cluster.reply(to: 2)?.value == "two")
        cluster.pass(milliseconds: 150)
        #expect(cluster.reply(to: 3)?.failure == .timeout)
    }

    /// Thirty of them held a leader longer than an election timeout when all were answered in one turn.
    @Test func laboriousReadsAreAnsweredOneATurn() {
        var cluster = MemberHarness(members: 1)
        let leader = cluster.elect()
        for batch in 0..<6 as Range<UInt64> {
            for number in 0..<5000 as Range<UInt64> {
                cluster.request(batch * 5000 + number, at: leader, cluster.put("/k", "x"))
            }
            cluster.pass(milliseconds: 10)
        }
        cluster.replies = []
        let old = NodeQuery(key: Key(text: "/k"), at: Revision(1))
        for number in 0..<30 as Range<UInt64> {
            cluster.request(100_000 + number, at: leader, .read(.node(old), .linearizable, minimum: .zero))
        }
        cluster.request(200_000, at: leader, cluster.put("/other", "x"))
        var turns = 0
        while cluster.replies.count < 31, turns < 100 {
            let before = cluster.replies.count
            cluster.settle()
            turns += 1
            #expect(cluster.replies.count - before <= 5, "several rounds of one settling, one answer each")
            if turns == 2 { #expect(cluster.reply(to: 200_000)?.isApplied == true, "a write waited for all reads") }
            if cluster.replies.count < 31 { #expect(cluster.replicas[leader].nextDeadline <= cluster.now) }
        }
        #expect(cluster.replies.count { $0.value == "x" } == 30)
    }

    @Test func theClusterIsDescribedAtEveryMember() {
        var cluster = MemberHarness(members: 3)
        let leader = cluster.elect()
        for member in 0..<3 { cluster.request(UInt64(member), at: member, .cluster) }
        cluster.pass(milliseconds: 5)
        for member in 0..<3 {
            guard case .cluster(let view)? = cluster.reply(to: UInt64(member))?.result else {
                Issue.record("no answer at \(member)")
                continue
            }
            #expect(view.leader == MemberID(UInt128(leader + 1)))
            #expect(view.members.count == 3)
            #expect(view.members.allSatisfy { $0.matchIndex != nil })
        }
    }

    @Test func moreWaitingRequestsThanTheLimitAreRefused() {
        var cluster = MemberHarness(members: 3)
        cluster.unreachable = [0, 1, 2]
        for id in 0..<UInt64(ReplicaLimits.waitingRequestsMax) {
            cluster.request(id, at: 0, cluster.get("/k"))
        }
        cluster.settle()
        #expect(cluster.replies.isEmpty)
        cluster.request(999_999, at: 0, cluster.get("/k"))
        cluster.settle()
        #expect(cluster.reply(to: 999_999)?.failure == .overloaded)
    }

    @Test func aMemberThatIsNotFormedSaysSo() {
        var replica = Replica(
            ReplicaStart(
                record: .init(id: MemberID(1), name: "a", boot: 1), hardState: .init(term: .zero, votedFor: nil),
                entries: [], listed: [.init(name: "a", peerAddress: "a:1"), .init(name: "b", peerAddress: "b:1")],
                clientURL: "http://a", build: "test", raft: RaftSettings(), seed: 1, now: 0))
        replica.step(
            .request(
                ReplicaRequest(
                    id: RequestID(1), timeoutMilliseconds: 100,
                    body: .read(.node(NodeQuery(key: Key(text: "/k"))), .linearizable, minimum: .zero))))
        #expect(replica.takeEffects().replies.first?.failure == .recovering)
    }

    /// Commands that a peer forwards under another member's name, or as a leader's own decision, are dropped.
    @Test func aForwardUnderAnotherNameIsIgnored() {
        var cluster = MemberHarness(members: 3)
        let leader = cluster.elect()
        let before = cluster.replicas[leader].status.lastIndex
        let operation = Operation.put(PutOperation(key: Key(text: "/k"), value: [1]))
        let sender = MemberID(UInt128((leader + 1) % 3 + 1))
        let foreign = Command(
            operation: operation, origin: Origin(member: 77, boot: 1, sequence: 1, done: 0))
        let decided = Command(
            operation: operation, origin: Origin(member: sender.rawValue, boot: 1, sequence: 1, done: 0),
            decidedIn: Epoch(1))
        let bare = Command(operation: operation)
        let leaders = Command(
            operation: .raiseFeatureLevel(1), origin: Origin(member: sender.rawValue, boot: 1, sequence: 1, done: 0))
        for command in [foreign, decided, bare, leaders] {
            cluster.replicas[leader].step(.peerMessage(from: sender, .forward(command)))
        }
        cluster.settle()
        #expect(cluster.replicas[leader].status.lastIndex == before)
    }

    @Test func aResigningLeaderHandsOverWithoutLosingARequest() {
        var cluster = MemberHarness(members: 3)
        let leader = cluster.elect()
        cluster.request(1, at: leader, timeout: 3000, cluster.put("/k", "kept"))
        cluster.replicas[leader].step(.resign)
        cluster.request(2, at: leader, timeout: 3000, cluster.get("/k"))
        cluster.pass(milliseconds: 600)
        #expect(cluster.reply(to: 1)?.isApplied == true)
        guard case .answer? = cluster.reply(to: 2)?.result else {
            Issue.record("the read was not answered")
            return
        }
        cluster.request(3, at: leader, cluster.get("/k"))
        cluster.pass(milliseconds: 5)
        #expect(cluster.reply(to: 3)?.value == "kept")
        #expect(cluster.replicas[leader].status.standing.role != .leader)
    }
}
