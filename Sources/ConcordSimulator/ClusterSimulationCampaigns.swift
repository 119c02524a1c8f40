import ConcordBytes
import ConcordReplica

// Faults of several steps, each after what the one before brought about: chance alone would hardly meet them.

/// Whoever wins is cut off soon after, and whoever was cut off before comes back.
struct Succession {
    /// How long a leader may lead, at most.
    var patienceMicroseconds: UInt64
    var fallen: [(from: Int, to: Int)] = []
}

/// Requests that keep coming for a while, one by one: reads at a member that may be behind, writes at the others.
struct Trickle {
    var reader: SimulatedMember
    var until: UInt64
    var intervalMicroseconds: UInt64
    /// Of 100 writes, how many go to `reader` as well.
    var writesAtReaderPercent: UInt64
}

extension ClusterSimulation {
    // MARK: Leaders that fall one after the other

    /// The entries of a leader that is cut off are its alone, and each next leader has others in their place: this is
    /// how a quorum comes to hold entries of an earlier term that are not committed (dissertation figure 3.7).
    func beginSuccession(_ random: inout SeededRandom) {
        guard succession == nil, members.count > 1 else { return }
        let patience: UInt64 = [1000, 5000, 60_000, 400_000][Int(random.below(4))]
        let until = now + 1_000_000 + random.below(5_000_000)
        succession = Succession(patienceMicroseconds: patience)
        events.schedule(.end(.succession), at: until)
        tell("leaders fall one after the other, each after \(patience) µs at most")
        if let leader = members.first(where: { $0.running?.replica.isLeader == true }) { fallSoon(leader) }
    }

    func fallSoon(_ leader: SimulatedMember) {
        guard let succession, healing == nil else { return }
        // Now and then before its first word leaves it.
        if faultRandom.chance(percent: 25) { return fall(leader) }
        let moment = now + faultRandom.below(succession.patienceMicroseconds)
        events.schedule(.end(.reign(leader, process: leader.process)), at: moment)
        // What others hand over to it now reaches it, and nobody else learns of it.
        let other = members[Int(faultRandom.below(UInt64(members.count)))]
        let before = 100 + faultRandom.below(800)
        events.schedule(
            .end(.burst(other, process: other.process, requests: 3)), at: max(now + 1, moment - min(before, moment)))
    }

    /// Cuts the leader off, and lets it go on taking writes; its predecessor comes back.
    func fall(_ leader: SimulatedMember) {
        if plan.classes.contains(.plannedStop), faultRandom.chance(percent: 60) { return giveUp(leader) }
        guard let fallen = succession?.fallen else { return }
        for (from, to) in fallen { network.mend(from: from, to: to) }
        reconnect(fallen)
        let alone = leader.position
        let isOnlyMute = faultRandom.chance(percent: 20)
        let others = members.indices.filter { $0 != alone }
        let links = others.map { (from: alone, to: $0) } + (isOnlyMute ? [] : others.map { (from: $0, to: alone) })
        for (from, to) in links { network.cut(from: from, to: to) }
        succession?.fallen = links
        coverage.count(.isolations)
        tell("\(leader.name) falls")
        reboot(members[others[Int(faultRandom.below(UInt64(others.count)))]])
        let writes = faultRandom.below(4) == 0 ? 30 : faultRandom.below(4)
        for number in 0..<writes {
            events.schedule(.end(.burst(leader, process: leader.process, requests: 1)), at: now + number * 1500)
        }
    }

    /// The leader gives up its place; what is on its way to it is refused, perhaps after another leader took it on.
    private func giveUp(_ leader: SimulatedMember) {
        tell("\(leader.name) gives up its place")
        coverage.count(.plannedStops)
        for other in members.indices where other != leader.position && faultRandom.chance(percent: 50) {
            network.slow(from: other, to: leader.position, byMicroseconds: faultRandom.below(20_000))
        }
        for other in members where other !== leader {
            burst(at: other, requests: faultRandom.below(3), writePercent: 100)
        }
        events.schedule(.end(.resignation(leader, process: leader.process)), at: now + 200 + faultRandom.below(5000))
    }

    /// A member that has handed writes to the leader starts anew and has others under the same numbers: what becomes of
    /// the first ones must not pass for what becomes of these.
    private func reboot(_ member: SimulatedMember) {
        guard plan.classes.contains(.kill), faultRandom.chance(percent: 30), member.isUp, !member.isPaused else {
            return
        }
        burst(at: member, requests: 3, writePercent: 100)
        events.schedule(.end(.stopping(member, process: member.process)), at: now + 200 + faultRandom.below(2000))
        beginTrickle(
            Trickle(
                reader: member, until: now + 1_500_000, intervalMicroseconds: 60_000, writesAtReaderPercent: 80))
    }

    func endSuccession() {
        guard let fallen = succession?.fallen else { return }
        succession = nil
        for (from, to) in fallen { network.mend(from: from, to: to) }
        reconnect(fallen)
    }

    // MARK: A leader that does not notice

    /// The clock of the leader all but stands still while the others forget it: the worst that clocks can do. What it is
    /// told arrives late, so it gets answers to what it asked while it still led.
    func misleadLeader(_ random: inout SeededRandom) {
        guard let leader = members.first(where: { $0.running?.replica.isLeader == true }) else { return }
        let late = 50_000 + random.below(800_000)
        let until = now + late + random.below(2_000_000)
        leader.clock.setRate(20_000 + random.below(500_000), now: now)
        rescheduleTick(of: leader)
        let alone = leader.position
        let others = members.indices.filter { $0 != alone }
        for other in others { network.slow(from: other, to: alone, byMicroseconds: late) }
        let outward = others.map { (from: alone, to: $0) }
        events.schedule(.end(.wordOf(cut: outward, until: until)), at: now + random.below(late))
        events.schedule(.end(.slowLinks(others.map { (from: $0, to: alone) })), at: until)
        events.schedule(.end(.wrongRate(leader)), at: until)
        let interval: UInt64 = 5000 << random.below(8)
        beginTrickle(Trickle(reader: leader, until: until, intervalMicroseconds: interval, writesAtReaderPercent: 0))
    }

    // MARK: Elections that nobody should want, and that nobody finishes

    /// One follower loses its leader and nobody else, while nothing is written: its log is as good as any, and the
    /// others must not help it.
    func loseLeaderQuietly(_ random: inout SeededRandom) {
        guard let leader = members.first(where: { $0.running?.replica.isLeader == true }), members.count > 2 else {
            return
        }
        let others = members.indices.filter { $0 != leader.position }
        let follower = others[Int(random.below(UInt64(others.count)))]
        quietUntil = now + 1_500_000 + random.below(1_000_000)
        var links = [(from: leader.position, to: follower)]
        if random.chance(percent: 50) { links.append((from: follower, to: leader.position)) }
        events.schedule(.end(.wordOf(cut: links, until: quietUntil)), at: now + 100_000 + random.below(200_000))
    }

    /// A candidate falls silent: its term is higher than the others', and nobody knows.
    func stands(_ candidate: SimulatedMember) {
        guard healing == nil, plan.classes.contains(.closedConnection) || plan.classes.contains(.partition),
            faultRandom.chance(percent: 15)
        else { return }
        let links = members.indices.filter { $0 != candidate.position }.map { (from: candidate.position, to: $0) }
        for (from, to) in links { network.cut(from: from, to: to) }
        events.schedule(.end(.cuts(links)), at: now + 10_000 + faultRandom.below(300_000))
    }

    // MARK: Requests that keep coming

    func beginTrickle(_ trickle: Trickle) {
        events.schedule(.end(.trickle(trickle)), at: now + trickle.intervalMicroseconds)
    }

    /// While something is slow or away: who reads then may be told of a past.
    func trickleForAWhile(_ random: inout SeededRandom) {
        guard random.chance(percent: 40) else { return }
        beginTrickle(
            Trickle(
                reader: members[Int(random.below(UInt64(members.count)))], until: now + random.below(800_000),
                intervalMicroseconds: 500 << random.below(7),
                writesAtReaderPercent: random.chance(percent: 50) ? 30 : 0))
    }

    func drip(_ trickle: Trickle) {
        guard now < trickle.until, now >= quietUntil, healing == nil else { return }
        burst(at: trickle.reader, requests: 1, writePercent: trickle.writesAtReaderPercent)
        let other = members[Int(faultRandom.below(UInt64(members.count)))]
        if other !== trickle.reader { burst(at: other, requests: 1, writePercent: 85) }
        beginTrickle(trickle)
    }
}
