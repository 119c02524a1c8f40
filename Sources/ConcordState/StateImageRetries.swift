import ConcordModel

// The retry tables of an image: origins and clients, then the outcomes that are theirs, or a key's.

extension RetryTables {
    static let idBytes = 16

    mutating func restore(_ origin: OriginRecord) {
        var origin = origin
        origin.digest = StateHash.digest(of: origin)
        digest &+= origin.digest
        origins.insert(origin)
    }

    mutating func restore(_ client: ClientRecord, clock: UInt64) throws(StateImageError) {
        guard client.queuedAt <= client.lastSeen, client.lastSeen <= clock else {
            throw .inconsistent("a client of the future")
        }
        var client = client
        client.digest = StateHash.digest(of: client)
        digest &+= client.digest
        bytes += StateLimits.retryRecordBytes
        clientExpiries.insert(ExpiryRecord(key: RetryTables.queueName(client.queuedAt, client.key)))
        clients.insert(client)
    }

    mutating func restore(_ outcome: OutcomeRecord, clock: UInt64) throws(StateImageError) {
        guard outcome.storedAt <= clock else { throw .inconsistent("an outcome of the future") }
        let name = outcome.key
        let isOfSequence = name.count == 1 + RetryTables.idBytes + 8
        let id = Array(name.dropFirst().prefix(RetryTables.idBytes))
        switch name.first {
        case Name.origin where isOfSequence && origins.find(id) != nil: break
        case Name.client where isOfSequence && clients.find(id) != nil: bytes += StateLimits.retryRecordBytes
        case Name.key where name.count > 1:
            bytes += StateLimits.retryRecordBytes + UInt64(name.count - 1)
            keyExpiries.insert(ExpiryRecord(key: RetryTables.queueName(outcome.storedAt, Array(name.dropFirst()))))
        default: throw .inconsistent("an outcome of nobody")
        }
        insert(name, outcome.outcome, hash: outcome.operationHash, clock: outcome.storedAt)
    }

    /// Whoever has outcomes knows how many.
    func checkRestored() throws(StateImageError) {
        var origin = origins.start
        while let record = origins.record(at: origin) {
            guard record.openCount == count(Name.origin, record.key) else {
                throw .inconsistent("an origin miscounts its outcomes")
            }
            origins.advance(&origin)
        }
        var client = clients.start
        while let record = clients.record(at: client) {
            guard record.openCount == count(Name.client, record.key) else {
                throw .inconsistent("a client miscounts its outcomes")
            }
            clients.advance(&client)
        }
    }

    private func count(_ kind: UInt8, _ id: [UInt8]) -> UInt64 {
        outcomes.count(from: RetryTables.name(kind, id, 0), before: RetryTables.name(kind, id, .max) + [0])
    }
}
