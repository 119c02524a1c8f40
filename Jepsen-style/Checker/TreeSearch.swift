// The search for a linear order of a history of the tree.

extension TreeHistory {
    enum SearchOutcome {
        case linearizable
        /// These contradict each other by themselves.
        case contradiction([RecordedOperation])
        case unknown
    }

    /// Counter-examples are made smaller only below this many operations: each step is a search.
    private static let shrinkableMax = 300

    /// Judges each part of the tree by itself, revisions hidden.
    func search(_ limits: CheckLimits) -> SearchOutcome {
        var actions = actions
        TreeObject.tellConditions(&actions, revisions: positions.map { operations[$0].revision })
        let configurationsMax = 1000 + actions.count * Checker.treeConfigurationsForEachOperation
        let limits = CheckLimits(
            configurationsMax: min(limits.configurationsMax, configurationsMax), isOutOfTime: limits.isOutOfTime)
        var outcome = SearchOutcome.linearizable
        for group in TreeObject.partitions(actions) {
            switch search(group, actions, limits) {
            case .linearizable: continue
            case .unknown: outcome = .unknown
            case .contradiction(let stuck):
                let least = smaller(group, stuckAt: group[stuck], actions, limits)
                return .contradiction(least.map { operations[positions[$0]] })
            }
        }
        return outcome
    }

    /// Of operations that contradict each other, fewer that still do. Reads and refusals can be left out from any
    /// history without making it wrong, so what is still wrong without them was wrong by the others.
    private func smaller(_ group: [Int], stuckAt stuck: Int, _ actions: [TreeAction], _ limits: CheckLimits) -> [Int] {
        let end = operations[positions[stuck]].returned
        var involved = group.filter { operations[positions[$0]].invoked <= end }
        guard involved.count <= Self.shrinkableMax else { return involved }
        for index in involved where index != stuck && TreeObject().isRead(actions[index]) {
            let without = involved.filter { $0 != index }
            if case .contradiction = search(without, actions, limits) { involved = without }
        }
        return involved
    }

    private func search(_ group: [Int], _ actions: [TreeAction], _ limits: CheckLimits)
        -> WingGongLowe<TreeObject>.Outcome
    {
        let calls = group.map { index in
            let operation = operations[positions[index]]
            let returned = operation.outcome == .ok ? operation.returned : .max
            return WingGongLowe<TreeObject>.Call(actions[index], invoked: operation.invoked, returned: returned)
        }
        return WingGongLowe(
            TreeObject(), initial: TreeState(), calls: calls, likeness: likeness(of: group), limits: limits
        ).run()
    }

    /// Operations of unknown outcome that ask the same are alike.
    private func likeness(of group: [Int]) -> [Int] {
        var numbers: [AskedOperation: Int] = [:]
        return group.indices.map { place in
            let operation = operations[positions[group[place]]]
            guard operation.outcome == .unknown else { return place }
            let asked = AskedOperation(operation)
            let number = numbers[asked, default: place]
            numbers[asked] = number
            return number
        }
    }
}
