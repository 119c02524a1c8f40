import ConcordModel
import ConcordState
import Testing

/// Shorthand that lets a test read like its story.
extension StateMachine {
    @discardableResult
    mutating func put(
        _ key: String, _ value: String? = "", condition: Condition = .none, parents: Bool = false,
        needsParent: Bool = true
    ) -> Outcome {
        let put = PutOperation(
            key: Key(text: key), value: value.map { Array($0.utf8) }, condition: condition, createsParents: parents,
            needsParent: needsParent)
        return apply(Command(operation: .put(put)))
    }

    @discardableResult
    mutating func sequential(
        _ parent: String, _ prefix: String = "", width: UInt8 = 20, parents: Bool = false
    ) -> Outcome {
        let create = CreateSequentialOperation(
            parent: Key(text: parent), prefix: Array(prefix.utf8), value: [], width: width, createsParents: parents)
        return apply(Command(operation: .createSequential(create)))
    }

    @discardableResult
    mutating func increment(_ key: String, by amount: Int64 = 1, condition: Condition = .none) -> Outcome {
        let increment = IncrementOperation(key: Key(text: key), amount: amount, condition: condition)
        return apply(Command(operation: .increment(increment)))
    }

    @discardableResult
    mutating func delete(
        _ key: String, condition: Condition = .none, recursive: Bool = false, batch: UInt32 = 0
    ) -> Outcome {
        let delete = DeleteOperation(key: Key(text: key), condition: condition, recursive: recursive, batch: batch)
        return apply(Command(operation: .delete(delete)))
    }

    @discardableResult
    mutating func set(_ setting: Setting, _ value: UInt64) -> Outcome {
        apply(Command(operation: .changeSettings([SettingValue(setting, value)])))
    }

    func node(_ key: String, at revision: UInt64? = nil) -> Node? {
        guard case .node(let node) = answer(.node(NodeQuery(key: Key(text: key), at: revision.map { Revision($0) })))
        else { return nil }
        return node
    }

    func value(_ key: String, at revision: UInt64? = nil) -> String? {
        node(key, at: revision)?.value.map { String(decoding: $0, as: UTF8.self) }
    }

    func page(
        _ key: String, _ scope: ListQuery.Scope = .children, _ detail: ListQuery.Detail = .names, at: UInt64? = nil,
        after: String? = nil, nodesMax: Int = 1000, bytesMax: Int = 4 << 20
    ) -> ListPage? {
        let query = ListQuery(
            key: Key(text: key), scope: scope, detail: detail, at: at.map { Revision($0) },
            after: after.map { Key(text: $0) }, nodesMax: nodesMax, bytesMax: bytesMax)
        guard case .page(let page) = answer(.list(query)) else { return nil }
        return page
    }

    func names(_ key: String, _ scope: ListQuery.Scope = .children, at: UInt64? = nil) -> [String]? {
        page(key, scope, at: at)?.nodes.map { $0.key.text }
    }
}

extension Outcome {
    var code: RefusalCode? {
        guard case .refused(let refusal) = verdict else { return nil }
        return refusal.code
    }

    var refusal: Refusal? {
        guard case .refused(let refusal) = verdict else { return nil }
        return refusal
    }

    var result: OperationResult? {
        guard case .applied(let results) = verdict else { return nil }
        return results.first
    }
}

/// Applies commands, and after each sees that the hash kept is the hash of what is there.
func expectConsistent(_ machine: StateMachine, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(machine.stateHash == machine.recomputedHash(), sourceLocation: sourceLocation)
}

extension StateMachine {
    /// Its image, in pieces of about so many bytes.
    func image(pieceBytes: Int) -> [[UInt8]] {
        var writer = StateImageWriter(self)
        var pieces: [[UInt8]] = []
        while let piece = writer.next(bytes: pieceBytes) { pieces.append(piece) }
        return pieces
    }

    static func read(_ pieces: [[UInt8]]) throws(StateImageError) -> StateMachine {
        var reader = StateImageReader()
        for piece in pieces { try reader.read(piece) }
        return try reader.finish()
    }

    /// What another member, or the next start, makes of its image.
    func reloaded() throws(StateImageError) -> StateMachine {
        try StateMachine.read(image(pieceBytes: 256))
    }
}
