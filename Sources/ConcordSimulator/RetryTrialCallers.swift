import ConcordBytes
import ConcordModel

/// Those who ask the members of a trial to write: some without any identity, some with an `Idempotency-Key`, some with
/// the library, whose account of sequences they keep.
struct RetryTrialCallers {
    private struct Library {
        let id: UInt128
        var next: UInt64 = 1
        var open: [(sequence: UInt64, operation: Operation)] = []
        /// The first call was answered: others may follow.
        var isKnown = false

        var done: UInt64 { (open.first?.sequence ?? next) - 1 }
        var mayBegin: Bool { open.count < openMax && (next == 1 || isKnown) }

        private let openMax = 6

        init(id: UInt128) {
            self.id = id
        }
    }

    private var libraries = (1...4).map { Library(id: $0) }
    private var keyed: [(key: [UInt8], operation: Operation)] = []
    private var keysMade = 0
    private var librariesMade: UInt128 = 4

    private static let keysInUseMax = 12

    /// A new write or an old one again; by whichever member it goes.
    mutating func next(_ random: inout SeededRandom) -> (operation: Operation, retry: RetryIdentity) {
        switch random.below(100) {
        case 0..<30: (drawnOperation(&random), .none)
        case 30..<65: nextCall(&random)
        default: nextKeyed(&random)
        }
    }

    private mutating func nextKeyed(_ random: inout SeededRandom) -> (operation: Operation, retry: RetryIdentity) {
        if !keyed.isEmpty, random.chance(percent: 60) {
            let (key, operation) = keyed[Int(random.below(UInt64(keyed.count)))]
            return (random.chance(percent: 10) ? drawnOperation(&random) : operation, .key(key))
        }
        keysMade += 1
        // Some are the beginning of others.
        let key = Array("k\(keysMade)".utf8) + [UInt8](repeating: UInt8(ascii: "0"), count: Int(random.below(20)))
        let operation = drawnOperation(&random)
        if keyed.count == RetryTrialCallers.keysInUseMax {
            keyed.remove(at: Int(random.below(UInt64(keyed.count))))
        }
        keyed.append((key, operation))
        return (operation, .key(key))
    }

    private mutating func nextCall(_ random: inout SeededRandom) -> (operation: Operation, retry: RetryIdentity) {
        let index = Int(random.below(UInt64(libraries.count)))
        if libraries[index].open.isEmpty, !libraries[index].mayBegin { renew(index) }
        if libraries[index].mayBegin, libraries[index].open.isEmpty || random.chance(percent: 55) {
            libraries[index].open.append((libraries[index].next, drawnOperation(&random)))
            libraries[index].next += 1
            return call(of: libraries[index], libraries[index].open.count - 1)
        }
        let position = Int(random.below(UInt64(libraries[index].open.count)))
        var again = call(of: libraries[index], position)
        if random.chance(percent: 5) { again.operation = drawnOperation(&random) }
        return again
    }

    private func call(of library: Library, _ position: Int) -> (operation: Operation, retry: RetryIdentity) {
        let (sequence, operation) = library.open[position]
        return (operation, .client(ClientCall(client: library.id, sequence: sequence, done: library.done)))
    }

    // MARK: Ends

    mutating func answered(_ retry: RetryIdentity, _ outcome: Outcome) {
        guard case .client(let call) = retry, let index = libraries.firstIndex(where: { $0.id == call.client }) else {
            return
        }
        if case .refused(let refusal) = outcome.verdict, refusal.code == .clientExpired { return renew(index) }
        if call.sequence == 1 { libraries[index].isKnown = true }
        libraries[index].open.removeAll { $0.sequence == call.sequence }
    }

    /// A library's call ends unanswered, and is not repeated.
    mutating func giveUp(_ random: inout SeededRandom) {
        let index = Int(random.below(UInt64(libraries.count)))
        guard !libraries[index].open.isEmpty else { return }
        let position = Int(random.below(UInt64(libraries[index].open.count)))
        if libraries[index].open.remove(at: position).sequence == 1, !libraries[index].isKnown { renew(index) }
    }

    /// Goes on under an identity that nobody knows yet.
    private mutating func renew(_ index: Int) {
        librariesMade += 1
        libraries[index] = Library(id: librariesMade)
    }

    // MARK: Operations

    /// On so few keys that an effect too many shows, and refusals would soon become true.
    private func drawnOperation(_ random: inout SeededRandom) -> Operation {
        let key = RetryTrialTree.keys[Int(random.below(UInt64(RetryTrialTree.keys.count)))]
        switch random.below(100) {
        case 0..<40: return .increment(IncrementOperation(key: key, amount: Int64(random.below(9)) + 1))
        case 40..<55: return .put(PutOperation(key: key, value: Array(String(random.below(1000)).utf8)))
        case 55..<75:
            let value = Array(String(random.below(1000)).utf8)
            return .put(PutOperation(key: key, value: value, condition: .absent))
        case 75..<95: return .delete(DeleteOperation(key: key))
        default: return .changeSettings(drawnSettings(&random))
        }
    }

    private func drawnSettings(_ random: inout SeededRandom) -> [SettingValue] {
        var values: [SettingValue] = []
        for _ in 0...random.below(3) {
            let settings = RetryTrialCallers.settings
            let (setting, tight) = settings[Int(random.below(UInt64(settings.count)))]
            guard !values.contains(where: { $0.setting == setting }) else { continue }
            let drawn = tight.lowerBound + random.below(tight.upperBound - tight.lowerBound + 1)
            values.append(SettingValue(setting, random.chance(percent: 35) ? setting.standard : drawn))
        }
        return values
    }

    /// Values that these callers meet, of what the API offers: nobody may keep outcomes for a shorter time.
    private static let settings: [(Setting, ClosedRange<UInt64>)] = [
        (.idempotencyKeptMilliseconds, 600_000...7_200_000),
        (.clientKeptMilliseconds, 600_000...7_200_000),
        (.idempotencyKeysMax, 1...12),
        (.clientsMax, 1...5),
        (.clientOpenMax, 1...4),
        (.idempotencyBytesMax, 256...4000),
    ]
}
