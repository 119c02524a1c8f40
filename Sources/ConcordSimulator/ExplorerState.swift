/// A state of the cluster, in numbers of the catalogue: the members, what once was true, how much of each limit
/// is spent, and the messages under way, by connection and in the order of sending (or, where order means nothing, of number).
struct ExplorerState {
    /// Three members, the history, what is spent, and then the messages in ascending order.
    private(set) var words: [UInt32]

    static let messagesStart = 6

    init(members: [UInt32], history: UInt32) {
        words = members + [history, 0, 0]
    }

    init(words: ArraySlice<UInt32>) {
        self.words = Array(words)
    }

    subscript(member: Int) -> UInt32 {
        get { words[member] }
        set { words[member] = newValue }
    }

    var history: UInt32 {
        get { words[3] }
        set { words[3] = newValue }
    }

    var messages: ArraySlice<UInt32> { words[ExplorerState.messagesStart...] }

    func spent(_ limit: ExplorerLimit) -> Int {
        Int(words[limit.word] >> limit.shift & 15)
    }

    mutating func spend(_ limit: ExplorerLimit) {
        words[limit.word] += 1 << limit.shift
    }

    /// - Parameter isEarlier: whether a message that is under way stays in front of it.
    mutating func add(message: UInt32, behind isEarlier: (UInt32) -> Bool) {
        var position = words.count
        while position > ExplorerState.messagesStart, !isEarlier(words[position - 1]) { position -= 1 }
        words.insert(message, at: position)
    }

    /// - Parameter isLost: asked of the messages in front of it.
    mutating func remove(message: UInt32, losing isLost: (UInt32) -> Bool) {
        guard let position = words[ExplorerState.messagesStart...].firstIndex(of: message) else {
            preconditionFailure("a message was delivered that is not under way")
        }
        words.remove(at: position)
        var kept = ExplorerState.messagesStart
        for earlier in kept..<position where !isLost(words[earlier]) {
            words[kept] = words[earlier]
            kept += 1
        }
        words.removeSubrange(kept..<position)
    }

    mutating func removeMessages(where isGone: (UInt32) -> Bool) {
        var kept = ExplorerState.messagesStart
        for position in kept..<words.count where !isGone(words[position]) {
            words[kept] = words[position]
            kept += 1
        }
        words.removeLast(words.count - kept)
    }

    var fingerprint: UInt64 {
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
        for word in words {
            hash = (hash ^ UInt64(word)) &* 0xD6E8_FEB8_6659_FD93
            hash ^= hash >> 32
        }
        hash &*= 0xD6E8_FEB8_6659_FD93
        return hash ^ hash >> 29
    }
}

/// What may happen only so many times, at most `ExplorerSettings.limitMax`: four bits each.
enum ExplorerLimit: UInt32 {
    case proposals
    case barriers
    case heartbeats
    case crashes
    case copies
    case timeouts
    case resignations
    case slowWrites
    case overtakings
    case transfers

    fileprivate var word: Int { 4 + Int(rawValue / 8) }
    fileprivate var shift: UInt32 { rawValue % 8 * 4 }
}
