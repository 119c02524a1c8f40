import ConcordModel
import ConcordRaft

/// A client's write that this member has taken on and not answered yet.
struct PendingWrite {
    var request: RequestID
    var deadline: UInt64
    var command: Command
    var bytes: Int
    /// How often it was handed to a leader that has not said that it did not append it. While this is not
    /// zero, the write may take effect.
    var unsettledSends = 0
    /// When it was last handed over; `nil` as long as it waits for that.
    var sentAt: UInt64?
    /// Not handed over again before this time.
    var notBefore: UInt64 = 0
}

/// The writes of this boot, by sequence: 1, 2, 3, … as they came. Answered ones leave a hole until everything
/// before them is answered, too.
struct WriteTable {
    private var slots: [PendingWrite?] = []
    private var head = 0
    /// The sequence of `slots[head]`.
    private(set) var first: UInt64 = 1
    private(set) var count = 0
    private(set) var bytes = 0

    /// The sequence behind the last one taken.
    var end: UInt64 { first + UInt64(slots.count - head) }
    /// From the first unanswered sequence to the last one taken.
    var span: Int { slots.count - head }
    /// Every sequence up to this one is answered.
    var done: UInt64 { first - 1 }

    /// Takes a write on and gives it the next sequence.
    mutating func append(_ write: PendingWrite) -> UInt64 {
        let sequence = end
        slots.append(write)
        count += 1
        bytes += write.bytes
        return sequence
    }

    subscript(sequence: UInt64) -> PendingWrite? {
        get {
            guard sequence >= first, sequence < end else { return nil }
            return slots[head + Int(sequence - first)]
        }
        set {
            guard sequence >= first, sequence < end else { return }
            slots[head + Int(sequence - first)] = newValue
        }
    }

    /// Removes a write that gets its answer now.
    mutating func remove(_ sequence: UInt64) -> PendingWrite? {
        guard let write = self[sequence] else { return nil }
        self[sequence] = nil
        count -= 1
        bytes -= write.bytes
        while head < slots.count, slots[head] == nil {
            head += 1
            first += 1
        }
        if head > 1024, head > slots.count / 2 {
            slots.removeFirst(head)
            head = 0
        }
        return write
    }
}
