/// What can go wrong. A seed draws some of these; what is not drawn does not happen in its run, so that rare
/// combinations come up and a failure needs few of them (swarm testing, Groce et al. 2012).
package enum FaultClass: String, CaseIterable, Sendable, Comparable {
    // The network.
    case loss
    case duplication
    /// Long and uneven delays, so that messages overtake each other.
    case delay
    /// Some directed links carry nothing: one-way and partial partitions.
    case partition
    /// One member is cut off, or the members are split in two, also with one member that sees both sides.
    case isolation
    case slowLink
    /// Connections break with what is in flight; nobody died.
    case closedConnection

    // The disk.
    /// EIO of a write or fsync, once.
    case diskError
    case diskFull
    case slowDisk
    /// No operation ends for seconds.
    case hungDisk
    /// A bit of what is durable changes while the member is down.
    case bitRot

    // Processes.
    case kill
    /// Unsynchronised writes are lost, kept, torn, reordered.
    case powerCut
    case powerCutOfAll
    /// The process or its power ends in the middle of a disk operation, also while it starts.
    case crashInDiskOperation
    /// SIGTERM, and the end soon after.
    case plannedStop
    /// Somebody wants another leader, and now and then the other one cannot take over.
    case transfer
    /// The data directory is emptied.
    case wipe

    // Memory.
    /// A bit of one member's state changes, or it decides once as the others do not.
    case badMemory

    // Members.
    /// Members are added, removed and replaced, also the leader, also two changes at once, also taken back.
    case membership
    /// Members run builds that support different feature levels, and are started again with others, older ones too.
    case upgrade

    // Clocks.
    /// Rates within 1 % of true.
    case drift
    /// Rates between half and double, and leaders whose clock all but stands still.
    case wildDrift
    /// A monotonic clock leaps forward as after a resume, a wall clock either way.
    case clockJump
    /// The process does not run, and nothing tells it.
    case pause

    package static func < (left: FaultClass, right: FaultClass) -> Bool { left.rawValue < right.rawValue }

    /// Whether it is there all the time instead of striking at moments.
    var isWeather: Bool {
        switch self {
        case .loss, .duplication, .delay, .drift: true
        default: false
        }
    }
}

/// A moment at which something goes wrong. Where and for how long comes from a seed of its own, so a run from
/// which other faults were taken still draws the same for this one.
package struct PlannedFault: Equatable, Sendable {
    /// Virtual microseconds.
    package var time: UInt64
    package var faultClass: FaultClass
    package var seed: UInt64
}
