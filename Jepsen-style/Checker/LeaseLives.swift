/// What a history says of one lease.
struct LeaseLife {
    struct Renewal {
        var operation: RecordedOperation
        /// The client's clock before it sent: from there the TTL counts.
        var began: Int64
        /// When the answer came; `nil` without one.
        var ended: Int64?
    }

    struct Death {
        var operation: RecordedOperation
        /// When it was learnt.
        var time: Int64
        /// The lease was dead at this revision, perhaps earlier.
        var revision: Int64?
        /// Not by the wish of a client.
        var isExpiry: Bool
        /// Without these `operation` would not show it.
        var because: [RecordedOperation] = []
    }

    var name: HistoryValue
    /// Nanoseconds.
    var ttl: Int64
    /// Grant and keep-alives that took effect or may have; in the order of invocation, as all that follows.
    var renewals: [Renewal] = []
    var deaths: [Death] = []
    var revocations: [RecordedOperation] = []
    /// What needs a living lease and succeeded at a revision: writes, locks, reads of its nodes.
    var deeds: [RecordedOperation] = []
    /// What showed it alive when it was asked: keep-alives and deeds, but no read of a member's own state.
    var signs: [RecordedOperation] = []

    /// Until when it was surely alive, by the client's clock, if nobody revoked it.
    var sureUntil: Int64? { renewals.filter { $0.operation.isAcknowledged }.map { $0.began + ttl }.max() }
}

/// The leases of a history, by name.
struct LeaseLives {
    /// In the order in which they were granted.
    private(set) var leases: [HistoryValue] = []
    private var lives: [HistoryValue: LeaseLife] = [:]
    /// The nodes that belong to a lease: who put them, and with which.
    private var owners: [HistoryValue: (put: RecordedOperation, lease: HistoryValue)] = [:]
    /// Nodes that somebody else may have changed.
    private var touched: Set<HistoryValue> = []

    subscript(lease: HistoryValue) -> LeaseLife? { lives[lease] }

    init(_ operations: [RecordedOperation]) throws(MalformedHistory) {
        let ordered = operations.sorted { $0.invoked < $1.invoked }
        for operation in ordered { try LeaseLives.checkTimes(of: operation) }
        for operation in ordered where operation.isAcknowledged { try grant(operation) }
        findOwners(ordered)
        for operation in ordered {
            switch operation.function {
            case "lease-keepalive": try keepAlive(operation)
            case "lease-revoke": try revoke(operation)
            case "lease-expired": try die(try operation.needKey(), operation, isExpiry: true)
            case "put", "acquire": try use(operation, operation.argument["lease"])
            case "get": try get(operation)
            default: break
            }
        }
        for lease in leases { lives[lease]?.deaths.sort { $0.operation.returned < $1.operation.returned } }
    }

    /// Beyond some seventy years on either side of the clock's start, sums of times would leave 64 bits.
    private static let times = -Int64(1 << 61)...Int64(1 << 61)

    private static func checkTimes(of operation: RecordedOperation) throws(MalformedHistory) {
        for time in [operation.invokedTime, operation.returnedTime].compactMap({ $0 }) where !times.contains(time) {
            throw MalformedHistory("\(operation.function) at \(operation.invoked) has no sensible time")
        }
    }

    private mutating func grant(_ operation: RecordedOperation) throws(MalformedHistory) {
        let isGrant = operation.function == "lease-grant"
        guard isGrant || operation.function == "acquire" && operation.argument["ttl_ms"] != nil else { return }
        guard let lease = operation.result["lease"] else {
            throw MalformedHistory("\(operation.function) at \(operation.invoked) names no lease")
        }
        let milliseconds = try operation.need("ttl_ms", (isGrant ? operation.result : operation.argument)["ttl_ms"])
        guard (1...1_000_000_000_000).contains(milliseconds), lives[lease] == nil else {
            throw MalformedHistory("the lease granted at \(operation.invoked) is no new one of a sensible TTL")
        }
        leases.append(lease)
        lives[lease] = LeaseLife(name: lease, ttl: milliseconds * 1_000_000)
        lives[lease]?.renewals.append(try LeaseLives.renewal(operation))
    }

    private static func renewal(_ operation: RecordedOperation) throws(MalformedHistory) -> LeaseLife.Renewal {
        guard let began = operation.invokedTime else {
            throw MalformedHistory("\(operation.function) at \(operation.invoked) has no time")
        }
        return LeaseLife.Renewal(
            operation: operation, began: began, ended: operation.outcome == .ok ? operation.returnedTime : nil)
    }

    private mutating func keepAlive(_ operation: RecordedOperation) throws(MalformedHistory) {
        let lease = try operation.needKey()
        try use(operation, lease)
        guard operation.outcome != .fail, operation.refusal == nil else { return }
        lives[lease]?.renewals.append(try LeaseLives.renewal(operation))
        lives[lease]?.renewals.sort { $0.operation.invoked < $1.operation.invoked }
    }

    private mutating func revoke(_ operation: RecordedOperation) throws(MalformedHistory) {
        let lease = try operation.needKey()
        lives[lease]?.revocations.append(operation)
        if operation.isAcknowledged { try die(lease, operation, isExpiry: false) }
        if operation.refusal == "lease_expired" { try die(lease, operation, isExpiry: true) }
    }

    /// A write, a lock or a keep-alive by `lease`: a sign of its life, or of its death.
    private mutating func use(_ operation: RecordedOperation, _ lease: HistoryValue?) throws(MalformedHistory) {
        guard let lease, lives[lease] != nil else { return }
        if operation.refusal == "lease_expired" { return try die(lease, operation, isExpiry: true) }
        guard operation.isAcknowledged else { return }
        lives[lease]?.signs.append(operation)
        // A keep-alive has no place among the revisions: it is no change, and any member may relay it.
        if operation.function != "lease-keepalive" { lives[lease]?.deeds.append(operation) }
    }

    private mutating func get(_ operation: RecordedOperation) throws(MalformedHistory) {
        guard operation.outcome == .ok, operation.argument["at"] == nil else { return }
        let isLocal = operation.argument["local"] == .bool(true)
        if let lease = operation.result["lease"], lives[lease] != nil {
            lives[lease]?.deeds.append(operation)
            if !isLocal { lives[lease]?.signs.append(operation) }
        }
        guard operation.refusal == "not_found", !isLocal, let key = operation.key, let owner = owners[key],
            owner.put.returned < operation.invoked, !touched.contains(key)
        else { return }
        try die(owner.lease, operation, isExpiry: true, because: [owner.put])
    }

    private mutating func die(
        _ lease: HistoryValue, _ operation: RecordedOperation, isExpiry: Bool, because: [RecordedOperation] = []
    ) throws(MalformedHistory) {
        guard lives[lease] != nil else { return }
        guard let time = operation.returnedTime else {
            throw MalformedHistory("\(operation.function) at \(operation.invoked) has no time")
        }
        lives[lease]?.deaths.append(
            LeaseLife.Death(
                operation: operation, time: time, revision: operation.revision, isExpiry: isExpiry, because: because))
    }

    /// Nodes put once, with a lease, that nobody else put or deleted: when they are gone, so is the lease.
    private mutating func findOwners(_ operations: [RecordedOperation]) {
        var isDeleting = false
        for operation in operations where operation.outcome != .fail && operation.refusal == nil {
            guard let key = operation.key else { continue }
            switch operation.function {
            case "put":
                guard owners[key] == nil, operation.isAcknowledged, let lease = operation.argument["lease"] else {
                    touched.insert(key)
                    continue
                }
                owners[key] = (operation, lease)
            case "delete":
                touched.insert(key)
                isDeleting = isDeleting || operation.argument["recursive"] == .bool(true)
            default: break
            }
        }
        // A recursive deletion may take nodes that it does not name.
        if isDeleting { owners = [:] }
    }
}
