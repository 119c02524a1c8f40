import ConcordBytes

/// What a start on a damaged directory comes to. `docs/reliability.md`, "Damage of a directory".
enum DamageConsequence: String, CaseIterable {
    /// Nothing is said: readers do not look there, or nothing is missing.
    case unnoticed = "not looked at"
    /// Nothing is lost, and the log says what was put right.
    case repaired = "put right alone"
    /// The member knows that it lost something, and had it sent again.
    case refetched = "sent again by the others"
    /// An only member begins without its last group, and says so: it lacks a sector, so it was never synchronised.
    case givenUp = "last group given up"
    /// Exit code 65, with a message that names a file, and nothing is changed.
    case refused = "refused"
}

/// A place of a member's files, what is changed there, and what must come of it.
struct DamagedPlace: CustomStringConvertible {
    let name: String
    let edits: [DamageEdit]
    /// One of three members, and one that is alone.
    let expected: (ofThree: DamageConsequence, alone: DamageConsequence)
    /// One of these files is named by a refusal.
    let names: [String]

    init(
        _ name: String, _ edits: [DamageEdit], _ ofThree: DamageConsequence, alone: DamageConsequence? = nil,
        names: [String]? = nil
    ) {
        self.name = name
        self.edits = edits
        expected = (ofThree, alone ?? ofThree)
        self.names = names ?? edits.map(\.file)
    }

    var description: String { name }
}

/// The table of places: what can be found in one directory.
struct DamagePlaces {
    let image: DirectoryImage
    let log: String
    let groups: [DiskGroup]
    let snapshots: [(name: String, layout: DiskLayout.SnapshotLayout)]

    init(in image: DirectoryImage) throws {
        self.image = image
        log = "log-0000000000000001"
        groups = try DiskGroup.all(try image.file(log), file: log)
        snapshots = try image.names("snapshot-").map { name in
            let file = try image.file(name)
            return (name: name, layout: try DiskLayout.snapshot(try file.read(0..<file.size)))
        }
        guard snapshots.count == 2, groups.count > 20 else {
            throw DamageFailure("\(groups.count) groups and \(snapshots.count) snapshots are no directory for a trial")
        }
    }

    /// Whether the log has all groups that places are looked for in.
    var isComplete: Bool {
        (try? ofMiddleAndLastGroup()) != nil && (try? ofTheRestOfTheLog()) != nil
    }

    private var older: (name: String, layout: DiskLayout.SnapshotLayout) { snapshots[0] }
    private var newest: (name: String, layout: DiskLayout.SnapshotLayout) { snapshots[1] }

    private func group(_ what: String, _ fits: (DiskGroup) -> Bool) throws -> DiskGroup {
        guard let group = groups.last(where: fits) else { throw DamageFailure("no group of the log is \(what)") }
        return group
    }

    /// Of two blocks, with entries that no snapshot stands for, and not the last.
    func middle() throws -> DiskGroup {
        try group("in the middle") { middle in
            middle.blocks == 2 && middle.firstIndex > newest.layout.index + 2 && middle.end != groups.last?.end
                && middle.records.count == 1 && middle.records[0].type == 1
        }
    }

    /// As `middle`, and all of it in one sector.
    func small() throws -> DiskGroup {
        try group("small") { small in
            small.streamBytes < 500 && small.firstIndex > newest.layout.index + 2 && small.end != groups.last?.end
                && small.records.count == 1 && small.records[0].type == 1
        }
    }

    func last() throws -> DiskGroup {
        guard let last = groups.last, last.blocks == 2 else { throw DamageFailure("the last group is too short") }
        return last
    }

    // MARK: The log

    private static func change(_ field: DiskField) -> DamageEdit.Change {
        let isNumber = ["tag", "checksum", "zero"].allSatisfy { !field.name.contains($0) }
        return isNumber && [2, 4, 8].contains(field.bytes) ? .add(1, bytes: field.bytes) : .flip(0x10)
    }

    private static func places(
        _ fields: [DiskField], of file: String, in what: String, _ ofThree: DamageConsequence,
        alone: DamageConsequence? = nil
    ) -> [DamagedPlace] {
        fields.map { field in
            DamagedPlace(
                "\(field.name), \(what)", [DamageEdit(file: file, offset: field.offset, change: change(field))],
                ofThree,
                alone: alone)
        }
    }

    /// Every field of a group's header, of its records, and its marks and teeth.
    private func whole(
        _ group: DiskGroup, _ what: String, _ ofThree: DamageConsequence, alone: DamageConsequence,
        withoutTooth: (DamageConsequence, DamageConsequence)
    ) -> [DamagedPlace] {
        let header = DiskGroup.headerFields.map { $0.moved(by: group.offset) }
        let second = group.offset + DiskGroup.blockBytes
        let marks = [
            DiskField("tag of a further block", second, 4), DiskField("number of a further block", second + 4, 4),
        ]
        let records = group.records.prefix(1).flatMap { group.fields(of: $0) }
        func edit(_ offset: Int, _ change: DamageEdit.Change) -> [DamageEdit] {
            [DamageEdit(file: log, offset: offset, change: change)]
        }
        let teeth = [("first", 512), ("second", 4096 + 511)].flatMap { name, distance in
            [
                DamagedPlace(
                    "\(name) tooth with another bit, \(what)", edit(group.offset + distance, .flip(1)), .unnoticed),
                DamagedPlace(
                    "\(name) tooth zero, \(what)", edit(group.offset + distance, .set([0])), withoutTooth.0,
                    alone: withoutTooth.1),
            ]
        }
        let sector = DamagedPlace(
            "a sector of zeros, \(what)", edit(group.offset + 1024, .set([UInt8](repeating: 0, count: 512))),
            withoutTooth.0, alone: withoutTooth.1)
        let behind = DamagedPlace(
            "behind the end of the stream, \(what)", edit(group.end - 1, .set([1])), .unnoticed)
        return DamagePlaces.places(header + marks + records, of: log, in: what, ofThree, alone: alone) + teeth
            + [sector, behind]
    }

    func ofMiddleAndLastGroup() throws -> [DamagedPlace] {
        try whole(middle(), "middle group", .refetched, alone: .refused, withoutTooth: (.refetched, .refused))
            + whole(last(), "last group", .refetched, alone: .refused, withoutTooth: (.repaired, .givenUp))
    }

    /// Groups that something stands for, what is zero, and the whole file.
    func ofTheRestOfTheLog() throws -> [DamagedPlace] {
        let first = groups[0]
        let between = try group("between the snapshots") {
            $0.firstIndex > older.layout.index + 2 && $0.lastIndex < newest.layout.index && $0.records[0].type == 1
        }
        var places: [DamagedPlace] = []
        for (group, what) in [(first, "first group"), (between, "group below the newest snapshot")] {
            let fields =
                [0, 2, 7, 15].map { DiskGroup.headerFields[$0].moved(by: group.offset) }
                + group.fields(of: group.records[0]).prefix(4)
            places += DamagePlaces.places(fields, of: log, in: what, .repaired)
        }
        if let base = groups.first(where: { $0.records[0].type == 2 }) {
            let fields =
                [0, 7, 9, 15].map { DiskGroup.headerFields[$0].moved(by: base.offset) }
                + base.fields(of: base.records[0])
            places += DamagePlaces.places(fields, of: log, in: "base", .repaired)
        }
        places.append(
            DamagedPlace(
                "first index, group below the newest snapshot, which is damaged too",
                [
                    DamageEdit(file: log, offset: between.offset + 48, change: .add(1, bytes: 8)),
                    DamageEdit(file: newest.name, offset: 28, change: .add(1, bytes: 8)),
                ], .refetched, alone: .refused))
        return try places + zeros() + sealed() + missing()
    }

    private func zeros() throws -> [DamagedPlace] {
        let next = "log-0000000000000002"
        let end = try last().end
        let places: [(String, String, Int, DamageConsequence)] = [
            ("first byte behind the last group", log, end, .repaired),
            ("block behind the last group", log, end + 100, .repaired),
            ("second block behind the last group", log, end + DiskGroup.blockBytes, .unnoticed),
            ("far behind the last group", log, 8 << 20, .unnoticed),
            ("first byte of the next segment", next, 0, .repaired),
            ("second block of the next segment", next, DiskGroup.blockBytes + 8, .unnoticed),
        ]
        return places.map { name, file, offset, consequence in
            DamagedPlace(name, [DamageEdit(file: file, offset: offset, change: .flip(0x43))], consequence)
        }
    }

    /// Fields of the log with their checksums put right.
    private func sealed() throws -> [DamagedPlace] {
        let middle = try middle()
        let header: [(String, Int, DamageEdit.Change)] = [
            ("version", 8, .set([3, 0])), ("sequence number of the segment", 16, .add(4, bytes: 8)),
            ("length of the segment", 24, .add(4096, bytes: 8)), ("number of the group", 32, .add(-1, bytes: 8)),
        ]
        var places = header.map { name, distance, change in
            // A segment's own number counts at its beginning only.
            let group = name.hasPrefix("sequence") ? groups[0] : middle
            let seal = DamageEdit.Change.seal(group.offset..<group.offset + 108, seed: 0)
            return DamagedPlace(
                "\(name), sealed",
                [
                    DamageEdit(file: log, offset: group.offset + distance, change: change),
                    DamageEdit(file: log, offset: group.offset + 108, change: seal),
                ], .refused)
        }
        let small = try small()
        let record = small.offset + 112
        let sequence = (0..<8).map { UInt8(truncatingIfNeeded: small.segment >> (8 * $0)) }
        let seed = CRC32C.checksum(sequence, seed: small.headerChecksum)
        let covered = record + 4..<record + 12 + small.records[0].contentBytes
        places.append(
            DamagedPlace(
                "type of a record, sealed",
                [
                    DamageEdit(file: log, offset: record + 8, change: .set([9])),
                    DamageEdit(file: log, offset: record, change: .seal(covered, seed: seed)),
                ], .refused))
        return places
    }

    private func missing() -> [DamagedPlace] {
        func place(
            _ files: [String], _ ofThree: DamageConsequence, alone: DamageConsequence? = nil, names: [String]? = nil
        ) -> DamagedPlace {
            DamagedPlace(
                "\(files.joined(separator: " and ")) missing",
                files.map { DamageEdit(file: $0, offset: 0, change: .removeFile) }, ofThree, alone: alone, names: names)
        }
        // A log whose beginning was dropped for a snapshot needs one.
        let hasBase = groups.contains { $0.records[0].type == 2 }
        return [
            place([log], .refused, names: ["log-"]), place(["log-0000000000000002"], .unnoticed),
            place(["vote"], .refused), place(["member"], .refused), place([newest.name], .unnoticed),
            place([older.name], .unnoticed),
            place([older.name, newest.name], hasBase ? .refused : .unnoticed, names: [log]),
        ]
    }

    // MARK: The other files

    func ofVotes() throws -> [DamagedPlace] {
        let vote = "vote"
        let file = try image.file(vote)
        let version = Int(try DiskNumbers(try file.read(0..<8)).value(at: 4, bytes: 2))
        let fields = DiskLayout.voteSlot(version: version)
        let covered = version == 1 ? 60 : 124
        var places: [DamagedPlace] = []
        for slot in 0..<2 {
            let own = fields.map { $0.moved(by: slot * 4096) }
            places += DamagePlaces.places(own, of: vote, in: "slot \(slot) of version \(version)", .repaired)
        }
        for field in fields {
            let edits = [0, 4096].map {
                DamageEdit(file: vote, offset: $0 + field.offset, change: DamagePlaces.change(field))
            }
            places.append(DamagedPlace("\(field.name), both slots of version \(version)", edits, .refused))
        }
        func sealed(_ slot: Int, _ distance: Int, _ change: DamageEdit.Change) -> [DamageEdit] {
            let start = slot * 4096
            return [
                DamageEdit(file: vote, offset: start + distance, change: change),
                DamageEdit(file: vote, offset: start + covered, change: .seal(start..<start + covered, seed: 0)),
            ]
        }
        let rest = DamageEdit(file: vote, offset: 2000, change: .flip(1))
        return places + [
            DamagedPlace("behind a slot", [rest], .unnoticed),
            DamagedPlace("an older counter, slot 1, sealed", sealed(1, 8, .add(-1, bytes: 8)), .repaired),
            DamagedPlace("another term with one counter, slot 1, sealed", sealed(1, 16, .add(1, bytes: 8)), .refused),
            DamagedPlace("version, slot 0, sealed", sealed(0, 4, .set([3, 0])), .refused),
        ]
    }

    func ofMember() throws -> [DamagedPlace] {
        let file = try image.file("member")
        let fields = try DiskLayout.member(try file.read(0..<file.size))
        let end = file.size - 4
        let version = DamagedPlace(
            "version, member, sealed",
            [
                DamageEdit(file: "member", offset: 4, change: .set([2, 0])),
                DamageEdit(file: "member", offset: end, change: .seal(0..<end, seed: 0)),
            ], .refused)
        return DamagePlaces.places(fields, of: "member", in: "member", .refused) + [version]
    }

    func ofSnapshots() -> [DamagedPlace] {
        let hasBase = groups.contains { $0.records[0].type == 2 }
        let one = [(newest, "newest snapshot"), (older, "older snapshot")].flatMap { snapshot, what in
            DamagePlaces.places(snapshot.layout.fields, of: snapshot.name, in: what, .repaired)
        }
        let both = ["tag", "index", "checksum of a piece", "first byte of a piece", "count of pieces"].map { name in
            let edits = snapshots.flatMap { snapshot in
                snapshot.layout.fields.filter { $0.name == name }.map {
                    DamageEdit(file: snapshot.name, offset: $0.offset, change: DamagePlaces.change($0))
                }
            }
            return DamagedPlace(
                "\(name), both snapshots", edits, hasBase ? .refused : .repaired, names: [log])
        }
        let end = newest.layout.headerBytes - 4
        let version = DamagedPlace(
            "version, newest snapshot, sealed",
            [
                DamageEdit(file: newest.name, offset: 4, change: .set([2, 0])),
                DamageEdit(file: newest.name, offset: end, change: .seal(0..<end, seed: 0)),
            ], .refused)
        return one + both + [version]
    }

    /// A record that drops the end of the log, which a member writes that has lost something. What was sent again behind
    /// it replaces both, and a start tells of the damage that came first.
    func ofEnd() throws -> [DamagedPlace] {
        let end = try group("an end") { $0.records[0].type == 3 }
        let fields = DiskGroup.headerFields.map { $0.moved(by: end.offset) } + end.fields(of: end.records[0])
        return DamagePlaces.places(fields, of: log, in: "end", .unnoticed)
    }
}
