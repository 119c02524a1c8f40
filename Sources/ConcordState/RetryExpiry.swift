import ConcordModel

// How the tables forget, and how their records are named.

extension RetryTables {
    /// The first byte of a stored outcome's name.
    enum Name {
        static let origin = UInt8(ascii: "o")
        static let client = UInt8(ascii: "c")
        static let key = UInt8(ascii: "k")
    }

    /// Forgets records that are old by the cluster clock, the oldest first, until `isEnough` or after `limit` looks.
    mutating func expire(
        clock: UInt64, _ settings: ReplicatedSettings, limit: Int, isEnough: (RetryTables) -> Bool = { _ in false }
    ) {
        for _ in 0..<limit where !isEnough(self) {
            let key = expireKey(clock: clock, kept: settings[.idempotencyKeptMilliseconds])
            let client = expireClient(clock: clock, kept: settings[.clientKeptMilliseconds])
            guard key || client else { return }
        }
    }

    private mutating func expireKey(clock: UInt64, kept: UInt64) -> Bool {
        guard keyExpiries.count > 0, let oldest = keyExpiries.record(at: keyExpiries.start), clock - oldest.clock > kept
        else { return false }
        keyExpiries.remove(oldest.key)
        remove([Name.key] + oldest.key[8...])
        bytes -= StateLimits.retryRecordBytes + UInt64(oldest.key.count - 8)
        return true
    }

    /// A client's place in the queue is not moved at each request: it is looked at when its old place comes up.
    private mutating func expireClient(clock: UInt64, kept: UInt64) -> Bool {
        guard clientExpiries.count > 0, let oldest = clientExpiries.record(at: clientExpiries.start),
            clock - oldest.clock > kept
        else {
            return false
        }
        guard let location = clients.find(oldest.name) else {
            preconditionFailure("a client stands in the queue of expiry that is not known")
        }
        let client = clients[location]
        if clock - client.lastSeen > kept {
            forget(client)
            return true
        }
        clientExpiries.remove(oldest.key)
        clientExpiries.insert(ExpiryRecord(key: RetryTables.queueName(client.lastSeen, client.key)))
        let (old, new) = clients.update(location) { client in
            let old = client.digest
            client.queuedAt = client.lastSeen
            client.digest = StateHash.digest(of: client)
            return (old, client.digest)
        }
        digest = digest &- old &+ new
        return true
    }

    mutating func forget(_ client: ClientRecord) {
        let forgotten = forget(Name.client, client.key, through: UInt64.max)
        bytes -= (forgotten + 1) * StateLimits.retryRecordBytes
        digest &-= client.digest
        clientExpiries.remove(RetryTables.queueName(client.queuedAt, client.key))
        clients.remove(client.key)
    }

    /// Forgets the outcomes of one origin or client with sequences up to `through`.
    /// - Returns: how many there were.
    mutating func forget(_ kind: UInt8, _ id: [UInt8], through: UInt64) -> UInt64 {
        var forgotten: UInt64 = 0
        let first = RetryTables.name(kind, id, 0)
        while let record = outcomes.record(at: outcomes.seek(first)), record.key.count == first.count,
            record.key[..<17] == first[..<17], RetryTables.number(record.key, at: 17) <= through
        {
            remove(record.key)
            forgotten += 1
        }
        return forgotten
    }

    /// Forgets what members sent: those of these ids never speak again.
    mutating func forgetOrigins() {
        while origins.count > 0, let origin = origins.record(at: origins.start) {
            _ = forget(Name.origin, origin.key, through: UInt64.max)
            digest &-= origin.digest
            origins.remove(origin.key)
        }
    }

    mutating func insert(_ name: [UInt8], _ outcome: StoredOutcome, hash: UInt128, clock: UInt64) {
        var record = OutcomeRecord(key: name, outcome: outcome, operationHash: hash, storedAt: clock)
        record.digest = StateHash.digest(of: record)
        digest &+= record.digest
        outcomes.insert(record)
    }

    private mutating func remove(_ name: [UInt8]) {
        guard let record = outcomes.remove(name) else {
            preconditionFailure("an outcome was forgotten that was not stored")
        }
        digest &-= record.digest
    }

    func recomputedDigest() -> UInt128 {
        var sum: UInt128 = 0
        var outcome = outcomes.start
        while let record = outcomes.record(at: outcome) {
            sum &+= StateHash.digest(of: record)
            outcomes.advance(&outcome)
        }
        var origin = origins.start
        while let record = origins.record(at: origin) {
            sum &+= StateHash.digest(of: record)
            origins.advance(&origin)
        }
        var client = clients.start
        while let record = clients.record(at: client) {
            sum &+= StateHash.digest(of: record)
            clients.advance(&client)
        }
        return sum
    }
}

// MARK: - Names

extension RetryTables {
    /// Sixteen bytes in the order of the number.
    static func bytes(_ id: UInt128) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        for shift in stride(from: 120, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: id >> UInt128(shift)))
        }
        return bytes
    }

    /// The name of the outcome of a sequence: in the order of the sequences.
    static func name(_ kind: UInt8, _ id: [UInt8], _ sequence: UInt64) -> [UInt8] {
        var name: [UInt8] = []
        name.reserveCapacity(25)
        name.append(kind)
        name.append(contentsOf: id)
        append(sequence, to: &name)
        return name
    }

    /// A place in a queue of expiry: in the order of the clock.
    static func queueName(_ clock: UInt64, _ name: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + name.count)
        append(clock, to: &bytes)
        bytes.append(contentsOf: name)
        return bytes
    }

    static func number(_ bytes: [UInt8], at offset: Int) -> UInt64 {
        var number: UInt64 = 0
        for position in offset..<offset + 8 { number = number << 8 | UInt64(bytes[position]) }
        return number
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
        }
    }
}
