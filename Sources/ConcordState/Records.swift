import ConcordModel

/// The bytes of one version of a node: its key and its value, in one piece of memory that the node and the events
/// of its history share.
struct Body: Sendable {
    private(set) var bytes: [UInt8]
    let keyCount16: UInt16
    let hasValue: Bool

    static let empty = Body(bytes: [], keyCount16: 0, hasValue: false)

    private init(bytes: [UInt8], keyCount16: UInt16, hasValue: Bool) {
        self.bytes = bytes
        self.keyCount16 = keyCount16
        self.hasValue = hasValue
    }

    init(key: [UInt8], value: [UInt8]?) {
        precondition(key.count <= Int(UInt16.max), "a key was stored that the limits do not allow")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(key.count + (value?.count ?? 0))
        bytes.append(contentsOf: key)
        if let value { bytes.append(contentsOf: value) }
        self.init(bytes: bytes, keyCount16: UInt16(key.count), hasValue: value != nil)
    }

    var keyCount: Int { Int(keyCount16) }
    var valueCount: Int { bytes.count - keyCount }
    var key: Key { Key(Array(bytes[..<keyCount])) }
    var value: [UInt8]? { hasValue ? Array(bytes[keyCount...]) : nil }

    mutating func flipBit(ofByte offset: Int) {
        bytes[offset] ^= 1
    }
}

/// What a node knows of its children.
struct ChildCounters: Equatable, Sendable {
    var childRevision: UInt64
    var childVersion: UInt64
    var childrenCount: UInt64

    static let none = ChildCounters(childRevision: 0, childVersion: 0, childrenCount: 0)
}

/// A living node, in a leaf of the index.
struct NodeRecord: IndexedRecord {
    var body: Body
    /// Its parent's counters include it.
    let isCounted: Bool
    /// A directory record holds the counters of its children; without one it never had any.
    var hasDirectory = false
    let createRevision: UInt64
    var modifyRevision: UInt64
    var version: UInt64
    /// The number of the newest event of this key; older than the history's front when that is forgotten.
    var lastEvent: UInt64
    var digest: UInt128 = 0

    @inline(__always) var keyBytes: [UInt8] { body.bytes }
    @inline(__always) var keyCount: Int { body.keyCount }

    /// The bytes that the limit of the state counts.
    var countedBytes: UInt64 { UInt64(body.bytes.count) + StateLimits.nodeBytes }
}

/// What is kept for the parent of nodes, by the parent's key.
struct DirectoryRecord: IndexedRecord {
    let key: [UInt8]
    /// The node itself lives, and the counters are its own; else only the chain is kept.
    var nodeLives: Bool
    var counters = ChildCounters.none
    /// The number that the last sequential name got.
    var sequence: UInt64 = 0
    /// The number of the newest event that created or deleted a child.
    var lastMembership: UInt64 = 0
    var digest: UInt128 = 0

    @inline(__always) var keyBytes: [UInt8] { key }
    @inline(__always) var keyCount: Int { key.count }
}

/// A key without a node, whose deletion the history retains.
struct DepartedRecord: IndexedRecord {
    let body: Body
    let lastEvent: UInt64

    @inline(__always) var keyBytes: [UInt8] { body.bytes }
    @inline(__always) var keyCount: Int { body.keyCount }
}

/// One version of a node as it was at some revision, with what it then knew of its children.
struct NodeVersion: Sendable {
    var body: Body
    var createRevision: UInt64
    var modifyRevision: UInt64
    var version: UInt64
    var children: ChildCounters

    func node(withValue: Bool) -> Node {
        node(key: body.key, withValue: withValue)
    }

    /// The node, for a caller that has its key at hand.
    func node(key: Key, withValue: Bool) -> Node {
        Node(
            key: key, value: withValue ? body.value : nil, kind: .persistent,
            createRevision: Revision(createRevision), modifyRevision: Revision(modifyRevision), version: version,
            lease: nil, childRevision: Revision(children.childRevision), childVersion: children.childVersion,
            childrenCount: children.childrenCount)
    }
}
