import ConcordBytes
import ConcordModel
import ConcordReplica

// The next operation of a client.

extension SimulatedClient {
    enum Mood {
        /// Requests may have a short time, and clients may go away.
        case free
        /// No outcome may stay unknown: who cannot ask again only reads.
        case careful
        /// All is well, so everything must be answered in time.
        case served
    }

    /// Begins the next operation.
    mutating func begin(
        _ workload: ClientWorkload, now: UInt64, mood: Mood, seen all: inout SeenByClients,
        random: inout SeededRandom
    ) {
        if var again = shelved, random.chance(percent: 30) {
            shelved = nil
            again.attempts = 0
            drawPatience(of: &again, workload, now: now, isFree: mood == .free, &random)
            doing = again
            return
        }
        sequence += 1
        answered.removeAll { now - $0.invokedAt > workload.keyGoodMicroseconds }
        let invoked = all.nextPosition()
        var kind = drawKind(workload, &random)
        if mood == .careful, manner == .plain { kind = .get }
        var next = Doing(
            kind: kind, question: .cluster, process: process, invoked: invoked, since: invoked, invokedAt: now,
            newest: all.newest, compactedBelow: all.compactedBelow)
        switch kind {
        case .get, .list, .count, .readSettings:
            next.question = .read(drawQuery(kind, workload, &random))
            if random.chance(percent: workload.localPercent) {
                next.consistency = .local
                // Who says what it has seen is never shown less; who does not takes what the member has.
                if random.chance(percent: 60) {
                    next.minimum = seen
                    next.since = seenSince
                } else {
                    next.since = 0
                }
            }
        case .readCluster: break
        case .put, .createSequential, .increment, .delete, .changeSettings:
            next.question = .write(drawWrite(kind, workload, &random))
            drawRetry(of: &next)
        case .repeatKey, .misuseKey:
            drawUsedKey(of: &next, now: now, workload, &random)
        }
        if case .write(.changeSettings(let values)) = next.question, case .history = next.purpose {
            all.settings.begin(values, at: invoked)
        }
        drawPatience(of: &next, workload, now: now, isFree: mood == .free, &random)
        doing = next
    }

    /// Begins a plain read of a node.
    mutating func beginLook(at key: Key, now: UInt64, seen all: inout SeenByClients) {
        sequence += 1
        let invoked = all.nextPosition()
        doing = Doing(
            kind: .get, question: .read(.node(NodeQuery(key: key))), process: process, invoked: invoked, since: invoked,
            invokedAt: now, newest: all.newest, compactedBelow: all.compactedBelow)
    }

    /// By the weights; what this client cannot do now is a get.
    private func drawKind(_ workload: ClientWorkload, _ random: inout SeededRandom) -> ClientWorkload.Kind {
        var number = random.below(workload.weights.reduce(0, +))
        for kind in ClientWorkload.Kind.allCases {
            let weight = workload.weight(of: kind)
            guard number >= weight else {
                switch kind {
                case .repeatKey, .misuseKey: return answered.isEmpty ? .get : kind
                case .get, .list, .count, .readSettings, .readCluster, .put, .createSequential, .increment, .delete,
                    .changeSettings:
                    return kind
                }
            }
            number -= weight
        }
        return .get
    }

    private func drawPatience(
        of doing: inout Doing, _ workload: ClientWorkload, now: UInt64, isFree: Bool, _ random: inout SeededRandom
    ) {
        doing.abandonAt = nil
        guard isFree else {
            doing.timeoutMilliseconds = 2000 + random.below(2500)
            return
        }
        let range = workload.timeoutMilliseconds
        doing.timeoutMilliseconds = range.lowerBound + random.below(range.upperBound - range.lowerBound + 1)
        if random.chance(percent: workload.abandonPercent) {
            doing.abandonAt = now + 1 + random.below(doing.timeoutMilliseconds * 1000)
        }
    }

    // MARK: Reads

    private func drawQuery(
        _ kind: ClientWorkload.Kind, _ workload: ClientWorkload, _ random: inout SeededRandom
    ) -> Query {
        guard kind != .readSettings else { return .settings }
        var at: Revision?
        if random.chance(percent: workload.pastPercent) {
            // Mostly what may be retained, sometimes anything, rarely the future.
            switch random.below(20) {
            case 0: at = Revision(seen.rawValue + 1 + random.below(40))
            case ..<6: at = Revision(random.below(seen.rawValue + 1))
            default: at = Revision(seen.rawValue - min(seen.rawValue, random.below(30)))
            }
        }
        guard kind != .get else {
            return .node(
                NodeQuery(key: drawKey(workload, &random), at: at, withValue: !random.chance(percent: 15)))
        }
        let key = random.chance(percent: 25) ? Key.root : drawKey(workload, &random)
        let details: [ListQuery.Detail] = kind == .count ? [.count] : [.names, .values]
        let isPaged = random.chance(percent: 40)
        return .list(
            ListQuery(
                key: key, scope: random.chance(percent: 50) ? .subtree : .children,
                detail: details[Int(random.below(UInt64(details.count)))], at: at,
                nodesMax: isPaged ? 1 + Int(random.below(3)) : SimulatedClient.pageNodesMax,
                bytesMax: random.chance(percent: 10) ? 1 + Int(random.below(40)) : 4 << 20))
    }

    private static let pageNodesMax = 1000

    private func drawKey(_ workload: ClientWorkload, _ random: inout SeededRandom) -> Key {
        if !made.isEmpty, random.chance(percent: 25) { return made[Int(random.below(UInt64(made.count)))] }
        return workload.keys[Int(random.below(UInt64(workload.keys.count)))]
    }

    // MARK: Writes

    private func drawWrite(
        _ kind: ClientWorkload.Kind, _ workload: ClientWorkload, _ random: inout SeededRandom
    ) -> Operation {
        let key = drawKey(workload, &random)
        switch kind {
        case .createSequential:
            let widths: [UInt8] = [1, 2, 3, 20, 20, 20]
            let prefixes: [[UInt8]] = [[], Array("s-".utf8), Array("é".utf8)]
            return .createSequential(
                CreateSequentialOperation(
                    parent: random.chance(percent: 10) ? .root : key,
                    prefix: prefixes[Int(random.below(UInt64(prefixes.count)))],
                    value: drawValue(workload, &random), width: widths[Int(random.below(UInt64(widths.count)))],
                    createsParents: random.chance(percent: workload.parentsPercent)))
        case .increment:
            let amount = random.chance(percent: 2) ? Int64.max : Int64(random.below(9)) - 3
            return .increment(
                IncrementOperation(key: key, amount: amount, condition: drawCondition(key, workload, &random)))
        case .delete:
            let recursive = random.chance(percent: workload.recursivePercent)
            let isBatched = recursive && random.chance(percent: workload.batchPercent)
            return .delete(
                DeleteOperation(
                    key: key, condition: drawCondition(key, workload, &random), recursive: recursive,
                    batch: isBatched ? UInt32(1 + random.below(TightSettings.batchMax)) : 0))
        case .changeSettings:
            return .changeSettings(drawSettings(workload, &random))
        case .put, .get, .list, .count, .readSettings, .readCluster, .repeatKey, .misuseKey:
            return .put(
                PutOperation(
                    key: key, value: drawValue(workload, &random), condition: drawCondition(key, workload, &random),
                    createsParents: random.chance(percent: workload.parentsPercent)))
        }
    }

    private func drawCondition(
        _ key: Key, _ workload: ClientWorkload, _ random: inout SeededRandom
    ) -> Condition {
        guard random.chance(percent: workload.conditionPercent) else { return .none }
        switch random.below(10) {
        case ..<2: return .absent
        case ..<4: return .exists
        case 4: return .modifiedAt([Revision(1 + random.below(seen.rawValue + 1))])
        default:
            let known = read.first { $0.key == key }?.revision ?? seen
            return .modifiedAt(random.chance(percent: 20) ? [seen, known] : [known])
        }
    }

    /// A text that no other operation writes, a number for counters, nothing at all, or something large.
    private func drawValue(_ workload: ClientWorkload, _ random: inout SeededRandom) -> [UInt8]? {
        switch random.below(100) {
        case ..<4: return nil
        case ..<7: return []
        case ..<20 where workload.weight(of: .increment) > 0:
            let number = random.chance(percent: 10) ? Int64.max - 2 : Int64(random.below(100)) - 50
            return Array(String(number).utf8)
        default:
            var value = Array("c\(number).\(sequence)".utf8)
            if random.chance(percent: workload.largePercent) {
                let size = Int(1 + random.below(workload.largeValueBytes))
                if size > value.count {
                    value.append(
                        contentsOf: repeatElement(ValueText.padding, count: size - value.count))
                }
            }
            return value
        }
    }

    private func drawSettings(_ workload: ClientWorkload, _ random: inout SeededRandom) -> [SettingValue] {
        guard !workload.settings.isEmpty else { return [SettingValue(.valueBytesMax, Setting.valueBytesMax.standard)] }
        var values: [SettingValue] = []
        for setting in workload.settings where values.isEmpty || random.chance(percent: 30) {
            guard let tight = TightSettings.range(of: setting) else { continue }
            let isTight = random.chance(percent: 60)
            let value =
                isTight ? tight.lowerBound + random.below(tight.upperBound - tight.lowerBound + 1) : setting.standard
            values.append(SettingValue(setting, value))
        }
        return values
    }

    // MARK: Retries

    private mutating func drawRetry(of next: inout Doing) {
        switch manner {
        case .plain: break
        case .key: next.retry = .key(Array("key-\(number)-\(sequence)".utf8))
        case .library:
            if let call = ledger?.begin() { next.retry = .client(call) }
        }
    }

    private func drawUsedKey(
        of next: inout Doing, now: UInt64, _ workload: ClientWorkload, _ random: inout SeededRandom
    ) {
        let used = answered[Int(random.below(UInt64(answered.count)))]
        next.retry = .key(used.key)
        if next.kind == .repeatKey {
            next.purpose = .repetition(used.outcome)
            next.question = .write(used.operation)
            return
        }
        var other = drawWrite(.put, workload, &random)
        if other == used.operation { other = .delete(DeleteOperation(key: Key(text: "/never"))) }
        next.purpose = .misuse
        next.question = .write(other)
    }
}
