import ConcordRaft

// What consensus says, besides entries.

extension Replica {
    /// Keeps `held` in the order in which the disk lets the messages go.
    mutating func hold(_ outbound: OutboundMessage) {
        var position = held.count
        while position > 0, held[position - 1].after > outbound.after { position -= 1 }
        held.insert(outbound, at: position)
    }

    mutating func changed(to standing: Standing) {
        self.standing = standing
        nextBarrierAt = nil
        mayDecide = true
        effects.notices.append(.standing(standing))
        // Positions were asked of the old leader.
        askPositionsAgain(askedUntil: UInt64.max)
        transfersFollow(standing)
        space.follow(standing, now: now)
    }
}
