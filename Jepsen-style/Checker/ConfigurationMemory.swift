/// The configurations a search has visited, exactly, in one array of words: for each the first return that is left
/// and the state, the bits of the known calls, the bits of those of unknown outcome. Found by open addressing.
struct ConfigurationMemory {
    private let knownWords: Int
    private let unknownWords: Int
    private var width: Int { 2 + knownWords + unknownWords }
    private var words: [UInt64] = []
    var bytes: Int {
        words.count * MemoryLayout<UInt64>.stride
            + (table.count + latest.count + before.count) * MemoryLayout<UInt32>.stride
    }
    private(set) var count = 0
    /// By hash: 1 + the index of a configuration, or 0.
    private var table: [UInt32] = Array(repeating: 0, count: 1024)
    /// By hash of all but the unknown bits: 1 + the latest such configuration; and for each the one before it.
    private var latest: [UInt32] = []
    private var before: [UInt32] = []
    /// How many configurations with the same known calls and state are compared: it only prunes, so a few will do.
    private let comparedMax = 32

    init(knownWords: Int, unknownWords: Int) {
        self.knownWords = knownWords
        self.unknownWords = unknownWords
        if unknownWords > 0 { latest = table }
    }

    /// Remembers a configuration.
    /// - Returns: whether it is new and none was visited from which as much could follow.
    mutating func insert(_ taken: TakenCalls, state: Int, firstReturn: Int) -> Bool {
        if (count + 1) * 2 > table.count { grow() }
        let start = words.count
        words.append(UInt64(truncatingIfNeeded: firstReturn))
        words.append(UInt64(truncatingIfNeeded: state))
        words.append(contentsOf: taken.known)
        words.append(contentsOf: taken.unknown)
        let known = hash(from: start, count: 2 + knownWords, seed: 0)
        let full = hash(from: start + 2 + knownWords, count: unknownWords, seed: known)
        let slot = slot(of: full, configuration: start)
        guard table[slot] == 0 else {
            words.removeSubrange(start...)
            return false
        }
        if unknownWords > 0 {
            let group = groupSlot(of: known, configuration: start)
            guard !isDominated(start, by: latest[group]) else {
                words.removeSubrange(start...)
                return false
            }
            before.append(latest[group])
            latest[group] = UInt32(count + 1)
        }
        table[slot] = UInt32(count + 1)
        count += 1
        return true
    }

    /// Whether one of the same known calls and state took no other calls of unknown outcome than this one.
    private func isDominated(_ start: Int, by latest: UInt32) -> Bool {
        var other = latest
        var compared = 0
        let unknown = start + 2 + knownWords
        while other != 0, compared < comparedMax {
            let otherUnknown = (Int(other) - 1) * width + 2 + knownWords
            var isSubset = true
            for word in 0..<unknownWords where words[otherUnknown + word] & ~words[unknown + word] != 0 {
                isSubset = false
                break
            }
            if isSubset { return true }
            other = before[Int(other) - 1]
            compared += 1
        }
        return false
    }

    /// Where the configuration is in the table, or would be.
    private func slot(of hash: UInt64, configuration start: Int) -> Int {
        var slot = Int(truncatingIfNeeded: hash) & (table.count - 1)
        while table[slot] != 0, !isEqual((Int(table[slot]) - 1) * width, start, count: width) {
            slot = (slot + 1) & (table.count - 1)
        }
        return slot
    }

    private func groupSlot(of hash: UInt64, configuration start: Int) -> Int {
        var slot = Int(truncatingIfNeeded: hash) & (latest.count - 1)
        while latest[slot] != 0, !isEqual((Int(latest[slot]) - 1) * width, start, count: 2 + knownWords) {
            slot = (slot + 1) & (latest.count - 1)
        }
        return slot
    }

    private func isEqual(_ one: Int, _ other: Int, count: Int) -> Bool {
        for word in 0..<count where words[one + word] != words[other + word] { return false }
        return true
    }

    private func hash(from start: Int, count: Int, seed: UInt64) -> UInt64 {
        var hash = seed
        for word in words[start..<start + count] {
            hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 32
        }
        return hash
    }

    private mutating func grow() {
        table = Array(repeating: 0, count: table.count * 2)
        if unknownWords > 0 { latest = table }
        for configuration in 0..<count {
            let start = configuration * width
            let known = hash(from: start, count: 2 + knownWords, seed: 0)
            let full = hash(from: start + 2 + knownWords, count: unknownWords, seed: known)
            table[slot(of: full, configuration: start)] = UInt32(configuration + 1)
            if unknownWords > 0 {
                let group = groupSlot(of: known, configuration: start)
                before[configuration] = latest[group]
                latest[group] = UInt32(configuration + 1)
            }
        }
    }
}
