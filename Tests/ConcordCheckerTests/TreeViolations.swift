import ConcordChecker

/// Of a tree in which one client has `/z` and all below it for itself, so that all it may be told is known.
enum TreeViolation: ViolationKind {
    /// A read tells the value that the client had overwritten.
    case staleRead
    /// The same, with all that was true at the time of that value: a later revision was known when it was asked.
    case staleReadThatSaysWhen
    /// A node whose creation was acknowledged is not found.
    case acknowledgedNodeLost
    /// A read tells a value that nobody put.
    case phantomValue
    /// A read tells a node that is put later.
    case readOfTheFuture
    /// A put that failed is read.
    case effectOfAFailedPut
    /// A read of the past tells what was put later.
    case pastThatChanges
    /// A version is two more than the one before.
    case versionThatJumps
    /// `created` is not the revision of the creation.
    case createdElsewhere
    /// `modified` is not the revision of the last change.
    case modifiedElsewhere
    /// A later put has a lower revision.
    case revisionThatGoesBack
    /// Two puts have one revision.
    case revisionOfTwoChanges
    /// The last change leaves a revision out, which nobody's change explains.
    case revisionLeftOut
    /// A read has a revision beyond the last change.
    case readThatRaisesTheRevision
    /// A listing does not tell a node that is there.
    case nodeMissingInAListing
    /// A listing tells a node that was deleted.
    case deletedNodeInAListing
    /// A listing is not in the order of bytes.
    case listingOutOfOrder
    /// A listing of children tells a grandchild.
    case grandchildInAListing
    /// A count is one more than there are.
    case countOfTooMany
    /// Two creations in sequence give one number.
    case numberGivenTwice
    /// A creation in sequence passes over a number that nothing stands in the way of.
    case numberPassedOver
    /// A number is given again after its node was deleted, while the parent lives.
    case numberGivenAgain
    /// A child is there after its parent was deleted with all below it.
    case childThatOutlivesItsParent
    /// A deletion tells fewer nodes than went.
    case deletionOfTooFew
    /// A node with a child was deleted, and not recursively.
    case deletionOfAParent
    /// A node was put whose parent is not there.
    case orphan
    /// A put succeeded whose condition names a revision that the node no longer has.
    case successUnderABrokenCondition
    /// Two creations of one node, which must be absent, succeeded.
    case createdTwice
    /// A put was refused though its condition holds.
    case refusalWithoutReason
    /// An increment tells more than all increments together.
    case incrementedTwice
    /// An increment tells what the one before it told.
    case incrementLost

    func verdict(_ operations: [RecordedOperation]) -> Verdict { Checker.check(operations, model: .tree) }

    /// Whether the answers contradict each other even where no revision is told.
    private var isSeenWithoutRevisions: Bool {
        switch self {
        case .pastThatChanges, .createdElsewhere, .modifiedElsewhere, .revisionThatGoesBack, .revisionLeftOut: false
        case .revisionOfTwoChanges, .readThatRaisesTheRevision, .successUnderABrokenCondition: false
        default: true
        }
    }

    func planted(_ dice: inout StoryDice) -> Planted? {
        let isBlind = isSeenWithoutRevisions && dice.chance(50)
        var clients = ConcurrentClients(clients: 1 + dice.below(5), operationsMax: 5 + dice.below(25))
        if isLast {
            // Whatever comes later, or has no answer, could explain one more revision.
            clients.lost = 0
            clients.closing = steps
        } else {
            clients.script = steps
        }
        let history = clients.run(TreeWork(namesRevisions: !isBlind), &dice) as SimulatedHistory
        var scripted = history.scripted.map { history.operations[$0] }
        lie(in: &scripted, dice.below(3))
        var operations = history.operations
        for (index, changed) in zip(history.scripted, scripted) { operations[index] = changed }
        var planted = Planted(truth: history.operations, lie: operations)
        if isBlind {
            for index in planted.lie.indices { planted.lie[index].hideRevisions() }
            for index in planted.truth.indices { planted.truth[index].hideRevisions() }
        }
        return planted
    }
}

// MARK: - What the client asks

extension TreeViolation {
    /// What it claims to have changed comes at the very end.
    private var isLast: Bool {
        switch self {
        case .revisionLeftOut, .readThatRaisesTheRevision, .deletionOfAParent, .orphan: true
        case .successUnderABrokenCondition, .createdTwice: true
        default: false
        }
    }

    private static func put(_ path: String, _ value: String, _ more: [String: HistoryValue] = [:]) -> Request {
        Request("put", .fields(more.merging(["value": .text(value)]) { $1 }), key: .text(path))
    }

    private static func ask(
        _ function: String, _ path: String, _ argument: [String: HistoryValue] = [:]
    ) -> ConcurrentClients.Step {
        { _ in Request(function, argument.isEmpty ? .null : .fields(argument), key: .text(path)) }
    }

    private static let next = ask("create-sequential", "/z", ["prefix": .text("n"), "width": .number(3)])
    private static let first: ConcurrentClients.Step = { _ in put("/z", "first") }
    private static let second: ConcurrentClients.Step = { _ in put("/z", "second") }
    private static let read = ask("get", "/z")
    private static let family: [ConcurrentClients.Step] = [
        first, { _ in put("/z/a", "one") }, { _ in put("/z/b", "two") }, { _ in put("/z/a/c", "three") },
    ]

    private var steps: [ConcurrentClients.Step] {
        typealias Kind = TreeViolation
        switch self {
        case .staleRead, .staleReadThatSaysWhen, .phantomValue, .createdElsewhere, .modifiedElsewhere,
            .acknowledgedNodeLost, .effectOfAFailedPut, .readThatRaisesTheRevision:
            return [Kind.first, Kind.second, Kind.read]
        case .versionThatJumps, .revisionThatGoesBack, .revisionOfTwoChanges, .revisionLeftOut:
            return [Kind.first, Kind.second]
        case .readOfTheFuture: return [Kind.read, Kind.first]
        case .pastThatChanges:
            let past: ConcurrentClients.Step = { done in
                Request("get", .fields(["at": .int(done[0].revision ?? 0)]), key: .text("/z"))
            }
            return [Kind.first, Kind.second, past]
        case .nodeMissingInAListing, .listingOutOfOrder, .grandchildInAListing:
            return Kind.family + [Kind.ask("list", "/z")]
        case .countOfTooMany: return Kind.family + [Kind.ask("count", "/z", ["scope": .text("subtree")])]
        case .deletedNodeInAListing: return Kind.family + [Kind.ask("delete", "/z/b"), Kind.ask("list", "/z")]
        case .childThatOutlivesItsParent, .deletionOfTooFew:
            return Kind.family + [Kind.ask("delete", "/z", ["recursive": .bool(true)]), Kind.ask("get", "/z/b")]
        case .deletionOfAParent: return Kind.family + [Kind.ask("delete", "/z")]
        case .numberGivenTwice, .numberPassedOver: return [Kind.first, Kind.next, Kind.next]
        case .numberGivenAgain: return [Kind.first, Kind.next, Kind.ask("delete", "/z/n001"), Kind.next]
        case .orphan: return [{ _ in Kind.put("/z/a", "one") }]
        case .successUnderABrokenCondition:
            let late: ConcurrentClients.Step = { done in
                Kind.put("/z", "third", ["if": .list([.int(done[0].revision ?? 0)])])
            }
            return [Kind.first, Kind.second, late]
        case .createdTwice: return [Kind.first, { _ in Kind.put("/z", "second", ["if": .text("absent")]) }]
        case .refusalWithoutReason: return [Kind.first, { _ in Kind.put("/z", "second", ["if": .text("exists")]) }]
        case .incrementedTwice, .incrementLost:
            return Array(repeating: Kind.ask("increment", "/z", ["by": .number(3)]), count: 3)
        }
    }
}

// MARK: - What it is told

extension TreeViolation {
    private func lie(in done: inout [RecordedOperation], _ choice: Int) {
        let last = done.count - 1
        let revision = done[last].revision ?? 0
        switch self {
        case .staleRead: done[last].tell("value", .text("first"))
        case .phantomValue: done[last].tell("value", .text("phantom"))
        case .staleReadThatSaysWhen:
            done[last].result = done[0].result
            done[last].tell("value", .text("first"))
            done[last].revision = done[0].revision
        case .acknowledgedNodeLost: done[last].refuse("not_found")
        case .readOfTheFuture:
            done[0].result = done[1].result
            done[0].tell("value", .text("first"))
            done[0].revision = done[1].revision
        case .effectOfAFailedPut:
            done[1].outcome = .fail
            done[1].result = .null
            done[1].revision = nil
        case .pastThatChanges: done[last].tell("value", .text("second"))
        case .versionThatJumps: done[last].tell("version", .number(3 + choice))
        case .createdElsewhere: done[last].tell("created", .int((done[0].revision ?? 0) + 1))
        case .modifiedElsewhere: done[last].tell("modified", done[0].result["modified"] ?? .null)
        case .revisionThatGoesBack: done[last].claim((done[0].revision ?? 0) - 1)
        case .revisionOfTwoChanges: done[last].claim(done[0].revision ?? 0)
        case .revisionLeftOut: done[last].claim(revision + 1)
        case .readThatRaisesTheRevision: done[last].revision = revision + 1
        case .deletionOfAParent: done[last].succeed(.fields(["number": .number(1)]))
        case .orphan: done[last].succeed(version: 1, created: revision + 1)
        case .successUnderABrokenCondition:
            done[last].succeed(version: 3, created: done[0].revision ?? 0)
        case .createdTwice: done[last].succeed(version: 1, created: revision + 1)
        case .refusalWithoutReason: done[last].refuse("revision_mismatch")
        default: lieOfNodes(in: &done, choice)
        }
    }

    private func lieOfNodes(in done: inout [RecordedOperation], _ choice: Int) {
        let last = done.count - 1
        let number = done[last].result["number"]?.int ?? 0
        func names(_ names: String...) -> HistoryValue { .fields(["names": .list(names.map { .text($0) })]) }
        func node(_ number: Int) -> HistoryValue {
            .fields(["key": .text("/z/n00\(number)"), "number": .number(number)])
        }
        switch self {
        case .nodeMissingInAListing: done[last].result = names(choice == 0 ? "/z/a" : "/z/b")
        case .deletedNodeInAListing: done[last].result = names("/z/a", "/z/b")
        case .listingOutOfOrder: done[last].result = names("/z/b", "/z/a")
        case .grandchildInAListing: done[last].result = names("/z/a", "/z/a/c", "/z/b")
        case .countOfTooMany: done[last].tell("number", .int(number + 1))
        case .numberGivenTwice: done[last].result = done[last - 1].result
        case .numberPassedOver: done[last].result = node(3 + choice)
        case .numberGivenAgain: done[last].result = node(1)
        case .childThatOutlivesItsParent: done[last].result = .fields(["value": .text("two"), "version": .number(1)])
        case .deletionOfTooFew: done[last - 1].tell("number", .number(1 + choice))
        case .incrementedTwice: done[last].tell("number", .int(number + 3))
        case .incrementLost: done[last].tell("number", .int(number - 3))
        default: break
        }
    }
}

extension RecordedOperation {
    fileprivate mutating func tell(_ name: String, _ value: HistoryValue) {
        guard case .map(var fields) = result else { return }
        fields[.text(name)] = value
        result = .map(fields)
    }

    fileprivate mutating func refuse(_ code: String) { result = .fields(["refused": .text(code)]) }

    /// A change of this revision.
    fileprivate mutating func claim(_ wanted: Int64) {
        revision = wanted
        tell("modified", .int(wanted))
    }

    /// What was refused was done, and took the next revision.
    fileprivate mutating func succeed(_ answer: HistoryValue) {
        revision = (revision ?? 0) + 1
        result = answer
    }

    fileprivate mutating func succeed(version: Int, created: Int64) {
        succeed(
            .fields(["version": .number(version), "created": .int(created), "modified": .int((revision ?? 0) + 1)]))
    }
}
