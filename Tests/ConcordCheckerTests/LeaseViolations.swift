import ConcordChecker

/// Leases that are kept alive for a while and expire, each with a node. One of them may break its promise.
enum LeaseViolation: ViolationKind {
    /// Its expiry is told before its TTL has passed since the last acknowledged keep-alive was sent.
    case toldToHaveExpiredEarly
    /// Its node is gone that early, and nobody else deleted it.
    case nodeLostEarly
    /// A keep-alive is refused that early.
    case refusedEarly
    /// A keep-alive succeeds that was sent after the expiry was told.
    case keptAliveAfterItsEnd
    /// Its node is read at a revision after that of its end.
    case nodeAfterItsEnd
    /// A node is put for it after its end was told.
    case writtenAfterItsEnd
    /// It is alive when its TTL, stretched by all that clocks and elections may add, is long over.
    case livesForever

    func verdict(_ operations: [RecordedOperation]) -> Verdict {
        LeaseChecker.check(operations, bounds: TimedLeases.bounds)
    }

    func planted(_ dice: inout StoryDice) -> Planted? {
        var twin = dice
        let count = 1 + dice.below(3)
        _ = twin.below(3)
        return Planted(
            truth: TimedLeases.history(of: count, lying: nil, &dice),
            lie: TimedLeases.history(of: count, lying: self, &twin))
    }
}

enum TimedLeases {
    static let bounds = LeaseBounds(rate: 0.01, lateNanosecondsMax: 100_000_000)

    static func history(of leases: Int, lying kind: LeaseViolation?, _ dice: inout StoryDice) -> [RecordedOperation] {
        var lines = TimedLines()
        var changes: [Change] = []
        for number in 0..<leases {
            let life = Life(number: number, &dice)
            changes += life.changes(lying: number == 0 ? kind : nil)
        }
        // One revision for each change, in the order of time.
        var revision = 10
        for change in changes.sorted(by: { $0.at < $1.at }) {
            if change.isChange { revision += 1 }
            change.write(&lines, revision)
        }
        return lines.operations
    }

    fileprivate struct Change {
        var at: Int
        var isChange: Bool
        var write: (inout TimedLines, Int) -> Void
    }

    /// When what happens to one lease.
    fileprivate struct Life {
        let name: HistoryValue
        let node: HistoryValue
        let ttl: Int
        let granted: Int
        var renewals: [(sent: Int, answered: Int)] = []
        let hasALostRenewal: Bool
        /// Between the earliest and the latest time that is allowed.
        let expires: Int

        init(number: Int, _ dice: inout StoryDice) {
            name = .text("lease \(number)")
            node = .text("/node \(number)")
            ttl = 200 + dice.below(400)
            granted = 10 + dice.below(500)
            hasALostRenewal = dice.chance(30)
            var last = (sent: granted, answered: granted + 1 + dice.below(20))
            for _ in 0..<dice.below(5) {
                let sent = last.answered + 30 + dice.below(ttl - 80)
                last = (sent, sent + 1 + dice.below(20))
                renewals.append(last)
            }
            expires = last.sent + ttl + dice.below(50)
        }

        var last: Int { renewals.last?.sent ?? granted }
    }
}

extension TimedLeases.Life {
    private func line(
        _ at: Int, isChange: Bool = false, _ write: @escaping (inout TimedLines, Int) -> Void
    ) -> TimedLeases.Change {
        TimedLeases.Change(at: at, isChange: isChange, write: write)
    }

    private func get(at: Int, _ result: HistoryValue) -> TimedLeases.Change {
        line(at) { $0.call("get", key: node, result, from: at, to: at + 2, revision: $1) }
    }

    private func keepAlive(at: Int, _ result: HistoryValue = .null) -> TimedLeases.Change {
        line(at) { $0.call("lease-keepalive", key: name, result, from: at, to: at + 2, revision: $1) }
    }

    private func put(at: Int, _ path: HistoryValue, isChange: Bool = true, _ result: HistoryValue = .null)
        -> TimedLeases.Change
    {
        let argument = HistoryValue.fields(["value": .text("v"), "lease": name])
        return line(at, isChange: isChange) {
            $0.call("put", argument, key: path, result, from: at, to: at + 2, revision: $1)
        }
    }

    func changes(lying kind: LeaseViolation?) -> [TimedLeases.Change] {
        let grant = HistoryValue.fields(["lease": name, "ttl_ms": .number(ttl)])
        let gone = HistoryValue.fields(["refused": .text("not_found")])
        let dead = HistoryValue.fields(["refused": .text("lease_expired")])
        let there = HistoryValue.fields(["value": .text("v"), "lease": name])
        var all = [
            line(granted, isChange: true) {
                $0.call("lease-grant", .null, grant, from: granted, to: granted + 1, revision: $1)
            },
            put(at: granted + 5, node), get(at: granted + 10, there),
        ]
        for renewal in renewals {
            all.append(
                line(renewal.sent) {
                    $0.call("lease-keepalive", key: name, grant, from: renewal.sent, to: renewal.answered, revision: $1)
                })
        }
        // An early sign comes well after the last keep-alive was answered and well before its time is over.
        let early = last + ttl / 2
        switch kind {
        case .nodeLostEarly: all.append(get(at: early, gone))
        case .refusedEarly: all.append(keepAlive(at: early, dead))
        case .livesForever: return all + [keepAlive(at: expires + ttl + 1_000, grant)]
        default:
            if hasALostRenewal, kind != .toldToHaveExpiredEarly {
                all.append(
                    line(early) {
                        $0.call("lease-keepalive", key: name, from: early, to: early + 1, revision: $1, isLost: true)
                    })
            }
        }
        let end = kind == .toldToHaveExpiredEarly ? early : expires
        all.append(
            line(end, isChange: true) { $0.deliver("lease-expired", key: name, at: end + 5, revision: $1) })
        all.append(get(at: end + 20, kind == .nodeAfterItsEnd ? there : gone))
        all.append(keepAlive(at: end + 30, kind == .keptAliveAfterItsEnd ? grant : dead))
        let isWritten = kind == .writtenAfterItsEnd
        let late = HistoryValue.text("/late of \(name.text ?? "")")
        return all + [put(at: end + 40, late, isChange: isWritten, isWritten ? .null : dead)]
    }
}
