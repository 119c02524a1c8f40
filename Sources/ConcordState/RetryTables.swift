import ConcordBytes
import ConcordModel

/// A stored outcome under the name by which its request comes again.
struct OutcomeRecord: IndexedRecord {
    let key: [UInt8]
    let outcome: StoredOutcome
    /// Of the encoded operation; 0 for an origin, whose member never gives a number to two commands.
    var operationHash: UInt128
    /// Cluster clock.
    let storedAt: UInt64
    var digest: UInt128 = 0

    var keyBytes: [UInt8] { key }
    var keyCount: Int { key.count }
}

struct ClientRecord: IndexedRecord {
    let key: [UInt8]
    /// The highest `done` that it told.
    var done: UInt64
    /// Cluster clock of its newest request.
    var lastSeen: UInt64
    /// Under which clock it stands in the queue of expiry: at most `lastSeen`.
    var queuedAt: UInt64
    var openCount: UInt64
    var digest: UInt128 = 0

    var keyBytes: [UInt8] { key }
    var keyCount: Int { key.count }
}

struct OriginRecord: IndexedRecord {
    let key: [UInt8]
    var boot: UInt64
    var done: UInt64
    var openCount: UInt64
    var digest: UInt128 = 0

    var keyBytes: [UInt8] { key }
    var keyCount: Int { key.count }
}

/// Who stands in a queue of expiry, by clock and then by name.
struct ExpiryRecord: IndexedRecord {
    let key: [UInt8]

    var keyBytes: [UInt8] { key }
    var keyCount: Int { key.count }
    var clock: UInt64 { RetryTables.number(key, at: 0) }
    var name: [UInt8] { Array(key[8...]) }
}

/// What makes a repeated request harmless: the outcomes of writes, under the names by which they can come again.
///
/// A command is looked up by its origin first: a member that sends it again must find the outcome that it may
/// already have answered, whatever has become of the client's own record. Then by the identity that the client gave
/// it, which may arrive through another member, with another origin; what is found there is stored for that origin too.
/// Both then answer alike.
struct RetryTables: Sendable {
    enum Judgement {
        case fresh
        case known(StoredOutcome)
        case refused(Refused)
    }

    var outcomes = OrderedIndex<OutcomeRecord>()
    var origins = OrderedIndex<OriginRecord>()
    var clients = OrderedIndex<ClientRecord>()
    var clientExpiries = OrderedIndex<ExpiryRecord>()
    var keyExpiries = OrderedIndex<ExpiryRecord>()
    /// What `idempotencyBytesMax` counts: clients, their outcomes, keys.
    var bytes: UInt64 = 0
    var digest: UInt128 = 0

    var keysCount: UInt64 { keyExpiries.count }

    // MARK: Origins

    /// Looks a command up by its origin. Only a `fresh` command changes the tables, and a known one forgets what its
    /// `done` allows.
    mutating func judge(_ origin: Origin) -> Judgement {
        let member = RetryTables.bytes(origin.member)
        let location = origins.find(member)
        let known = location.map { origins[$0] }
        if let known, origin.boot < known.boot { return .refused(Refused(.superseded)) }
        let isSameBoot = known?.boot == origin.boot
        let done = Swift.max(origin.done, isSameBoot ? known?.done ?? 0 : 0)
        if origin.sequence <= done { return .refused(Refused(.superseded)) }

        let old = known?.digest ?? 0
        var new = OriginRecord(key: member, boot: origin.boot, done: done, openCount: 0)
        if let known {
            new.openCount = known.openCount
            if new.openCount > 0, !isSameBoot || done > known.done {
                new.openCount -= forget(Name.origin, member, through: isSameBoot ? done : UInt64.max)
            }
        }
        new.digest = StateHash.digest(of: new)
        digest = digest &- old &+ new.digest
        if let location { origins.update(location) { $0 = new } } else { origins.insert(new) }

        if let record = outcomes.record(RetryTables.name(Name.origin, member, origin.sequence)) {
            return .known(record.outcome)
        }
        return .fresh
    }

    /// What is kept for exactly this origin. Changes nothing.
    func stored(for origin: Origin) -> StoredOutcome? {
        let member = RetryTables.bytes(origin.member)
        guard origins.record(member)?.boot == origin.boot else { return nil }
        return outcomes.record(RetryTables.name(Name.origin, member, origin.sequence))?.outcome
    }

    /// Whether the member has more commands unanswered than any member ever has. Such a command is `superseded`: it
    /// has no effect, and since no outcome can be stored for it, none may be told.
    func isFull(_ origin: Origin) -> Bool {
        (origins.record(RetryTables.bytes(origin.member))?.openCount ?? 0) >= StateLimits.originOpenMax
    }

    mutating func store(_ outcome: StoredOutcome, for origin: Origin, clock: UInt64) {
        let member = RetryTables.bytes(origin.member)
        guard let location = origins.find(member) else {
            preconditionFailure("an outcome was stored for an origin that was not judged")
        }
        insert(RetryTables.name(Name.origin, member, origin.sequence), outcome, hash: 0, clock: clock)
        let (old, new) = origins.update(location) { record in
            let old = record.digest
            record.openCount += 1
            record.digest = StateHash.digest(of: record)
            return (old, record.digest)
        }
        digest = digest &- old &+ new
    }

    // MARK: Clients

    /// Looks a call of the library up, and registers the call of a client that may go on.
    mutating func judge(_ call: ClientCall, hash: UInt128, clock: UInt64, _ settings: ReplicatedSettings) -> Judgement {
        let id = RetryTables.bytes(call.client)
        if let client = clients.record(id), clock - client.lastSeen > settings[.clientKeptMilliseconds] {
            forget(client)
        }
        guard let location = clients.find(id) else {
            return judgeUnknown(call, id, clock: clock, settings)
        }
        var client = clients[location]
        let old = client.digest
        let done = Swift.max(client.done, call.done)
        if call.sequence <= done { return .refused(Refused(.conflict, number: done)) }

        let forgotten = done > client.done ? forget(Name.client, id, through: done) : 0
        client.openCount -= forgotten
        bytes -= forgotten * StateLimits.retryRecordBytes
        client.done = done
        client.lastSeen = clock
        client.digest = StateHash.digest(of: client)
        digest = digest &- old &+ client.digest
        clients.update(location) { $0 = client }

        if let record = outcomes.record(RetryTables.name(Name.client, id, call.sequence)) {
            return record.operationHash == hash
                ? .known(record.outcome) : .refused(Refused(.idempotencyConflict))
        }
        if client.openCount >= settings[.clientOpenMax] {
            return .refused(
                Refused(.overloaded, number: settings[.clientOpenMax], setting: .clientOpenMax))
        }
        if let refused = judgeRoom(StateLimits.retryRecordBytes, clock: clock, settings) { return .refused(refused) }
        return .fresh
    }

    private mutating func judgeUnknown(
        _ call: ClientCall, _ id: [UInt8], clock: UInt64, _ settings: ReplicatedSettings
    ) -> Judgement {
        if call.sequence <= call.done { return .refused(Refused(.conflict, number: call.done)) }
        guard call.sequence == 1 else { return .refused(Refused(.clientExpired)) }
        if clients.count >= settings[.clientsMax] {
            expire(clock: clock, settings, limit: StateLimits.expiriesWhenFullMax) {
                $0.clients.count < settings[.clientsMax]
            }
            if clients.count >= settings[.clientsMax] {
                return .refused(Refused(.overloaded, number: settings[.clientsMax], setting: .clientsMax))
            }
        }
        if let refused = judgeRoom(2 * StateLimits.retryRecordBytes, clock: clock, settings) {
            return .refused(refused)
        }
        var client = ClientRecord(key: id, done: call.done, lastSeen: clock, queuedAt: clock, openCount: 0)
        client.digest = StateHash.digest(of: client)
        digest &+= client.digest
        bytes += StateLimits.retryRecordBytes
        clients.insert(client)
        clientExpiries.insert(ExpiryRecord(key: RetryTables.queueName(clock, id)))
        return .fresh
    }

    mutating func store(_ outcome: StoredOutcome, for call: ClientCall, hash: UInt128, clock: UInt64) {
        let id = RetryTables.bytes(call.client)
        guard let location = clients.find(id) else {
            preconditionFailure("an outcome was stored for a client that was not judged")
        }
        insert(RetryTables.name(Name.client, id, call.sequence), outcome, hash: hash, clock: clock)
        bytes += StateLimits.retryRecordBytes
        let (old, new) = clients.update(location) { client in
            let old = client.digest
            client.openCount += 1
            client.digest = StateHash.digest(of: client)
            return (old, client.digest)
        }
        digest = digest &- old &+ new
    }

    // MARK: Keys

    mutating func judge(_ key: [UInt8], hash: UInt128, clock: UInt64, _ settings: ReplicatedSettings) -> Judgement {
        if let record = outcomes.record([Name.key] + key) {
            return record.operationHash == hash
                ? .known(record.outcome) : .refused(Refused(.idempotencyConflict))
        }
        if keysCount >= settings[.idempotencyKeysMax] {
            expire(clock: clock, settings, limit: StateLimits.expiriesWhenFullMax) {
                $0.keysCount < settings[.idempotencyKeysMax]
            }
            if keysCount >= settings[.idempotencyKeysMax] {
                return .refused(
                    Refused(.overloaded, number: settings[.idempotencyKeysMax], setting: .idempotencyKeysMax))
            }
        }
        if let refused = judgeRoom(StateLimits.retryRecordBytes + UInt64(key.count), clock: clock, settings) {
            return .refused(refused)
        }
        return .fresh
    }

    mutating func store(_ outcome: StoredOutcome, for key: [UInt8], hash: UInt128, clock: UInt64) {
        insert([Name.key] + key, outcome, hash: hash, clock: clock)
        bytes += StateLimits.retryRecordBytes + UInt64(key.count)
        keyExpiries.insert(ExpiryRecord(key: RetryTables.queueName(clock, key)))
    }

    private mutating func judgeRoom(_ needed: UInt64, clock: UInt64, _ settings: ReplicatedSettings) -> Refused? {
        let max = settings[.idempotencyBytesMax]
        if bytes + needed > max {
            expire(clock: clock, settings, limit: StateLimits.expiriesWhenFullMax) { $0.bytes + needed <= max }
        }
        return bytes + needed > max ? Refused(.overloaded, number: max, setting: .idempotencyBytesMax) : nil
    }
}
