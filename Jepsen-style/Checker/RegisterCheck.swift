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
        var isFirst = true
        var configurationsMax = min(10_000, limits.configurationsMax)
        while true {
            var reason = ""
            var stillOpen: [RegisterHistory] = []
            for part in open {
                switch part.search(limits: limits.with(configurationsMax: configurationsMax)) {
                case .linearizable: continue
                case .contradiction(let stuck): return .violation(part.violation(at: stuck, limits: limits))
                case .unknown(let why):
                    if isFirst, let violation = part.impossibleAnswer(limits: limits) { return .violation(violation) }
                    if isFirst, let window = RegisterWindow.contradicting(in: part, limits: limits) {
                        return .violation(part.violation(in: window, limits: limits))
                    }
                    reason = why
                    stillOpen.append(part)
                }
            }
            if stillOpen.isEmpty { return .valid }
            if configurationsMax == limits.configurationsMax || limits.isOutOfTime() { return .unknown(reason) }
            open = stillOpen
            isFirst = false
            configurationsMax = min(configurationsMax * 8, limits.configurationsMax)
        }
    }
}

extension CheckLimits {
    func with(configurationsMax: Int) -> CheckLimits {
        var limits = self
        limits.configurationsMax = configurationsMax
        return limits
    }
}

extension RegisterHistory {
    /// The contradiction on which the search ended, made small: all that the answers rest on, unless that is much and
    /// a stretch of the history contradicts itself with less.
    func violation(at stuck: Int, limits: CheckLimits) -> Violation {
        let end = calls[stuck].returned
        let whole = RegisterWindow(self, from: -1, to: end)
        let kept = RegisterEvidence(whole).smallest(stuck: stuck, limits: limits)
        guard kept.count > 8 else { return violation(of: kept, isWhole: true) }
        let shortest = RegisterWindow.shortest(of: self, to: end, limits: limits)
        let fewer = RegisterEvidence(shortest).smallest(stuck: stuck, limits: limits)
        let isBetter = !shortest.isWhole && fewer.count < kept.count
        return violation(of: isBetter ? fewer : kept, isWhole: !isBetter)
    }

    func impossibleAnswer(limits: CheckLimits) -> Violation? {
        let whole = RegisterWindow(self, from: -1, to: .max - 1)
        return RegisterEvidence(whole).impossibleAnswer(limits: limits).map { violation(of: $0, isWhole: true) }
    }

    func violation(in window: RegisterWindow, limits: CheckLimits) -> Violation {
        violation(
            of: RegisterEvidence(window).smallest(stuck: nil, limits: limits), isWhole: window.isWhole)
    }

    private func violation(of kept: [Int], isWhole: Bool) -> Violation {
        let operations = kept.map { self.operations[$0] }
        let beginning = isWhole ? "which begins with \(initialValue)" : "whatever it began with"
        if operations.allSatisfy(\.isOfMutex) {
            let held = isWhole ? "which begins free" : "free or held before"
            return Violation("No order of these operations of a mutex, \(held), keeps real time.", operations)
        }
        let object = operations.first?.key.map { " of \($0)" } ?? ""
        var explanation =
            "No order of these operations\(object), \(beginning), keeps real time and gives every answer."
        let answers = operations.filter { ["read", "get", "r"].contains($0.function) && $0.outcome == .ok }
        if answers.count == 1, let answer = answers.first {
            explanation += " \(answer.result) was read, "
            let sources = operations.filter { $0 != answer && $0.couldSet(answer.result) }
            if sources.isEmpty, answer.result != initialValue {
                explanation += "which nobody had written."
            } else {
                explanation += "which could not be there any more, or not yet."
            }
        }
        return Violation(explanation, operations)
    }
}

extension RecordedOperation {
    fileprivate var isOfMutex: Bool { function == "acquire" || function == "release" }

    /// Whether a register can have this value because of this operation.
    fileprivate func couldSet(_ value: HistoryValue) -> Bool {
        function == "append" || argument == value || argument.list?.last == value
    }
}
