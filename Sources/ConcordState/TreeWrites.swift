import ConcordModel

/// Why a command has no effect. Its key and node follow from the operation, so they are not kept.
struct Refused: Error, Equatable {
    let code: RefusalCode
    var number: UInt64?
    var setting: Setting?

    init(_ code: RefusalCode, number: UInt64? = nil, setting: Setting? = nil) {
        self.code = code
        self.number = number
        self.setting = setting
    }
}

/// What a command did to the node that it names.
struct Done {
    let status: OperationResult.Status
    /// After the operation; before it, for a deletion.
    let node: NodeVersion?
    var number: Int64?
}

// MARK: - Put

extension Tree {
    /// Creates a node or replaces its value. Keeps everything else of a node that exists.
    ///
    /// The order of judging: the shape of key and value, the condition, the parent, the room.
    mutating func put(_ put: PutOperation, _ settings: ReplicatedSettings, _ change: Change) throws(Refused) -> Done {
        try judgeShape(put.key, valueCount: put.value?.count ?? 0, settings)
        let location = nodes.find(put.key.bytes)
        try judge(put.condition, location)
        if let location {
            let old = nodes[location].body.bytes.count
            try judgeRoom(
                nodes: 0, bytesAdded: put.key.bytes.count + (put.value?.count ?? 0), bytesRemoved: old, settings)
            return Done(status: .replaced, node: replace(location, put.key, value: put.value, change))
        }
        let missing = put.needsParent ? try missingParents(of: put.key, create: put.createsParents) : []
        try judgeRoom(creating: put.key, value: put.value, parents: missing, settings)
        for parent in missing { create(parent, value: nil, isCounted: true, change) }
        return Done(
            status: .created, node: create(put.key, value: put.value, isCounted: put.needsParent, change))
    }

    /// The ancestors of a key that do not exist, the topmost first.
    private func missingParents(of key: Key, create: Bool) throws(Refused) -> [Key] {
        guard let parentCount = Tree.parentCount(of: key.bytes, key.bytes.count) else { throw Refused(.invalidRequest) }
        if exists(key.bytes, parentCount) { return [] }
        guard create else { throw Refused(.parentNotFound) }
        return try missing(Key(Array(key.bytes[..<parentCount])))
    }

    /// `key` and its ancestors as far as they do not exist, the topmost first.
    private func missing(_ key: Key) throws(Refused) -> [Key] {
        var missing: [Key] = []
        var count = key.bytes.count
        while !exists(key.bytes, count) {
            missing.append(Key(Array(key.bytes[..<count])))
            guard let parentCount = Tree.parentCount(of: key.bytes, count) else { throw Refused(.invalidRequest) }
            count = parentCount
        }
        return missing.reversed()
    }
}

// MARK: - Sequential names

extension Tree {
    /// Creates a child whose name ends in the next number of the parent's counter. The first number is 1, and a
    /// name that exists already, made by hand, is passed over. Numbers only grow while the parent lives: when the
    /// counter or the width is exhausted the operation is refused.
    mutating func createSequential(
        _ create: CreateSequentialOperation, _ settings: ReplicatedSettings, _ change: Change
    ) throws(Refused) -> Done {
        guard (1...20).contains(create.width), !create.prefix.contains(Key.separator) else {
            throw Refused(.invalidRequest)
        }
        try judgeShape(
            Tree.sequentialKey(create, number: 0), valueCount: create.value?.count ?? 0, settings)
        var missing: [Key] = []
        if !exists(create.parent.bytes, create.parent.bytes.count) {
            guard create.createsParents else { throw Refused(.parentNotFound) }
            missing = try self.missing(create.parent)
        }
        let (number, key) = try nextSequential(create)
        try judgeRoom(creating: key, value: create.value, parents: missing, settings)
        for parent in missing { self.create(parent, value: nil, isCounted: true, change) }
        let node = self.create(key, value: create.value, isCounted: true, change)
        setSequence(number, of: create.parent)
        return Done(status: .created, node: node, number: Int64(number))
    }

    private func nextSequential(_ create: CreateSequentialOperation) throws(Refused) -> (number: UInt64, key: Key) {
        let last = directories.record(create.parent.bytes).map { $0.nodeLives ? $0.sequence : 0 } ?? 0
        var number = last
        for _ in 0..<StateLimits.sequentialTriesMax {
            guard number < UInt64(Int64.max) else { throw Refused(.limitExceeded, number: last) }
            number += 1
            guard String(number).utf8.count <= Int(create.width) else { throw Refused(.limitExceeded, number: last) }
            let key = Tree.sequentialKey(create, number: Int64(number))
            if !exists(key.bytes, key.bytes.count) { return (number, key) }
        }
        throw Refused(.conflict, number: number)
    }

    /// The key that a sequential creation made with this number.
    static func sequentialKey(_ create: CreateSequentialOperation, number: Int64) -> Key {
        let digits = Array(String(number).utf8)
        let zeros = Swift.max(0, Int(create.width) - digits.count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(create.parent.bytes.count + 1 + create.prefix.count + zeros + digits.count)
        bytes.append(contentsOf: create.parent.bytes)
        bytes.append(Key.separator)
        bytes.append(contentsOf: create.prefix)
        bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: zeros))
        bytes.append(contentsOf: digits)
        return Key(bytes)
    }
}

// MARK: - Counters

extension Tree {
    /// Adds to a decimal value; a node that does not exist is created with the amount.
    mutating func increment(
        _ increment: IncrementOperation, _ settings: ReplicatedSettings, _ change: Change
    ) throws(Refused) -> Done {
        try judgeShape(increment.key, valueCount: 0, settings)
        let location = nodes.find(increment.key.bytes)
        try judge(increment.condition, location)
        guard let location else {
            _ = try missingParents(of: increment.key, create: false)
            let value = Array(String(increment.amount).utf8)
            try judgeShape(increment.key, valueCount: value.count, settings)
            try judgeRoom(creating: increment.key, value: value, parents: [], settings)
            return Done(
                status: .created, node: create(increment.key, value: value, isCounted: true, change),
                number: increment.amount)
        }
        let body = nodes[location].body
        guard let value = body.value, let number = Tree.canonicalDecimal(value) else { throw Refused(.conflict) }
        let (sum, overflow) = number.addingReportingOverflow(increment.amount)
        if overflow { throw Refused(.conflict) }
        let digits = Array(String(sum).utf8)
        try judgeShape(increment.key, valueCount: digits.count, settings)
        try judgeRoom(
            nodes: 0, bytesAdded: increment.key.bytes.count + digits.count, bytesRemoved: body.bytes.count, settings)
        return Done(
            status: .replaced, node: replace(location, increment.key, value: digits, change), number: sum)
    }

    /// A 64-bit number in the one form that this service itself writes: no sign but `-`, no leading zero.
    static func canonicalDecimal(_ bytes: [UInt8]) -> Int64? {
        guard bytes.count <= 20, let text = String(validating: bytes, as: UTF8.self), let number = Int64(text),
            Array(String(number).utf8) == bytes
        else { return nil }
        return number
    }
}

// MARK: - Judging

extension Tree {
    /// What a key and a value may be, whatever is there. The root is written by nobody.
    private func judgeShape(_ key: Key, valueCount: Int, _ settings: ReplicatedSettings) throws(Refused) {
        if key.isRoot { throw Refused(.invalidRequest) }
        // A key in the log may be as long as its encoding allows; a stored one counts its bytes in 16 bits.
        if UInt64(key.bytes.count) > settings[.keyBytesMax] {
            throw Refused(.tooLarge, number: settings[.keyBytesMax], setting: .keyBytesMax)
        }
        let levels = key.bytes.reduce(into: UInt64(0)) { if $1 == Key.separator { $0 += 1 } }
        if levels > settings[.keyLevelsMax] {
            throw Refused(.limitExceeded, number: settings[.keyLevelsMax], setting: .keyLevelsMax)
        }
        if UInt64(valueCount) > settings[.valueBytesMax] {
            throw Refused(.tooLarge, number: settings[.valueBytesMax], setting: .valueBytesMax)
        }
    }

    func judge(_ condition: Condition, _ location: OrderedIndex<NodeRecord>.Location?) throws(Refused) {
        switch condition {
        case .none: return
        case .exists: if location == nil { throw Refused(.revisionMismatch) }
        case .absent: if location != nil { throw Refused(.alreadyExists) }
        case .modifiedAt(let revisions):
            guard let location, revisions.contains(Revision(nodes[location].modifyRevision)) else {
                throw Refused(.revisionMismatch)
            }
        }
    }

    private func judgeRoom(
        creating key: Key, value: [UInt8]?, parents: [Key], _ settings: ReplicatedSettings
    ) throws(Refused) {
        let created = UInt64(parents.count) + 1
        if created > settings[.nodesChangedMax] {
            throw Refused(.limitExceeded, number: settings[.nodesChangedMax], setting: .nodesChangedMax)
        }
        let parentBytes = parents.reduce(0) { $0 + $1.bytes.count }
        try judgeRoom(
            nodes: created, bytesAdded: parentBytes + key.bytes.count + (value?.count ?? 0), bytesRemoved: 0, settings)
    }

    /// A change that makes nothing grow is allowed also when the state is over its bounds.
    private func judgeRoom(
        nodes created: UInt64, bytesAdded: Int, bytesRemoved: Int, _ settings: ReplicatedSettings
    ) throws(Refused) {
        if created > 0, nodes.count - 1 + created > settings[.stateNodesMax] {
            throw Refused(.noSpace, number: settings[.stateNodesMax], setting: .stateNodesMax)
        }
        let after = bytes + UInt64(bytesAdded) + created * StateLimits.nodeBytes - UInt64(bytesRemoved)
        if after > bytes, after > settings[.stateBytesMax] {
            throw Refused(.noSpace, number: settings[.stateBytesMax], setting: .stateBytesMax)
        }
    }
}
