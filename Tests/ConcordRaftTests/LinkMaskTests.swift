import ConcordBytes
import ConcordRaft
import Testing

/// The promise: safety always; and whenever some quorum is fully connected, of writes offered at every member
/// one commits within ten election timeouts, wherever the leader stands.
struct LinkMaskTests {
    private static var seeds: UInt64 {
        #if DEBUG
            4
        #else
            30
        #endif
    }

    /// The pairs (from, to) of `count` members, as positions in `SimulatedCluster.links`.
    private static func pairs(_ count: Int) -> [Int] {
        (0..<count * count).filter { $0 / count != $0 % count }
    }

    private static func hasConnectedQuorum(_ links: [Bool], _ count: Int) -> Bool {
        (0..<(1 << count)).contains { subset in
            let members = (0..<count).filter { subset >> $0 & 1 == 1 }
            guard members.count > count / 2 else { return false }
            return members.allSatisfy { from in
                members.allSatisfy { from == $0 || links[from * count + $0] }
            }
        }
    }

    /// Offers writes at every member until one commits or ten election timeouts are over.
    private static func commits(_ cluster: SimulatedCluster) -> Bool {
        let before = cluster.committedCount
        let end = cluster.now + 10 * cluster.electionTimeout
        while cluster.now < end {
            for member in cluster.members.indices { cluster.propose(at: member) }
            if cluster.random.chance(percent: 30) { cluster.readBarrier(at: Int(cluster.random.below(3))) }
            cluster.run(25)
            if cluster.historian.committed[before...].contains(where: { $0.kind == .commands }) { return true }
        }
        return false
    }

    private static func check(_ count: Int, seed: UInt64, _ label: String, links: [Bool]) {
        let cluster = SimulatedCluster(count, seed: seed)
        if seed % 4 != 0 { cluster.run(700 + seed % 40 * 13) }
        cluster.links = links
        let isPromised = hasConnectedQuorum(links, count)
        // Once with the leader that was there, and again with whoever leads by then.
        for attempt in 1...(isPromised ? 2 : 1) {
            let committed = commits(cluster)
            #expect(committed || !isPromised, "\(label), seed \(seed), attempt \(attempt): nothing was committed")
            cluster.run(cluster.random.below(1000))
        }
        #expect(cluster.violations.isEmpty, "\(label), seed \(seed)")
    }

    @Test(arguments: 0..<64)
    func `Three members, every set of directed links`(mask: Int) {
        for seed in 0..<Self.seeds {
            var links = Array(repeating: true, count: 9)
            for (bit, link) in Self.pairs(3).enumerated() { links[link] = mask >> bit & 1 == 1 }
            Self.check(3, seed: seed, "mask \(mask)", links: links)
        }
    }

    @Test(arguments: 0..<8)
    func `Five members, sampled sets of directed links`(part: Int) {
        for number in 0..<Self.seeds {
            let seed = UInt64(part) * 1000 + number
            var random = SeededRandom(seed: seed)
            let percent = 40 + random.below(55)
            var links = Array(repeating: true, count: 25)
            for link in Self.pairs(5) { links[link] = random.chance(percent: percent) }
            // In most samples some three members stay connected.
            if number % 4 != 0 {
                let quorum = [0, 1, 2, 3, 4].shuffled(using: &random).prefix(3)
                for from in quorum { for to in quorum { links[from * 5 + to] = true } }
            }
            Self.check(5, seed: seed, "five", links: links)
        }
    }

    /// The leader reaches one member only, and that one is needed for the others' majority.
    @Test func `A leader at one end of a bridge gives way`() {
        for seed in 0..<Self.seeds {
            let cluster = SimulatedCluster(5, seed: seed)
            cluster.run(1500)
            guard let leader = cluster.leader else {
                Issue.record("seed \(seed): no leader")
                continue
            }
            let others = (0..<5).filter { $0 != leader }
            var links = Array(repeating: false, count: 25)
            func connect(_ one: Int, _ other: Int) {
                links[one * 5 + other] = true
                links[other * 5 + one] = true
            }
            connect(leader, others[0])
            for one in others[0..<3] { for other in others[0..<3] where one != other { connect(one, other) } }
            cluster.links = links
            #expect(Self.commits(cluster), "seed \(seed)")
            cluster.run(1000)
            #expect(!cluster.isLeader(leader), "seed \(seed)")
            #expect(cluster.violations.isEmpty, "seed \(seed)")
        }
    }

    @Test func `A member that was cut off comes back without disturbing anyone`() {
        for seed in 0..<Self.seeds {
            let cluster = SimulatedCluster(3, seed: seed)
            cluster.run(1500)
            guard let leader = cluster.leader else {
                Issue.record("seed \(seed): no leader")
                continue
            }
            let term = cluster.term(of: leader)
            let lonely = (leader + 1) % 3
            for other in 0..<3 where other != lonely {
                cluster.links[lonely * 3 + other] = false
                cluster.links[other * 3 + lonely] = false
            }
            for _ in 0..<200 {
                cluster.propose(at: leader)
                cluster.run(25)
            }
            cluster.links = Array(repeating: true, count: 9)
            cluster.run(1000)
            #expect(cluster.isLeader(leader) && cluster.term(of: leader) == term, "seed \(seed)")
            #expect(cluster.members[lonely].delivered == UInt64(cluster.committedCount), "seed \(seed)")
            #expect(cluster.violations.isEmpty, "seed \(seed)")
        }
    }
}
