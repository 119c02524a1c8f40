import ConcordRaft
import ConcordSimulator
import Testing

/// Each rule of the ghost state, held against writes and messages that break it.
@Suite struct ClusterInvariantsTests {
    private let one = MemberID(1)
    private let two = MemberID(2)

    private func entries(_ terms: [UInt64], from first: UInt64 = 1, payload: UInt8 = 0) -> [Entry] {
        terms.enumerated().map { offset, term in
            Entry(
                index: LogIndex(first + UInt64(offset)), term: Term(term), clock: first + UInt64(offset),
                kind: .commands, payload: [payload])
        }
    }

    private func write(
        _ sequence: UInt64, _ entries: [Entry] = [], term: UInt64? = nil, votedFor: MemberID? = nil
    ) -> LogWrite {
        LogWrite(
            sequence: WriteSequence(sequence),
            hardState: term.map { HardState(term: Term($0), votedFor: votedFor) }, entries: entries)
    }

    private func broken(_ body: (inout ClusterInvariants) -> Void) -> String? {
        var invariants = ClusterInvariants(members: 3)
        body(&invariants)
        return invariants.violations.first
    }

    /// Entries that a quorum holds, committed by the leader of the term.
    private func committed(_ invariants: inout ClusterInvariants, _ entries: [Entry]) {
        for member in 0..<2 {
            invariants.handedOver([write(1, entries, term: 1, votedFor: one)], by: member)
            invariants.durable(WriteSequence(1), at: member)
        }
        invariants.commits(0, upTo: LogIndex(UInt64(entries.count)), term: Term(1))
    }

    @Test func anOrderlyHistoryBreaksNothing() {
        #expect(
            broken {
                $0.leads(0, id: one, term: Term(1))
                committed(&$0, entries([1, 1]))
                $0.commits(1, upTo: LogIndex(2), term: Term(1))
                $0.started(0, hardState: HardState(term: Term(1), votedFor: one), entries: entries([1, 1]))
            } == nil)
    }

    @Test func twoLeadersInOneTermAreSeenEvenLongAfter() {
        let what = broken {
            $0.leads(0, id: one, term: Term(1))
            $0.leads(1, id: two, term: Term(2))
            $0.leads(1, id: two, term: Term(1))
        }
        #expect(what?.contains("both lead term 1") == true)
    }

    @Test func aLeaderWithoutACommittedEntryIsSeen() {
        let what = broken {
            committed(&$0, entries([1, 1]))
            $0.leads(2, id: two, term: Term(2))
        }
        #expect(what?.contains("lacks committed entry 1") == true)
    }

    @Test func aCommitThatStandsOnOneDiskIsSeen() {
        let what = broken {
            for member in 0..<2 { $0.handedOver([write(1, entries([1]))], by: member) }
            $0.durable(WriteSequence(1), at: 0)
            $0.commits(0, upTo: LogIndex(1), term: Term(1))
        }
        #expect(what?.contains("while 1 of 3 disks held it") == true)
    }

    @Test func anotherEntryAtACommittedPlaceIsSeen() {
        let what = broken {
            committed(&$0, entries([1]))
            $0.handedOver([write(1, entries([2]))], by: 2)
            $0.commits(2, upTo: LogIndex(1), term: Term(2))
        }
        #expect(what?.contains("commits another entry at 1") == true)
    }

    @Test func twoContentsOrPredecessorsOfOnePlaceAreSeen() {
        let contents = broken {
            $0.handedOver([write(1, entries([1], payload: 1))], by: 0)
            $0.handedOver([write(1, entries([1], payload: 2))], by: 1)
        }
        #expect(contents?.contains("two entries at index 1") == true)
        let predecessors = broken {
            $0.handedOver([write(1, entries([1, 3]))], by: 0)
            $0.handedOver([write(1, entries([2, 3]))], by: 1)
        }
        #expect(predecessors?.contains("two entries at index 2") == true)
    }

    @Test func aHoleInALogIsSeen() {
        #expect(broken { $0.handedOver([write(1, entries([1], from: 2))], by: 0) }?.contains("behind a hole") == true)
    }

    @Test func whatWasDurableMustBeThereAfterAStart() {
        let what = broken {
            committed(&$0, entries([1, 1]))
            $0.started(0, hardState: HardState(term: Term(1), votedFor: one), entries: entries([1]))
        }
        #expect(what?.contains("recovered 1 entries and not the 2") == true)
    }

    /// A suffix that was being replaced may be there in part, and the entries before it must.
    @Test func anUnfinishedReplacementMayHaveHappenedOrNot() {
        for (recovered, isFine) in [([UInt64(1), 1], true), ([1, 2], true), ([1], true), ([], false)] {
            let what = broken {
                committed(&$0, entries([1]))
                $0.handedOver([write(2, entries([1], from: 2))], by: 0)
                $0.durable(WriteSequence(2), at: 0)
                $0.handedOver([write(3, entries([2], from: 2))], by: 0)
                $0.started(0, hardState: HardState(term: Term(1), votedFor: one), entries: entries(recovered))
            }
            #expect((what == nil) == isFine, "\(recovered)")
        }
    }

    @Test func aForgottenTermOrVoteIsSeen() {
        for hardState in [HardState(term: .zero, votedFor: nil), HardState(term: Term(1), votedFor: nil)] {
            let what = broken {
                committed(&$0, entries([1]))
                $0.started(0, hardState: hardState, entries: entries([1]))
            }
            #expect(what?.contains("forgot") == true)
        }
    }

    @Test func aChangedVoteAndATermThatGoesBackAreSeen() {
        let vote = broken {
            $0.handedOver([write(1, term: 1, votedFor: one), write(2, term: 1, votedFor: two)], by: 0)
            $0.durable(WriteSequence(2), at: 0)
        }
        #expect(vote?.contains("changed its vote") == true)
        let term = broken {
            $0.handedOver([write(1, term: 2), write(2, term: 1)], by: 0)
            $0.durable(WriteSequence(2), at: 0)
        }
        #expect(term?.contains("back to 1") == true)
    }

    @Test func anOrderToAMemberThatLacksSomethingIsSeen() {
        let order = Message(
            from: one, to: two, term: Term(1), body: .timeoutNow(.init(lastIndex: LogIndex(2))))
        func handedOver(durable count: Int) -> String? {
            broken {
                $0.handedOver([write(1, entries([1, 1]), term: 1, votedFor: one)], by: 0)
                $0.durable(WriteSequence(1), at: 0)
                $0.handedOver([write(1, entries([1]), term: 1, votedFor: one), write(2, entries([1], from: 2))], by: 1)
                $0.durable(WriteSequence(UInt64(count)), at: 1)
                $0.sends(order, from: 0, to: 1)
            }
        }
        #expect(handedOver(durable: 1)?.contains("hands over to member 2, which lacks some of its log") == true)
        #expect(handedOver(durable: 2) == nil)
    }

    @Test func aCandidacyThatPassesForATransferIsSeen() {
        let request = Message.VoteRequest(lastIndex: .zero, lastTerm: .zero, isByTransfer: true)
        func stands(inTerm term: UInt64) -> String? {
            broken {
                $0.handedOver([write(1, term: 1)], by: 0)
                $0.durable(WriteSequence(1), at: 0)
                let order = Message.Body.timeoutNow(.init(lastIndex: LogIndex(1)))
                $0.sends(Message(from: one, to: two, term: Term(1), body: order), from: 0)
                $0.handedOver([write(1, term: term, votedFor: two)], by: 1)
                $0.durable(WriteSequence(1), at: 1)
                $0.sends(Message(from: two, to: one, term: Term(term), body: .voteRequest(request)), from: 1)
            }
        }
        #expect(stands(inTerm: 3)?.contains("as if its leader had asked for it") == true)
        #expect(stands(inTerm: 2) == nil)
    }

    @Test func whatIsSaidBeforeItIsDurableIsSeen() {
        func message(_ term: UInt64, _ body: Message.Body) -> Message {
            Message(from: one, to: two, term: Term(term), body: body)
        }
        let response = Message.VoteResponse(requestedTerm: Term(1), granted: true)
        #expect(
            broken { $0.sends(message(1, .voteResponse(response)), from: 0) }?.contains("before it was durable") == true
        )
        let matched = Message.AppendResponse(result: .matched(LogIndex(1)), round: 1)
        #expect(
            broken {
                $0.handedOver([write(1, entries([1]), term: 1)], by: 0)
                $0.sends(message(1, .appendResponse(matched)), from: 0)
            }?.contains("before it was durable") == true)
        #expect(
            broken {
                $0.handedOver([write(1, entries([1]), term: 1)], by: 0)
                $0.durable(WriteSequence(1), at: 0)
                $0.sends(message(1, .appendResponse(matched)), from: 0)
            } == nil)
    }
}
