import ConcordRaft
import ConcordReplica
import ConcordStorage
import Testing

@Suite struct FormationTests {
    private let listed = ["a", "b", "c"].map { ListedMember(name: $0, peerAddress: "\($0):1") }

    private func identity(_ number: UInt128, _ name: String) -> PeerIdentity {
        PeerIdentity(
            id: MemberID(number), name: name, boot: 1, peerAddress: "\(name):1", clientURL: "http://\(name)",
            featureLevel: 1, build: "test", clusterID: nil)
    }

    private func formationOfA(listed: [ListedMember]? = nil) -> Formation {
        Formation(own: MemberID(1), ownName: "a", listed: listed ?? self.listed)
    }

    @Test func aMemberAloneFormsAtOnce() {
        let formation = formationOfA(listed: [listed[0]])
        guard case .formed(_, let configuration) = formation.outcome else {
            Issue.record("a single listed member did not form")
            return
        }
        #expect(configuration.members.map(\.id) == [MemberID(1)])
    }

    @Test func nothingIsAnnouncedBeforeEveryIdIsKnown() {
        var formation = formationOfA()
        #expect(formation.announcement == nil)
        formation.met(identity(2, "b"))
        #expect(formation.announcement == nil)
        formation.met(identity(3, "c"))
        #expect(formation.announcement != nil)
    }

    @Test func formsOnlyWhenEveryoneAnnouncedTheSame() {
        var formation = formationOfA()
        formation.met(identity(2, "b"))
        formation.met(identity(3, "c"))
        let cluster = formation.announcement ?? ClusterID(0)
        formation.received(announce: cluster, from: MemberID(2))
        #expect(formation.outcome == .waiting)
        formation.received(announce: ClusterID(99), from: MemberID(3))
        #expect(formation.outcome == .waiting)
        #expect(formation.peersThatDiffer == [MemberID(3)])
        formation.received(announce: cluster, from: MemberID(3))
        guard case .formed(let formed, _) = formation.outcome else {
            Issue.record("did not form")
            return
        }
        #expect(formed == cluster)
    }

    @Test func aPeerThatComesBackWithAnotherIdMustAnnounceAgain() {
        var formation = formationOfA()
        formation.met(identity(2, "b"))
        formation.met(identity(3, "c"))
        let cluster = formation.announcement ?? ClusterID(0)
        formation.received(announce: cluster, from: MemberID(2))
        formation.received(announce: cluster, from: MemberID(3))
        formation.met(identity(4, "c"))
        #expect(formation.announcement != cluster)
        #expect(formation.outcome == .waiting)
    }

    @Test func whoWasReplacedIsNotTakenBack() {
        var formation = formationOfA()
        formation.met(identity(2, "b"))
        formation.met(identity(3, "c"))
        formation.met(identity(4, "c"))
        let cluster = formation.announcement
        formation.met(identity(3, "c"))
        #expect(formation.announcement == cluster)
    }

    /// Seed 604517 of the simulator: while the record was being written, the member met another one in the place of a
    /// wiped one and announced what it would form with that; so the other two formed a second cluster with it.
    @Test func whoHasDecidedAnnouncesNothingElse() throws {
        var member = replica(MemberRecord(id: MemberID(1), name: "a", boot: 1))
        member.step(.peerConnected(identity(2, "b")))
        member.step(.peerConnected(identity(3, "c")))
        let sent = member.takeEffects().messages
        guard case .announce(let cluster)? = sent.last?.1 else {
            Issue.record("nothing was announced")
            return
        }
        for peer in [MemberID(2), MemberID(3)] { member.step(.peerMessage(from: peer, .announce(cluster))) }
        let record = try #require(member.takeEffects().memberRecord)
        member.step(.peerConnected(identity(4, "c")))
        #expect(member.takeEffects().messages.isEmpty)
        member.step(.memberRecordDurable)
        let told = member.takeEffects().messages.filter { if case .formed(cluster, _) = $0.1 { true } else { false } }
        #expect(told.map(\.0) == [MemberID(2), MemberID(3), MemberID(4)], "the last one is told that it is no member")
        #expect(record.clusterID == cluster)
    }

    @Test func allMembersComputeTheSameHash() {
        var formation = formationOfA()
        formation.met(identity(2, "b"))
        formation.met(identity(3, "c"))
        var other = Formation(own: MemberID(3), ownName: "c", listed: listed.reversed())
        other.met(identity(1, "a"))
        other.met(identity(2, "b"))
        #expect(formation.announcement == other.announcement)
        var elsewhere = Formation(
            own: MemberID(3), ownName: "c", listed: listed.dropLast() + [ListedMember(name: "c", peerAddress: "c:2")])
        elsewhere.met(identity(1, "a"))
        elsewhere.met(identity(2, "b"))
        #expect(formation.announcement != elsewhere.announcement)
    }

    @Test func onePersonUnderTwoNamesIsNoCluster() {
        var formation = formationOfA()
        formation.met(identity(2, "b"))
        formation.met(identity(2, "c"))
        #expect(formation.announcement == nil)
    }

    private func replica(_ record: MemberRecord) -> Replica {
        Replica(
            ReplicaStart(
                record: record, hardState: HardState(term: .zero, votedFor: nil), entries: [], listed: listed,
                clientURL: "http://a", build: "test", raft: RaftSettings(), seed: 1, now: 0))
    }

    @Test func aWipedVolumeUnderAFormedNameIsRefused() {
        var member = replica(MemberRecord(id: MemberID(7), name: "a", boot: 1))
        let old = Configuration(
            members: listed.enumerated().map {
                .init(id: MemberID(UInt128($0.offset + 1)), name: $0.element.name, peerAddress: $0.element.peerAddress)
            })
        let cluster = Formation.clusterID(old)
        let peer = identity(2, "b")
        member.step(.peerConnected(peer))
        member.step(.peerMessage(from: MemberID(2), .formed(cluster, old)))
        let effects = member.takeEffects()
        #expect(effects.halt == .notAMember(peer: peer))
        #expect(effects.memberRecord == nil)
    }

    @Test func aFormedPeerThatNamesMeIsProofEnough() {
        var member = replica(MemberRecord(id: MemberID(1), name: "a", boot: 2))
        let configuration = Configuration(
            members: listed.enumerated().map {
                .init(id: MemberID(UInt128($0.offset + 1)), name: $0.element.name, peerAddress: $0.element.peerAddress)
            })
        let cluster = Formation.clusterID(configuration)
        member.step(.peerConnected(identity(2, "b")))
        member.step(.peerMessage(from: MemberID(2), .formed(cluster, configuration)))
        let effects = member.takeEffects()
        #expect(effects.halt == nil)
        #expect(effects.memberRecord?.clusterID == cluster)
        #expect(effects.memberRecord?.initialConfiguration == configuration)
    }

    @Test func aConfigurationUnderAForeignHashIsIgnored() {
        var member = replica(MemberRecord(id: MemberID(1), name: "a", boot: 2))
        let configuration = Configuration(members: [.init(id: MemberID(1), name: "a", peerAddress: "a:1")])
        member.step(.peerConnected(identity(2, "b")))
        member.step(.peerMessage(from: MemberID(2), .formed(ClusterID(5), configuration)))
        let effects = member.takeEffects()
        #expect(effects.memberRecord == nil)
        #expect(effects.halt == nil)
    }
}
