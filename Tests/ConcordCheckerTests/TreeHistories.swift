import ConcordChecker

/// Histories of clients of one tree, with overlap: an operation takes effect at some moment between its call and its
/// return. Some outcomes are never learnt; such an operation takes effect then, later, or never.
struct TreeHistories {
    var processes = 5
    var operationsMax = 200
    /// In a hundred.
    var unknown = 5
    var reads = 45
    var failed = 3
    var hasRootListings = true
    /// Whether nodes are recorded with their revisions.
    var hasNodeRevisions = true

    private static let paths = [
        "/a", "/a/b", "/a/c", "/a/b/d", "/a/b/e", "/f", "/f/g", "/q", "/q/h", "/n", "/n/1", "/n/2",
    ]

    struct History {
        var operations: [RecordedOperation] = []
        var committed: [CommittedOperation] = []
        /// The tree when all was over.
        var tree = NaiveTree()
    }

    func make(seed: UInt64) -> History {
        var run = Run(plan: self, dice: Dice(seed: seed))
        run.go()
        return run.history
    }

    private struct Run {
        let plan: TreeHistories
        var dice: Dice
        var history = History()
        private var position = 0
        /// Called and not yet done; done and not yet returned; given up and perhaps still to be done.
        private var called: [Int] = []
        private var done: [Int] = []
        private var abandoned: [Int] = []
        private var revisionsSeen: [Int64] = [0]
        private var nextProcess = 100

        init(plan: TreeHistories, dice: Dice) {
            self.plan = plan
            self.dice = dice
        }

        mutating func go() {
            while history.operations.count < plan.operationsMax || !called.isEmpty || !done.isEmpty {
                switch dice.roll(6) {
                case 0, 1:
                    if called.count + done.count < plan.processes, history.operations.count < plan.operationsMax {
                        invoke()
                    }
                case 2, 3: if !called.isEmpty { takeEffect(called.remove(at: dice.roll(called.count))) }
                case 4: if !done.isEmpty { finish(done.remove(at: dice.roll(done.count))) }
                default: if !abandoned.isEmpty, dice.roll(4) == 0 { haunt() }
                }
            }
        }

        private mutating func invoke() {
            let (function, key, argument) = ask()
            nextProcess += 1
            history.operations.append(
                RecordedOperation(
                    process: .int(Int64(nextProcess)), function: function, key: .text(key), argument: argument,
                    outcome: .unknown, invoked: position, returned: .max))
            position += 1
            let index = history.operations.count - 1
            if dice.roll(100) < plan.failed {
                history.operations[index].outcome = .fail
                history.operations[index].returned = position
                position += 1
            } else {
                called.append(index)
            }
        }

        private mutating func takeEffect(_ index: Int) {
            if dice.roll(100) < plan.unknown {
                abandoned.append(index)
            } else {
                perform(index)
                done.append(index)
            }
        }

        /// An operation of unknown outcome happens, or never will.
        private mutating func haunt() {
            let index = abandoned.remove(at: dice.roll(abandoned.count))
            guard dice.roll(3) < 2 else { return }
            perform(index)
            forget(index)
        }

        private mutating func perform(_ index: Int) {
            let operation = history.operations[index]
            let before = history.tree.revision
            let answer = history.tree.perform(operation.function, operation.key?.text ?? "", operation.argument)
            history.operations[index].result = answer
            history.operations[index].revision = history.tree.revision
            guard history.tree.revision > before else { return }
            history.committed.append(
                CommittedOperation(
                    revision: history.tree.revision, function: operation.function, key: operation.key,
                    argument: operation.argument))
        }

        private mutating func forget(_ index: Int) {
            history.operations[index].result = .null
            history.operations[index].revision = nil
        }

        private mutating func finish(_ index: Int) {
            if dice.roll(100) < plan.unknown {
                return forget(index)
            }
            history.operations[index].outcome = .ok
            history.operations[index].returned = position
            position += 1
            if let modified = history.operations[index].result["modified"]?.int { revisionsSeen.append(modified) }
            if !plan.hasNodeRevisions, case .map(var fields) = history.operations[index].result {
                fields[.text("created")] = nil
                fields[.text("modified")] = nil
                history.operations[index].result = .map(fields)
            }
        }

        private mutating func ask() -> (String, String, HistoryValue) {
            var path = TreeHistories.paths[dice.roll(TreeHistories.paths.count)]
            if dice.roll(100) < plan.reads {
                var fields: [HistoryValue: HistoryValue] = [:]
                if dice.roll(8) == 0 { fields[.text("at")] = .int(revisionsSeen[dice.roll(revisionsSeen.count)]) }
                let function = ["get", "get", "list", "count"][dice.roll(4)]
                if function != "get", dice.roll(3) == 0 { fields[.text("scope")] = .text("subtree") }
                if function != "get", plan.hasRootListings, dice.roll(6) == 0 { path = "/" }
                return (function, path, fields.isEmpty ? .null : .map(fields))
            }
            var fields: [HistoryValue: HistoryValue] = [:]
            switch dice.roll(6) {
            case 0: fields[.text("if")] = .text("absent")
            case 1: fields[.text("if")] = .text("exists")
            case 2:
                let back = dice.roll(min(4, revisionsSeen.count))
                fields[.text("if")] = .list([.int(revisionsSeen[revisionsSeen.count - 1 - back])])
            default: break
            }
            switch dice.roll(10) {
            case 0, 1:
                if dice.roll(3) == 0 { fields[.text("recursive")] = .bool(true) }
                return ("delete", path, fields.isEmpty ? .null : .map(fields))
            case 2, 3:
                return (
                    "create-sequential", path,
                    .map([
                        .text("prefix"): .text(["", "x"][dice.roll(2)]),
                        .text("width"): .int(Int64(1 + dice.roll(2) * 9)),
                        .text("value"): .text("s\(history.operations.count)"),
                    ])
                )
            case 4, 5:
                fields[.text("by")] = .int(Int64(dice.roll(5)) - 1)
                return ("increment", ["/n/1", "/n/2", "/q/h"][dice.roll(3)], .map(fields))
            default:
                fields[.text("value")] = dice.roll(10) == 0 ? .null : .text("v\(history.operations.count)")
                if dice.roll(4) == 0 { fields[.text("parents")] = .bool(true) }
                return ("put", path, .map(fields))
            }
        }
    }
}
