package import ConcordBytes
package import ConcordModel

/// What the clients of one run do, how often and how patiently: drawn anew for each seed, so that runs differ in kind
/// and not only in luck.
package struct ClientWorkload: Sendable {
    /// What one operation of a client is.
    package enum Kind: Int, CaseIterable, Sendable {
        case get
        case list
        case count
        case put
        case createSequential
        case increment
        case delete
        case changeSettings
        case readSettings
        case readCluster
        /// An operation that was answered, asked for once more under its `Idempotency-Key`.
        case repeatKey
        /// Another operation under an `Idempotency-Key` that was used.
        case misuseKey
    }

    /// How a client makes retries harmless.
    package enum Manner: Sendable {
        /// As curl: one try, and an unknown outcome stays unknown.
        case plain
        /// As the library: `Concord-Client`, the same sequence until there is an outcome.
        case library
        /// `Idempotency-Key`, repeated until there is an outcome.
        case key
    }

    /// One for each client: it does one operation at a time. Libraries that follow each other may share an identity.
    package var manners: [Manner] = []
    /// How many calls of one library are open at once.
    package var callsOpenMax = 1
    package var keys: [Key] = []
    /// By the raw value of `Kind`.
    package var weights = [UInt64](repeating: 0, count: Kind.allCases.count)
    /// Settings that are changed to tight values and back.
    package var settings: [Setting] = []

    // Of 100 operations that could have it, how many have it.
    package var conditionPercent: UInt64 = 0
    package var pastPercent: UInt64 = 0
    package var localPercent: UInt64 = 0
    package var parentsPercent: UInt64 = 0
    package var recursivePercent: UInt64 = 0
    package var batchPercent: UInt64 = 0
    package var largePercent: UInt64 = 0
    package var abandonPercent: UInt64 = 0
    /// Asks the member that it always asks, if that one runs.
    package var homePercent: UInt64 = 0

    package static let patientAttempts = 60

    /// An `Idempotency-Key` is good for ten minutes of the cluster clock, which may run a little faster than that of
    /// the run; by far, and in leaps, where clocks are wrong.
    package var keyGoodMicroseconds: UInt64 = 500_000_000

    package var largeValueBytes: UInt64 = 0
    package var thinkMicroseconds: UInt64 = 0
    /// For the second half of each such span nobody asks for anything: a cluster at rest fails in other ways than a
    /// busy one. `nil`: never.
    package var quietSpanMicroseconds: UInt64?
    package var timeoutMilliseconds: ClosedRange<UInt64> = 200...2700
    package var attemptsMax = patientAttempts
    /// Operations of all clients; whoever comes later only idles. More would cost the checker, and show no more.
    package var operationsMax = 2000

    package var clients: Int { manners.count }

    mutating func keepClients(_ count: Int) {
        manners = Array(manners.prefix(max(1, count)))
    }

    /// When an operation that is due may begin.
    func beginning(at time: UInt64) -> UInt64 {
        guard let span = quietSpanMicroseconds, time % span > span / 2 else { return time }
        return (time / span + 1) * span
    }

    /// Lets clients think for at least so long.
    mutating func slowDown(toMicroseconds think: UInt64) {
        thinkMicroseconds = max(thinkMicroseconds, think)
    }
    /// Unknown outcomes of all clients; from then on they are patient. The search that is blind to revisions gives up
    /// where there are too many.
    package var unknownMax = 200

    package func weight(of kind: Kind) -> UInt64 { weights[kind.rawValue] }
}

// MARK: - Drawing

extension ClientWorkload {
    package static func drawn(from random: inout SeededRandom) -> ClientWorkload {
        var workload = ClientWorkload()
        workload.drawClients(&random)
        workload.drawManners(&random)
        let subject = Subject.allCases[Int(random.below(UInt64(Subject.allCases.count)))]
        workload.keys = subject == .register ? [Key(text: "/k")] : drawnKeys(&random)
        workload.drawWeights(subject, &random)
        return workload
    }

    /// What a run is mostly about.
    private enum Subject: CaseIterable {
        case register
        case counters
        case tree
        case conditions
        case history
        case limits
        case everything
    }

    private mutating func drawClients(_ random: inout SeededRandom) {
        let count = 1 + random.below(10)
        let only: Manner? =
            switch random.below(6) {
            case 0: .plain
            case 1: .library
            case 2: .key
            default: nil
            }
        for _ in 0..<count {
            let any: Manner =
                switch random.below(3) {
                case 0: .plain
                case 1: .library
                default: .key
                }
            manners.append(only ?? any)
        }
        callsOpenMax = 1 + Int(random.below(4))
        // From a millisecond to a second, but no more operations than a checker likes.
        thinkMicroseconds = max(1000 << random.below(11), count * 1500)
        quietSpanMicroseconds = random.chance(percent: 30) ? 1_000_000 + random.below(4_000_000) : nil
        largePercent = random.chance(percent: 25) ? 1 + random.below(30) : 0
        largeValueBytes = 64 << random.below(7)
    }

    private mutating func drawManners(_ random: inout SeededRandom) {
        let shortest: UInt64 = 1 << random.below(9)
        timeoutMilliseconds = shortest...min(4000, shortest << random.below(8))
        attemptsMax = random.chance(percent: 30) ? 1 + Int(random.below(3)) : ClientWorkload.patientAttempts
        conditionPercent = some(of: 60, &random)
        pastPercent = some(of: 50, &random)
        localPercent = some(of: 50, &random)
        parentsPercent = random.below(101)
        recursivePercent = random.below(101)
        batchPercent = random.below(101)
        abandonPercent = some(of: 10, &random)
        homePercent = random.chance(percent: 40) ? 90 : 0
    }

    private func some(of most: UInt64, _ random: inout SeededRandom) -> UInt64 {
        random.chance(percent: 50) ? 0 : 1 + random.below(most)
    }

    private mutating func drawWeights(_ subject: Subject, _ random: inout SeededRandom) {
        self[.get] = 30
        self[.put] = 20
        switch subject {
        case .register: return
        case .counters:
            self[.increment] = 50
            self[.delete] = 5
        case .tree:
            self[.delete] = 20
            self[.createSequential] = 15
            self[.list] = 15
            self[.count] = 10
            parentsPercent = max(parentsPercent, 40)
        case .conditions:
            conditionPercent = 40 + random.below(60)
            self[.increment] = 5
            self[.delete] = 10
        case .history:
            pastPercent = 40 + random.below(50)
            self[.delete] = 10
            self[.list] = 10
            self[.count] = 5
            if random.chance(percent: 70) {
                settings = [random.chance(percent: 70) ? .historyRevisionsMax : .historyBytesMax]
                self[.changeSettings] = 2
            }
        case .limits:
            self[.delete] = 15
            self[.createSequential] = 10
            self[.increment] = 5
            drawSettings(&random)
        case .everything:
            for kind in Kind.allCases where random.chance(percent: 70) { self[kind] = 1 + random.below(20) }
            if weight(of: .changeSettings) > 0 { drawSettings(&random) }
        }
        self[.readSettings] = settings.isEmpty ? 0 : 3
        self[.readCluster] = random.below(2)
        self[.repeatKey] = random.below(5)
        self[.misuseKey] = random.below(3)
    }

    private mutating func drawSettings(_ random: inout SeededRandom) {
        let played = Setting.allCases.filter { TightSettings.range(of: $0) != nil }
        for _ in 0...random.below(3) {
            let setting = played[Int(random.below(UInt64(played.count)))]
            if !settings.contains(setting) { settings.append(setting) }
        }
        self[.changeSettings] = 3
    }

    private subscript(kind: Kind) -> UInt64 {
        get { weights[kind.rawValue] }
        set { weights[kind.rawValue] = newValue }
    }

    /// Few, so that operations collide. The names lie around `/` in the order of bytes (`-` and `.` before it, `0`
    /// behind it), where a listing that compares wrongly takes in a neighbour.
    private static func drawnKeys(_ random: inout SeededRandom) -> [Key] {
        let names = ["a", "a-", "a.b", "a0", "b", "é"]
        var keys: [Key] = []
        for _ in 0...random.below(12) {
            var parent = Key.root
            if !keys.isEmpty, random.chance(percent: 65) {
                let key = keys[Int(random.below(UInt64(keys.count)))]
                if key.levels < levelsMax { parent = key }
            }
            let name = names[Int(random.below(UInt64(names.count)))]
            let key = Key(parent.bytes + [Key.separator] + name.utf8)
            if !keys.contains(key) { keys.append(key) }
        }
        return keys
    }

    private static let levelsMax = 4
}

extension Key {
    var levels: Int {
        bytes.reduce(0) { $1 == Key.separator ? $0 + 1 : $0 }
    }
}

/// Values of settings small enough to be hit by these clients.
enum TightSettings {
    /// `nil` for what the clients leave alone: nobody may shorten for how long outcomes are kept.
    static func range(of setting: Setting) -> ClosedRange<UInt64>? {
        switch setting {
        case .valueBytesMax: 1...40
        case .keyBytesMax: 2...12
        case .keyLevelsMax: 1...4
        case .nodesChangedMax: batchMax...8
        case .stateBytesMax: 100...1500
        case .stateNodesMax: 1...12
        case .historyBytesMax: 0...4000
        case .historyRevisionsMax: 0...60
        case .clientsMax: 1...3
        case .idempotencyKeysMax: 1...40
        case .idempotencyBytesMax: 200...4000
        case .clientOpenMax: 1...3
        case .idempotencyKeptMilliseconds, .clientKeptMilliseconds: nil
        }
    }

    /// The largest batch of a deletion, never cut by a setting: so its effect follows from the request alone.
    static let batchMax: UInt64 = 3
}
