import ConcordBytes
import ConcordRaft
import Testing

/// Whole clusters under random faults, each told again by its seed.
struct FaultTests {
    private static var seedsEach: UInt64 {
        #if DEBUG
            4
        #else
            60
        #endif
    }

    private static func weather(_ random: inout SeededRandom) -> SimulatedCluster.Weather {
        var weather = SimulatedCluster.Weather()
        weather.encodes = random.chance(percent: 10)
        weather.lossPercent = random.chance(percent: 60) ? random.below(25) : 0
        weather.duplicatePercent = random.chance(percent: 60) ? random.below(25) : 0
        weather.isOrdered = random.chance(percent: 30)
        // On an ordered link a straggler would hold up all behind it.
        weather.straggleMilliseconds = !weather.isOrdered && random.chance(percent: 70) ? 1 + random.below(3000) : 0
        weather.delay = 0...(1 + random.below(random.chance(percent: 30) ? 80 : 10))
        weather.diskDelay = 0...(1 + random.below(random.chance(percent: 30) ? 150 : 8))
        return weather
    }

    /// Most often plain voters; sometimes a joint configuration with a learner.
    private static func configuration(_ count: Int, _ random: inout SeededRandom) -> Configuration {
        var members = voters(count).members
        if count == 5, random.chance(percent: 40) {
            let roles: [Configuration.Role] = [.voter, .voter, .incoming, .outgoing, .learner]
            for (position, role) in roles.shuffled(using: &random).enumerated() { members[position].role = role }
        }
        return Configuration(members: members)
    }

    private static func work(_ cluster: SimulatedCluster, milliseconds: UInt64) {
        let end = cluster.now + milliseconds
        while cluster.now < end {
            for member in cluster.members.indices where cluster.isLeader(member) || cluster.random.chance(percent: 5) {
                for _ in 0..<cluster.random.below(4) {
                    cluster.propose(at: member, bytes: cluster.random.chance(percent: 2) ? 300_000 : 8)
                }
            }
            cluster.readBarrier(at: Int(cluster.random.below(UInt64(cluster.members.count))))
            cluster.run(1 + cluster.random.below(30))
        }
    }

    private static func disturb(_ cluster: SimulatedCluster) {
        let count = cluster.members.count
        let member = Int(cluster.random.below(UInt64(count)))
        switch cluster.random.below(14) {
        case 0, 1:
            cluster.crash(member)
            if cluster.random.chance(percent: 60) { cluster.reportLost(member) }
        case 2, 3, 4:
            for stopped in cluster.members.indices where cluster.members[stopped].raft == nil { cluster.start(stopped) }
        case 5:
            for member in cluster.members.indices { cluster.crash(member) }
            for member in cluster.members.indices { cluster.start(member) }
        case 6:
            for link in cluster.links.indices { cluster.links[link] = cluster.random.chance(percent: 70) }
        case 7:
            for other in 0..<count {
                cluster.links[member * count + other] = false
                cluster.links[other * count + member] = false
            }
        case 8, 9:
            cluster.links = Array(repeating: true, count: count * count)
        case 10:
            if let leader = cluster.leader { cluster.turn(leader) { $0.resign() } }
        case 11, 12:
            if let leader = cluster.leader {
                let target = cluster.random.chance(percent: 70) ? cluster.members[member].id : nil
                cluster.turn(leader) { _ = $0.transferLeadership(to: target) }
            }
        default:
            cluster.reportLost(member)
        }
    }

    private static func heal(_ cluster: SimulatedCluster, _ label: String) {
        let count = cluster.members.count
        cluster.weather = SimulatedCluster.Weather()
        cluster.links = Array(repeating: true, count: count * count)
        for member in cluster.members.indices where cluster.members[member].raft == nil { cluster.start(member) }
        let before = cluster.committedCount
        let end = cluster.now + 10 * cluster.electionTimeout
        var isLive = false
        while cluster.now < end, !isLive {
            for member in cluster.members.indices { cluster.propose(at: member) }
            cluster.run(25)
            isLive = cluster.historian.committed[before...].contains { $0.kind == .commands }
        }
        #expect(isLive, "\(label): nothing commits after all is well again")
        // Late messages may still make trouble for as long as they are under way.
        cluster.run(4000)
        for member in cluster.members {
            guard let raft = member.raft else { continue }
            #expect(raft.lastIndex.rawValue == UInt64(cluster.committedCount), "\(label): \(member.id) lags")
            #expect(member.delivered == UInt64(cluster.committedCount), "\(label): \(member.id) has not delivered all")
            #expect(raft.durableIndex == raft.lastIndex, "\(label): \(member.id) has not stored all")
            #expect(member.barriers.isEmpty, "\(label): barriers of \(member.id) never ended")
        }
        if let leader = cluster.leader, let raft = cluster.members[leader].raft {
            let matches = raft.progress(now: cluster.now).map(\.matchIndex)
            #expect(matches.allSatisfy { $0 == raft.lastIndex }, "\(label): not all are known to be caught up")
        }
    }

    @Test(arguments: 0..<16)
    func `Loss, repetition, reordering, partitions, crashes and slow disks break no promise`(part: Int) {
        for number in 0..<Self.seedsEach {
            let seed = UInt64(part) * 10_000 + number
            var random = SeededRandom(seed: seed ^ 0xC0FFEE)
            let count = [3, 3, 3, 5, 5, 2, 1, 4][Int(random.below(8))]
            let cluster = SimulatedCluster(
                count, seed: seed, weather: Self.weather(&random), configuration: Self.configuration(count, &random))
            for _ in 0..<25 {
                Self.work(cluster, milliseconds: 10 + cluster.random.below(200))
                Self.disturb(cluster)
                if cluster.random.chance(percent: 10) { cluster.weather = Self.weather(&random) }
                guard cluster.violations.isEmpty else { break }
            }
            #expect(cluster.violations.isEmpty, "seed \(seed), \(count) members")
            guard cluster.violations.isEmpty else { return }
            Self.heal(cluster, "seed \(seed), \(count) members")
            #expect(cluster.violations.isEmpty, "seed \(seed), \(count) members, healed")
        }
    }

    /// How long nothing commits after `stop` was done to the leader.
    private static func gap(_ count: Int, seed: UInt64, _ stop: (SimulatedCluster, Int) -> Void) -> UInt64? {
        let cluster = SimulatedCluster(count, seed: seed)
        cluster.run(1500)
        guard let leader = cluster.leader else { return nil }
        for _ in 0..<20 {
            cluster.propose(at: leader)
            cluster.run(3)
        }
        let (start, term) = (cluster.now, Term(cluster.term(of: leader)))
        stop(cluster, leader)
        let before = cluster.committedCount
        while cluster.now < start + 5000 {
            for member in cluster.members.indices where member != leader { cluster.propose(at: member) }
            cluster.run(1)
            if cluster.historian.committed[before...].contains(where: { $0.kind == .commands && $0.term > term }) {
                break
            }
        }
        #expect(cluster.violations.isEmpty, "seed \(seed)")
        return cluster.now - start
    }

    @Test(arguments: [3, 5])
    func `A resigned leader's place is taken within some milliseconds`(count: Int) {
        var gaps: [UInt64] = []
        for seed in 0..<(Self.seedsEach * 4) {
            guard let gap = Self.gap(count, seed: seed, { cluster, leader in cluster.turn(leader) { $0.resign() } })
            else {
                Issue.record("seed \(seed): no leader")
                continue
            }
            #expect(gap <= 50, "seed \(seed): \(gap) ms")
            gaps.append(gap)
        }
        #expect(gaps.sorted()[gaps.count / 2] <= 30)
    }

    @Test(arguments: [3, 5])
    func `A leader that hands over is replaced within some milliseconds, by the one that it chose`(count: Int) {
        for seed in 0..<(Self.seedsEach * 4) {
            var successor: Int?
            let found = Self.gap(count, seed: seed) { cluster, leader in
                let target = (leader + 1 + Int(seed % UInt64(count - 1))) % count
                let id = cluster.members[target].id
                cluster.turn(leader) { #expect($0.transferLeadership(to: id) == .underWay(id), "seed \(seed)") }
                let term = cluster.term(of: leader)
                cluster.run(100) { cluster.leader.map { cluster.term(of: $0) > term } == true }
                successor = cluster.leader
                #expect(successor == target, "seed \(seed)")
            }
            guard let gap = found else {
                Issue.record("seed \(seed): no leader")
                continue
            }
            #expect(gap <= 40, "seed \(seed): \(gap) ms")
        }
    }

    @Test(arguments: [3, 5])
    func `A killed leader's place is taken within some milliseconds of the lost connection`(count: Int) {
        var gaps: [UInt64] = []
        for seed in 0..<(Self.seedsEach * 4) {
            let found = Self.gap(count, seed: seed) { cluster, leader in
                cluster.crash(leader)
                // A connection ends behind all that it carried.
                cluster.run(cluster.weather.delay.upperBound)
                cluster.reportLost(leader)
            }
            guard let gap = found else {
                Issue.record("seed \(seed): no leader")
                continue
            }
            #expect(gap <= 100, "seed \(seed): \(gap) ms")
            gaps.append(gap)
        }
    }
}
