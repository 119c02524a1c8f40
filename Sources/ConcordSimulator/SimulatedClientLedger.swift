import ConcordBytes
import ConcordModel

/// The identity that the open calls of one library share, and its account of their sequences.
final class ClientLedger {
    private(set) var id: UInt128
    private var last: UInt64 = 0
    private var open: [UInt64] = []
    /// The first call is over, whatever became of it: others may follow.
    private var firstIsOver = false
    /// A call of this identity had an outcome, so the members know it.
    private(set) var isKnown = false

    init(id: UInt128) {
        self.id = id
    }

    /// The next call; `nil` while the first one is under way, which must arrive before all others.
    func begin() -> ClientCall? {
        guard last == 0 || firstIsOver else { return nil }
        last += 1
        open.append(last)
        return ClientCall(client: id, sequence: last, done: done(for: id) ?? 0)
    }

    /// Every sequence up to this one is over; `nil` for an identity that was given up.
    func done(for client: UInt128) -> UInt64? {
        guard client == id else { return nil }
        return (open.first ?? last + 1) - 1
    }

    func end(_ call: ClientCall, answered: Bool) {
        guard call.client == id else { return }
        firstIsOver = true
        if answered { isKnown = true }
        open.removeAll { $0 == call.sequence }
    }

    /// The members do not know this identity: go on under another one.
    func beginAnew(_ client: UInt128, random: inout SeededRandom) {
        guard client == id else { return }
        id = UInt128(random.next()) << 64 | UInt128(random.next())
        last = 0
        open = []
        firstIsOver = false
        isKnown = false
    }
}
