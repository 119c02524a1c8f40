/// Judges registers, each key for itself: a history of many objects is linearizable if and only if the history of
/// each is (Herlihy and Wing's locality).
enum RegisterCheck {
    static func check(
        _ operations: [RecordedOperation], model: Model, initial: HistoryValue, limits: CheckLimits
    ) -> Verdict {
        var parts: [RegisterHistory] = []
        do throws(UnreadableOperation) {
            for part in Partition.byKey(operations) {
                parts.append(try RegisterHistory(part.operations, model: model, initial: initial))
            }
        } catch {
            return .unknown(error.message)
        }
        return check(parts, limits: limits)
    }

    /// Searches all with a small limit first, and what is open with larger and larger ones: one key may be hard to
    /// judge where another one shows the contradiction at once.
    private static func check(_ parts: [RegisterHistory], limits: CheckLimits) -> Verdict {
        var open = parts
        var configurationsMax = min(10_000, limits.configurationsMax)
        while true {
            var reason = ""
            var stillOpen: [RegisterHistory] = []
            for part in open {
                switch part.search(limits: limits.with(configurationsMax: configurationsMax)) {
                case .linearizable: continue
                case .contradiction(let stuck): return .violation(part.violation(at: stuck, limits: limits))
                case .unknown(let why):
                    reason = why
                    stillOpen.append(part)
                }
            }
            if stillOpen.isEmpty { return .valid }
            if configurationsMax == limits.configurationsMax || limits.isOutOfTime() { return .unknown(reason) }
            open = stillOpen
            configurationsMax = min(configurationsMax * 8, limits.configurationsMax)
        }
    }
}

extension CheckLimits {
    func with(configurationsMax: Int) -> CheckLimits {
        CheckLimits(configurationsMax: configurationsMax, isOutOfTime: isOutOfTime)
    }
}

extension RegisterHistory {
    func violation(at stuck: Int, limits: CheckLimits) -> Violation {
        Violation("\(stuck)", operations)
    }
}
