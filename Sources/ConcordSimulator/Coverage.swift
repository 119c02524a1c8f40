/// What a run had. Each of these must come up in one seed of twenty, or the seeds do not test it.
package enum Occurrence: String, CaseIterable, Sendable {
    case electionsAfterTheFirst = "elections after the first"
    case lostMessages = "lost messages"
    case doubledMessages = "doubled messages"
    case overtakenMessages = "messages that came late"
    case partialPartitions = "partial partitions"
    case isolations
    case slowLinks = "slow links"
    case closedConnections = "closed connections"
    case diskErrors = "disk errors"
    case fullDisks = "full disks"
    case slowDisks = "slow disks"
    case hungDisks = "hung disks"
    case rottenBits = "rotten bits"
    case kills
    case powerCuts = "power cuts"
    case powerCutsOfAll = "power cuts of all"
    case crashesInDiskOperations = "crashes in a disk operation"
    case lostSectors = "lost sectors"
    case tornSectors = "torn sectors"
    case reorderedSectors = "reordered sectors"
    case plannedStops = "planned stops"
    case transfers = "transfers of leadership"
    case wipes
    case changedMemory = "changed memory"
    case drifts = "drifting clocks"
    case wildDrifts = "wildly drifting clocks"
    case clockJumps = "clock jumps"
    case pauses
    case crashesOfLeaders = "crashes of a leader"
    case retries
    case replays
    case unknownOutcomes = "unknown outcomes"
    case truncatedEntries = "truncated entries"
    case writtenSnapshots = "snapshots made"
    case restoredSnapshots = "snapshots restored at a start"
    case installedSnapshots = "snapshots taken over from a leader"
    case upgrades = "members started with other builds"
    case backups = "backups handed out"
    case memberChanges = "changes of membership asked for"
    case changedByFollowers = "writes forwarded by a follower"
}

/// Rare things that some seed must reach (`sometimes` of FoundationDB and Antithesis).
package enum Sometimes: String, CaseIterable, Sendable {
    case crashWhileOpening = "a crash while a directory was opened"
    case formationWithCrash = "a crash before the cluster was formed"
    case unfinishedGroupCut = "an unfinished last group was cut off"
    case doubtfulGroupCut = "a doubtful last group was cut off"
    case damageCut = "a log was cut off at damage"
    case startInDoubt = "a member started in doubt"
    case doubtOver = "a member got back what its disk had lost"
    case voteSlotRepaired = "a vote slot was repaired"
    case damageRefused = "a damaged directory was refused"
    case wipedMemberRefused = "a wiped member found out that it is no member"
    case leaderOutsideQuorum = "a leader stood outside of the healed quorum"
    case termTwenty = "term 20"
    case segmentsFour = "a fourth log segment"
    case sevenMembers = "seven members"
    case oneMember = "one member"
    case allClassesEight = "eight classes of faults in one run"
    case noFault = "a run without faults"
    case pausedLeader = "a paused leader"
    case fullDiskOfLeader = "a full disk of a leader"
    case uncommittedTailLost = "an uncommitted entry was replaced"
    case leadershipMoved = "leadership moved to where somebody wanted it"
    case transferGivenUp = "a transfer of leadership was given up"
    case crashInJoint = "a member ended in a joint configuration"
    case memberReplaced = "a member was added and another one removed in one change"
    case leaderRemoved = "a leader removed itself"
    case changeCancelled = "a change of membership with learners was cancelled"
    case newMemberLeads = "a member that had joined led"
    case configurationTruncated = "an uncommitted configuration was truncated"
    case formerMemberTold = "a former member was told"
    case hungLeaderWent = "a leader gave up because its disk hung"
    case levelRaised = "the feature level rose in the middle of a run"
    case memberMoved = "a member was started at another address"
    case oldBuildRefused = "a build below the cluster's feature level was refused"
    case snapshotWithoutRoom = "a snapshot found no room"
    case segmentWithoutRoom = "the next segment found no room, and the member went on"
    case leaderWithoutRoomHandsOver = "a leader without room began to hand over"
    case noQuorumOfRoom = "a write was refused because no quorum had room"
    case wrongStateOfLeader = "a leader's state was made wrong"
    case outvoted = "a member was outvoted by the others' hashes"
    case stateReplaced = "a wrong state was replaced"
    case distrustRemembered = "a member knew at its start that its state is wrong"
    case tenMinutes = "ten minutes of cluster clock"
}

/// Counts of one run or of many.
package struct Coverage: Equatable, Sendable {
    package private(set) var occurrences = Array(repeating: 0, count: Occurrence.allCases.count)
    package private(set) var marks = Array(repeating: 0, count: Sometimes.allCases.count)
    /// Of how many runs.
    package private(set) var runs = 0

    package init() {}

    mutating func count(_ occurrence: Occurrence, _ number: Int = 1) {
        guard let position = Coverage.position(of: occurrence) else { return }
        occurrences[position] += number
    }

    mutating func reached(_ mark: Sometimes) {
        guard let position = Sometimes.allCases.firstIndex(of: mark) else { return }
        marks[position] += 1
    }

    package subscript(occurrence: Occurrence) -> Int {
        Coverage.position(of: occurrence).map { occurrences[$0] } ?? 0
    }

    package subscript(mark: Sometimes) -> Int {
        Sometimes.allCases.firstIndex(of: mark).map { marks[$0] } ?? 0
    }

    private static func position(of occurrence: Occurrence) -> Int? {
        positions[occurrence]
    }

    private static let positions = Dictionary(
        uniqueKeysWithValues: Occurrence.allCases.enumerated().map { ($1, $0) })

    /// Adds a run: how many runs had each thing at all.
    package mutating func add(run: Coverage) {
        runs += 1
        for position in occurrences.indices where run.occurrences[position] > 0 { occurrences[position] += 1 }
        for position in marks.indices where run.marks[position] > 0 { marks[position] += 1 }
    }

    package mutating func merge(_ other: Coverage) {
        runs += other.runs
        for position in occurrences.indices { occurrences[position] += other.occurrences[position] }
        for position in marks.indices { marks[position] += other.marks[position] }
    }

    /// What too few of these runs had.
    package var holes: [String] {
        let rare = Occurrence.allCases.filter { self[$0] * 20 < runs }.map {
            "\($0.rawValue): in \(self[$0]) of \(runs) seeds, and 5 % are wanted"
        }
        return rare + Sometimes.allCases.filter { self[$0] == 0 }.map { "never: \($0.rawValue)" }
    }
}
