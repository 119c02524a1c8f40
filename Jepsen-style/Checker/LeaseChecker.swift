/// How far clocks and a busy cluster may stretch a lease.
package struct LeaseBounds: Sendable {
    /// By how much the rate of a clock may be off: ρ.
    package var rate: Double
    /// How much later than TTL × (1 + 2ρ) a lease may expire: ticks, elections, a mass of expiries.
    package var lateNanosecondsMax: Int64

    package init(rate: Double = 0.01, lateNanosecondsMax: Int64 = 30_000_000_000) {
        self.rate = rate
        self.lateNanosecondsMax = lateNanosecondsMax
    }
}

/// Judges leases: none expires before its TTL, counted from the beginning of its last acknowledged keep-alive by the
/// client's clock; each expires at last; and what has expired stays so: no keep-alive, no write, no node of it. Its
/// functions are in docs/histories.md.
package enum LeaseChecker {
    package static func check(_ operations: [RecordedOperation], bounds: LeaseBounds = LeaseBounds()) -> Verdict {
        .of { () throws(MalformedHistory) in
            let lives = try LeaseLives(operations)
            for lease in lives.leases {
                guard let life = lives[lease] else { continue }
                if let found = life.early() ?? life.afterDeath() ?? life.lateSign(bounds) { return found }
            }
            return nil
        }
    }
}

extension LeaseLife {
    /// An expiry that was seen before the time that an acknowledged keep-alive had promised.
    fileprivate func early() -> Violation? {
        var next = 0
        var until: (time: Int64, renewal: Renewal)?
        // A keep-alive that began when the end was known promises nothing: it is wrong by itself.
        let known = deaths.first?.operation.returned ?? .max
        let renewals = renewals.filter { $0.operation.isAcknowledged && $0.operation.invoked < known }
        for death in deaths where death.isExpiry {
            let seen = death.operation
            if revocations.contains(where: { $0.outcome != .fail && $0.invoked < seen.returned }) { return nil }
            while next < renewals.count && renewals[next].operation.invoked < seen.returned {
                let time = renewals[next].began + ttl
                if until.map({ $0.time < time }) ?? true { until = (time, renewals[next]) }
                next += 1
            }
            guard let until, death.time < until.time else { continue }
            return .of(
                "lease \(name.shown) was kept alive at \(until.renewal.began) ns for \(ttl) ns, and had expired at "
                    + "\(death.time) ns, \(until.time - death.time) ns too early",
                [until.renewal.operation, seen] + death.because)
        }
        return nil
    }

    /// A sign of life after the lease had to be dead.
    fileprivate func lateSign(_ bounds: LeaseBounds) -> Violation? {
        let stretched = Int64(Double(ttl) * (1 + 2 * bounds.rate)) + bounds.lateNanosecondsMax
        var next = 0
        var deadline: (time: Int64, renewal: Renewal)?
        for sign in signs {
            while next < renewals.count && renewals[next].operation.invoked < sign.invoked {
                // A keep-alive whose fate is not known may reach the server at any time.
                guard let ended = renewals[next].ended else { return nil }
                if deadline.map({ $0.time < ended + stretched }) ?? true {
                    deadline = (ended + stretched, renewals[next])
                }
                next += 1
            }
            guard let deadline, let began = sign.invokedTime, began > deadline.time else { continue }
            return .of(
                "lease \(name.shown) had to expire by \(deadline.time) ns, and was alive for \(sign.function) at "
                    + "\(began) ns", [deadline.renewal.operation, sign])
        }
        return nil
    }

    /// Something that only a living lease can do, after it was dead: by revision or in real time.
    fileprivate func afterDeath() -> Violation? {
        guard let firstSeen = deaths.min(by: { $0.operation.returned < $1.operation.returned }) else { return nil }
        let firstDead = deaths.filter { $0.revision != nil }.min { ($0.revision ?? 0) < ($1.revision ?? 0) }
        for sign in signs where sign.invoked > firstSeen.operation.returned {
            return .of(
                "lease \(name.shown) was known to be dead, and \(sign.function) showed it alive afterwards",
                [firstSeen.operation, sign] + firstSeen.because)
        }
        guard let firstDead, let dead = firstDead.revision else { return nil }
        for deed in deeds {
            let revision = deed.function == "acquire" ? deed.result["token"]?.int : deed.revision
            guard let revision, revision >= dead else { continue }
            let what = deed.function == "get" ? "a node of it was seen" : "\(deed.function) with it succeeded"
            return .of(
                "lease \(name.shown) was dead at revision \(dead), and \(what) at \(revision)",
                [firstDead.operation, deed] + firstDead.because)
        }
        return nil
    }
}
