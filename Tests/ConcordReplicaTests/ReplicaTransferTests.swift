import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordStorage
import Testing

/// Leadership that a client wants elsewhere, and that of a member that is told to end.
@Suite struct ReplicaTransferTests {
    private func leader(_ cluster: MemberHarness, _ id: UInt64) -> LeaderView? {
        guard case .leader(let view)? = cluster.reply(to: id)?.result else { return nil }
        return view
    }

    private func leads(_ cluster: MemberHarness, _ member: Int) -> Bool { cluster.replicas[member].isLeader }

    /// Three members that have settled, and who leads.
    private func settled() -> (MemberHarness, leader: Int) {
        var cluster = MemberHarness(members: 3)
        let leader = cluster.elect()
        cluster.pass(milliseconds: 60)
        return (cluster, leader)
    }

    @Test(arguments: 0..<3)
    func anyMemberMovesLeadershipAndSaysWhoLeads(asked: Int) {
        for byName in [true, false] {
            var (cluster, old) = settled()
            let (target, term) = ((old + 1) % 3, cluster.replicas[old].raftTerm)
            let id = cluster.replicas[target].record.id
            cluster.request(1, at: asked, .transferLeadership(to: byName ? "m\(target + 1)" : id.description))
            cluster.pass(milliseconds: 5)
            #expect(leads(cluster, target) && !leads(cluster, old))
            let view = leader(cluster, 1)
            #expect(view?.id == id && view?.name == "m\(target + 1)")
            #expect(view.map { $0.term > term } == true && view?.term == cluster.replicas[target].raftTerm)
        }
    }

    @Test(arguments: 0..<3)
    func withoutANameTheLeaderChooses(asked: Int) {
        var (cluster, old) = settled()
        cluster.request(1, at: asked, .transferLeadership(to: nil))
        cluster.pass(milliseconds: 5)
        #expect(!leads(cluster, old))
        let view = leader(cluster, 1)
        #expect(view != nil && view?.id != cluster.replicas[old].record.id)
    }

    @Test(arguments: 0..<3)
    func whoeverLeadsAlreadyStays(asked: Int) {
        var (cluster, old) = settled()
        let term = cluster.replicas[old].raftTerm
        cluster.request(1, at: asked, .transferLeadership(to: "m\(old + 1)"))
        cluster.pass(milliseconds: 5)
        #expect(leader(cluster, 1)?.term == term)
        #expect(leads(cluster, old) && cluster.replicas[old].raftTerm == term)
    }

    @Test(arguments: 0..<3)
    func aMemberThatThereIsNotIsRefused(asked: Int) {
        var (cluster, old) = settled()
        let long = String(repeating: "x", count: RaftLimits.memberTextBytesMax + 1)
        for (number, name) in ["m4", "M1", MemberID(9).description, "", long].enumerated() {
            cluster.request(UInt64(number), at: asked, .transferLeadership(to: name))
            cluster.pass(milliseconds: 5)
            #expect(cluster.reply(to: UInt64(number))?.failure == .transferRefused(.unknownMember), "\(name)")
        }
        #expect(leads(cluster, old))
    }

    @Test func aMemberAloneHasNobodyToHandOverTo() {
        var cluster = MemberHarness(members: 1)
        _ = cluster.elect()
        cluster.request(1, at: 0, .transferLeadership(to: nil))
        cluster.pass(milliseconds: 5)
        #expect(cluster.reply(to: 1)?.failure == .transferRefused(.noCandidate))
        #expect(leads(cluster, 0))
    }

    /// Nothing is lost and nothing is refused: what comes while leadership moves goes to the next leader.
    @Test func requestsAtEveryMemberGoOnWhileLeadershipMoves() {
        var (cluster, _) = settled()
        var asked: UInt64 = 0
        for round in 0..<10 {
            let old = cluster.replicas.indices.first { cluster.replicas[$0].isLeader } ?? 0
            cluster.request(1000 + UInt64(round), at: round % 3, .transferLeadership(to: "m\((old + 1) % 3 + 1)"))
            for step in 0..<12 {
                for member in 0..<3 {
                    asked += 1
                    let body = step % 3 == 0 ? cluster.get("/k") : cluster.put("/k", "\(asked)")
                    cluster.request(asked, at: member, body)
                }
                // Some come between two turns of the members.
                if step % 2 == 0 { cluster.settle() } else { cluster.pass(milliseconds: 1) }
            }
            cluster.pass(milliseconds: 30)
            #expect(leader(cluster, 1000 + UInt64(round)) != nil, "round \(round)")
        }
        let failures = cluster.replies.compactMap(\.failure)
        #expect(failures.isEmpty)
        #expect(cluster.replies.count == Int(asked) + 10)
    }

    // MARK: When nothing comes of it

    /// The target goes away at the moment at which it is to take over.
    private func hindered(_ requests: (inout MemberHarness, _ leader: Int, _ other: Int) -> Void) -> (
        MemberHarness, leader: Int
    ) {
        var (cluster, old) = settled()
        let target = (old + 1) % 3
        cluster.unreachable = [target]
        cluster.request(1, at: old, timeout: 3000, .transferLeadership(to: "m\(target + 1)"))
        cluster.pass(milliseconds: 1)
        requests(&cluster, old, (old + 2) % 3)
        return (cluster, old)
    }

    @Test func writesWaitUntilTheLeaderGivesUpAndThenTakeEffectWithIt() {
        var (cluster, old) = hindered { cluster, leader, other in
            cluster.request(2, at: leader, timeout: 2000, cluster.put("/own", "v"))
            cluster.request(3, at: other, timeout: 2000, cluster.put("/forwarded", "v"))
            cluster.request(4, at: leader, timeout: 2000, cluster.get("/own"))
        }
        let term = cluster.replicas[old].raftTerm
        cluster.pass(milliseconds: 100)
        #expect(cluster.reply(to: 2) == nil && cluster.reply(to: 3) == nil)
        #expect(cluster.reply(to: 4) != nil, "reads need no new leader")
        cluster.pass(milliseconds: 160)
        #expect(cluster.reply(to: 1)?.failure == .transferRefused(.abandoned))
        #expect(cluster.reply(to: 2)?.isApplied == true && cluster.reply(to: 3)?.isApplied == true)
        #expect(leads(cluster, old) && cluster.replicas[old].raftTerm == term)
    }

    @Test func writesAtTheOldLeaderThatEndBeforeItGivesUpHaveNotHappened() {
        var (cluster, _) = hindered { cluster, leader, _ in
            cluster.request(2, at: leader, timeout: 50, cluster.put("/own", "v"))
        }
        cluster.pass(milliseconds: 120)
        #expect(cluster.reply(to: 2)?.failure == .timeout)
        cluster.pass(milliseconds: 300)
        cluster.request(3, at: 0, cluster.get("/own"))
        cluster.pass(milliseconds: 10)
        guard case .answer(.notFound)? = cluster.reply(to: 3)?.result else {
            Issue.record("a write that was said not to have happened did: \(String(describing: cluster.reply(to: 3)))")
            return
        }
    }

    @Test func anotherTransferMeanwhileIsRefusedAndTheSameOneJoins() {
        var (cluster, old) = hindered { cluster, leader, other in
            let target = (leader + 1) % 3
            cluster.request(2, at: other, timeout: 2000, .transferLeadership(to: "m\(other + 1)"))
            cluster.request(3, at: other, timeout: 2000, .transferLeadership(to: "m\(target + 1)"))
            cluster.request(4, at: leader, timeout: 2000, .transferLeadership(to: nil))
        }
        cluster.pass(milliseconds: 10)
        #expect(cluster.reply(to: 2)?.failure == .transferRefused(.busy))
        #expect(cluster.reply(to: 3) == nil && cluster.reply(to: 4) == nil)
        cluster.pass(milliseconds: 260)
        for id in UInt64(3)...4 { #expect(cluster.reply(to: id)?.failure == .transferRefused(.abandoned)) }
        cluster.request(5, at: old, .transferLeadership(to: "m\((old + 2) % 3 + 1)"))
        cluster.pass(milliseconds: 10)
        #expect(leads(cluster, (old + 2) % 3), "after that another one may be asked for")
    }

    @Test func aWishWhoseTimeEndsWhileLeadershipMovesSaysThatItMayStillHappen() {
        var (cluster, _) = hindered { cluster, leader, other in
            cluster.request(2, at: other, timeout: 60, .transferLeadership(to: nil))
        }
        cluster.pass(milliseconds: 150)
        #expect(cluster.reply(to: 2)?.failure == .outcomeUnknown)
    }

    @Test func withoutALeaderTheWishWaitsForOne() {
        var (cluster, old) = settled()
        cluster.unreachable = [old]
        let (one, other) = ((old + 1) % 3, (old + 2) % 3)
        cluster.pass(milliseconds: 1)
        cluster.replicas[one].step(.peerLost(cluster.replicas[old].record.id))
        cluster.settle()
        cluster.request(1, at: one, timeout: 20, .transferLeadership(to: "m\(one + 1)"))
        cluster.request(2, at: one, timeout: 5000, .transferLeadership(to: "m\(one + 1)"))
        cluster.unreachable = [0, 1, 2]
        cluster.pass(milliseconds: 120)
        guard case .noLeader? = cluster.reply(to: 1)?.failure else {
            Issue.record("the first wish got \(String(describing: cluster.reply(to: 1)))")
            return
        }
        cluster.unreachable = [old]
        cluster.pass(milliseconds: 2000)
        #expect(leader(cluster, 2)?.id == cluster.replicas[one].record.id)
        #expect(leads(cluster, one) || leads(cluster, other))
    }

    @Test func aLostAnswerIsAskedForAgain() {
        var (cluster, old) = settled()
        let asker = (old + 2) % 3
        cluster.request(1, at: asker, timeout: 5000, .transferLeadership(to: "m\(old + 1)"))
        let effects = cluster.replicas[asker].takeEffects()
        #expect(effects.messages.contains { if case .transferRequest = $0.message { true } else { false } })
        cluster.pass(milliseconds: 500)
        #expect(cluster.reply(to: 1) == nil)
        cluster.pass(milliseconds: 600)
        #expect(leader(cluster, 1)?.id == cluster.replicas[old].record.id)
    }

    /// An answer that a leader of before gave must not end a wish that was put to the next one.
    @Test func answersOfOthersThanTheAskedLeaderCountForNothing() throws {
        var (cluster, old) = settled()
        let asker = (old + 2) % 3
        cluster.request(1, at: asker, timeout: 5000, .transferLeadership(to: nil))
        var question: UInt64?
        for (_, message) in cluster.replicas[asker].takeEffects().messages {
            if case .transferRequest(let id, _) = message { question = id }
        }
        let id = try #require(question)
        for number in [asker, (old + 1) % 3] {
            cluster.replicas[asker].step(
                .peerMessage(
                    from: cluster.replicas[number].record.id, .transferResponse(id: id, .refused(.unknownMember))))
        }
        cluster.replicas[asker].step(
            .peerMessage(
                from: cluster.replicas[old].record.id, .transferResponse(id: id &+ 1, .refused(.unknownMember))))
        #expect(cluster.replicas[asker].takeEffects().replies.isEmpty)
        cluster.replicas[asker].step(
            .peerMessage(from: cluster.replicas[old].record.id, .transferResponse(id: id, .refused(.unresponsive))))
        #expect(cluster.replicas[asker].takeEffects().replies.first?.failure == .transferRefused(.unresponsive))
    }

    @Test func whoGoesAwayIsNotAnswered() {
        var (cluster, _) = hindered { cluster, _, other in
            cluster.request(2, at: other, timeout: 2000, .transferLeadership(to: nil))
            cluster.settle()
            cluster.replicas[other].step(.abandon(RequestID(2)))
        }
        cluster.pass(milliseconds: 400)
        #expect(cluster.reply(to: 1) != nil && cluster.reply(to: 2) == nil)
    }

    @Test func aMemberWithTheSameNameAsAnotherIsAskedForById() {
        var cluster = MemberHarness(members: 3, names: ["twin", "twin", MemberID(2).description])
        for target in [0, 1, 2, 1] {
            let old = cluster.elect()
            cluster.request(1, at: old, .transferLeadership(to: "twin"))
            cluster.pass(milliseconds: 5)
            #expect(cluster.reply(to: 1)?.failure == .transferRefused(.ambiguousName))
            cluster.replies = []
            // A name that looks like an id hides no member.
            cluster.request(2, at: old, .transferLeadership(to: MemberID(UInt128(target + 1)).description))
            cluster.pass(milliseconds: 5)
            #expect(leads(cluster, target))
        }
    }

    // MARK: A member that is told to end

    @Test func aLeaderThatIsToldToEndHandsOverAtOnceAndAnswersWhatItHas() {
        var (cluster, old) = settled()
        cluster.request(1, at: old, timeout: 3000, cluster.put("/k", "kept"))
        cluster.replicas[old].step(.stepDown)
        cluster.request(2, at: old, timeout: 3000, cluster.put("/after", "kept"))
        cluster.request(3, at: old, timeout: 3000, cluster.get("/k"))
        cluster.pass(milliseconds: 6)
        #expect(!leads(cluster, old))
        #expect(cluster.replicas.contains { $0.isLeader })
        #expect(cluster.reply(to: 1)?.isApplied == true && cluster.reply(to: 2)?.isApplied == true)
        #expect(cluster.reply(to: 3) != nil)
    }

    @Test func aLeaderThatCannotHandOverResigns() {
        var (cluster, old) = settled()
        // The first by id of two that are equal: it is chosen, and hears nothing of it.
        let target = cluster.replicas.indices.filter { $0 != old }.min() ?? 0
        cluster.unreachable = [target]
        cluster.replicas[old].step(.stepDown)
        cluster.request(1, at: old, timeout: 3000, cluster.put("/k", "v"))
        cluster.pass(milliseconds: 200)
        #expect(leads(cluster, old) || cluster.replicas.contains { $0.isLeader })
        cluster.pass(milliseconds: 400)
        #expect(!leads(cluster, old))
        #expect(cluster.reply(to: 1)?.isApplied == true)
    }

    @Test func aFollowerThatIsToldToEndChangesNothing() {
        var (cluster, old) = settled()
        let term = cluster.replicas[old].raftTerm
        cluster.replicas[(old + 1) % 3].step(.stepDown)
        cluster.pass(milliseconds: 500)
        #expect(leads(cluster, old) && cluster.replicas[old].raftTerm == term)
    }
}
