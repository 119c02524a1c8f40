import ConcordRaft
import ConcordSimulator
import Testing

/// Every order of events among three cores, within limits small enough for a test.
@Suite struct ExplorerTests {
    static func settings(_ change: (inout ExplorerSettings) -> Void = { _ in }) -> ExplorerSettings {
        var settings = ExplorerSettings()
        settings.replayEvery = 1000
        change(&settings)
        return settings
    }

    static func explore(_ settings: ExplorerSettings) -> ExplorerReport {
        var explorer = Explorer(settings)
        return explorer.run()
    }

    static func count(_ name: String, in report: ExplorerReport) -> Int {
        report.counts.first { $0.name == name }?.count ?? 0
    }

    @Test func twoTermsAreTriedToTheEndAndAlwaysTheSame() {
        let (one, other) = (ExplorerTests.explore(Self.settings()), ExplorerTests.explore(Self.settings()))
        #expect(one.violation == nil)
        #expect(one.isClosed)
        #expect(one.states == 31_384)
        #expect((one.states, one.transitions, one.depth) == (other.states, other.transitions, other.depth))
        #expect(one.counts.map(\.count) == other.counts.map(\.count))
        #expect(one.replays == one.states / 1000)
    }

    @Test func anExplorationMeetsWhatItIsFor() {
        let report = ExplorerTests.explore(
            Self.settings {
                $0.crashes = 1
                $0.slowWrites = 1
                $0.statesMax = 300_000
            })
        #expect(report.violation == nil)
        for event in [
            "elections won in term 2", "entries committed", "conflicting suffixes removed", "crashes that lost entries",
        ] {
            #expect(Self.count(event, in: report) > 0, "\(event)")
        }
    }

    @Test func readsAreAnsweredAndPreVotesTravel() {
        let reads = ExplorerTests.explore(
            Self.settings {
                $0.barriers = 1
                $0.statesMax = 200_000
            })
        #expect(reads.violation == nil)
        #expect(Self.count("read barriers answered", in: reads) > 0)
        let travelling = ExplorerTests.explore(
            Self.settings {
                $0.terms = 1
                $0.timeouts = 2
                $0.copies = 1
                $0.slowWrites = nil
                $0.overtakings = nil
                $0.preVotesTravel = true
                $0.statesMax = 200_000
            })
        #expect(travelling.violation == nil)
        #expect(Self.count("elections won in term 1", in: travelling) > 0)
        #expect(Self.count("messages that arrived twice", in: travelling) > 0)
    }

    @Test func leadershipMovesToWhoeverIsAsked() {
        let report = ExplorerTests.explore(
            Self.settings {
                $0.transfers = 1
                $0.proposals = 1
                $0.statesMax = 300_000
            })
        #expect(report.violation == nil)
        #expect(Self.count("members that stood because their leader asked", in: report) > 0)
        #expect(Self.count("elections won in term 2", in: report) > 0)
    }

    @Test func aDiskThatLosesItsVoteIsFoundAndThePathReplays() throws {
        let settings = Self.settings {
            $0.terms = 1
            $0.crashes = 1
            $0.forgetsVotes = true
        }
        let violation = try #require(ExplorerTests.explore(settings).violation)
        #expect(violation.rule.hasPrefix("election safety"))
        let replay = Explorer.replay(violation.steps, settings)
        #expect(replay.stepsTaken == violation.steps.count)
        #expect(replay.rule == violation.rule)
        #expect(Explorer.replay(violation.steps.dropLast(), settings).rule == nil)
        let isCrash: (ExplorerStep) -> Bool = { if case .crash = $0.action { true } else { false } }
        #expect(violation.steps.contains(where: isCrash))
    }

    @Test func aRuleThatDoesNotHoldIsReportedWithAShortestPath() throws {
        let nobodyLeads: @Sendable ([Standing]) -> String? = { standings in
            standings.contains { $0.role == .leader } ? "somebody leads" : nil
        }
        var explorer = Explorer(Self.settings(), extraRule: nobodyLeads)
        let violation = try #require(explorer.run().violation)
        #expect(violation.rule == "somebody leads")
        // It stands, one other votes, and the vote arrives.
        #expect(violation.steps.count == 3)
        let replay = Explorer.replay(violation.steps, Self.settings(), extraRule: nobodyLeads)
        #expect(replay.rule == violation.rule)
    }

    @Test func stepsThatAreNotPossibleAreNotReplayed() {
        let steps = [ExplorerStep(.stand(0, granter: 1), isSlow: false), ExplorerStep(.propose(0), isSlow: false)]
        #expect(Explorer.replay(steps, Self.settings { $0.proposals = 1 }).stepsTaken == 1)
    }

    @Test func everyPlanRuns() {
        for plan in ExplorerPlan.all {
            var settings = plan.settings
            settings.statesMax = 20_000
            settings.replayEvery = 500
            #expect(ExplorerTests.explore(settings).violation == nil, "\(plan.name)")
        }
    }
}
