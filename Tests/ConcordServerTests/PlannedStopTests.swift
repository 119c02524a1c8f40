import ConcordServer
import Testing

@Suite("A planned stop")
struct PlannedStopTests {
    @Test("of a follower ends as soon as nobody waits for an answer")
    func follower() {
        var stop = PlannedStop()
        #expect(stop.advance(now: 50, hasLeader: true, isBusy: true) == [])
        #expect(stop.nextDeadline == .max)
        stop.begin(now: 100, leads: false)
        #expect(stop.isUnderWay)
        #expect(stop.advance(now: 100, hasLeader: true, isBusy: true) == [.closeIdle])
        #expect(stop.advance(now: 101, hasLeader: true, isBusy: true) == [])
        #expect(stop.advance(now: 102, hasLeader: true, isBusy: false) == [.end])
        #expect(stop.advance(now: 103, hasLeader: true, isBusy: false) == [])
    }

    @Test("of a leader answers until another one leads")
    func leader() {
        var stop = PlannedStop()
        stop.begin(now: 100, leads: true)
        #expect(stop.advance(now: 100, hasLeader: false, isBusy: false) == [])
        #expect(stop.advance(now: 120, hasLeader: true, isBusy: true) == [.closeIdle])
        #expect(stop.advance(now: 121, hasLeader: true, isBusy: false) == [.end])
    }

    @Test("waits for another leader no longer than a second")
    func noLeader() {
        var stop = PlannedStop()
        stop.begin(now: 100, leads: true)
        #expect(stop.nextDeadline == 1100)
        #expect(stop.advance(now: 1099, hasLeader: false, isBusy: false) == [])
        #expect(stop.advance(now: 1100, hasLeader: false, isBusy: false) == [.closeIdle, .end])
    }

    @Test("ends within five seconds even when requests hang")
    func hanging() {
        var stop = PlannedStop()
        stop.begin(now: 100, leads: true)
        #expect(stop.advance(now: 1100, hasLeader: false, isBusy: true) == [.closeIdle])
        #expect(stop.nextDeadline < 5100)
        #expect(stop.advance(now: stop.nextDeadline, hasLeader: false, isBusy: true) == [.end])
    }
}
