import ConcordBytes

// Where things stand in a member's files: read from docs/formats.md alone, so that the tests share no mistake with the
// program that writes them.

/// Little-endian numbers.
struct DiskNumbers {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func value(at offset: Int, bytes count: Int) throws -> UInt64 {
        guard offset >= 0, offset + count <= bytes.count, count <= 8 else {
            throw DamageFailure("a number at \(offset) lies outside of its file")
        }
        return (0..<count).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * $1) }
    }

    func count(at offset: Int) throws -> Int { Int(try value(at: offset, bytes: 4)) }
}

/// A field of a format: what it is, where in its file it begins, how many bytes it has.
struct DiskField {
    let name: String
    let offset: Int
    let bytes: Int

    init(_ name: String, _ offset: Int, _ bytes: Int) {
        (self.name, self.offset, self.bytes) = (name, offset, bytes)
    }

    func moved(by distance: Int) -> DiskField { DiskField(name, offset + distance, bytes) }

    /// A configuration that begins at `offset`, up to its first member; and how long all of it is.
    static func configuration(_ numbers: DiskNumbers, at offset: Int) throws -> (fields: [DiskField], bytes: Int) {
        var fields = [
            DiskField("configuration's version", offset, 1), DiskField("intent", offset + 1, 8),
            DiskField("count of members", offset + 9, 4), DiskField("a member's id", offset + 13, 16),
            DiskField("role", offset + 29, 1), DiskField("length of a member's name", offset + 30, 4),
            DiskField("a member's name", offset + 34, 1),
        ]
        var position = offset + 13
        for _ in 0..<(try numbers.count(at: offset + 9)) {
            position += 17
            position += 4 + (try numbers.count(at: position))
            if fields.count == 7 { fields.append(DiskField("length of a peer address", position, 4)) }
            if fields.count == 8 { fields.append(DiskField("peer address", position + 4, 1)) }
            position += 4 + (try numbers.count(at: position))
        }
        return (fields, position - offset)
    }
}

/// A group of a log segment.
struct DiskGroup {
    static let blockBytes = 4096
    static let streamBytesPerBlock = 4073
    /// Where in the stream the first record begins.
    private static let headerStreamBytes = 104

    let file: String
    let offset: Int
    let streamBytes: Int
    let segment: UInt64
    let firstIndex: UInt64
    let lastIndex: UInt64
    let headerChecksum: UInt32
    let records: [Record]
    /// What the records say, one behind the other.
    let stream: [UInt8]

    struct Record {
        /// In the stream.
        let start: Int
        let contentBytes: Int
        /// 1 an entry, 2 a base, 3 an end.
        let type: Int
    }

    static let headerFields: [DiskField] = [
        DiskField("tag of the first block", 0, 4), DiskField("number of the first block", 4, 4),
        DiskField("version", 8, 2), DiskField("length of the header", 10, 2), DiskField("count of records", 12, 4),
        DiskField("sequence number of the segment", 16, 8), DiskField("length of the segment", 24, 8),
        DiskField("number of the group", 32, 8), DiskField("length of the stream", 40, 8),
        DiskField("first index", 48, 8), DiskField("last term", 56, 8), DiskField("durable index before", 64, 8),
        DiskField("first index of the group before", 72, 8), DiskField("checksum of the record before", 80, 4),
        DiskField("zeros of the header", 84, 1), DiskField("checksum of the header", 108, 4),
    ]

    var blocks: Int { (streamBytes + DiskGroup.streamBytesPerBlock - 1) / DiskGroup.streamBytesPerBlock }
    var end: Int { offset + blocks * DiskGroup.blockBytes }

    /// The group that begins at `offset`, or `nil` where none does.
    init?(_ contents: DirectoryImage.Contents, file: String, at offset: Int) throws {
        guard offset + DiskGroup.blockBytes <= contents.size else { return nil }
        let header = DiskNumbers(try contents.read(offset..<offset + 112))
        guard Array(header.bytes.prefix(4)) == Array("CLGH".utf8) else { return nil }
        guard try header.value(at: 8, bytes: 2) == 2 else { throw DamageFailure("a group of another version") }
        self.file = file
        self.offset = offset
        streamBytes = Int(try header.value(at: 40, bytes: 8))
        segment = try header.value(at: 16, bytes: 8)
        firstIndex = try header.value(at: 48, bytes: 8)
        let count = try header.count(at: 12)
        lastIndex = firstIndex + UInt64(count) - 1
        headerChecksum = UInt32(try header.value(at: 108, bytes: 4))
        let places = (0..<streamBytes).map { offset + DiskGroup.distance(ofStream: $0) }
        let bytes = try contents.read(offset..<(places.last ?? offset) + 1)
        let stream = DiskNumbers(places.map { bytes[$0 - offset] })
        var records: [Record] = []
        var position = DiskGroup.headerStreamBytes
        for _ in 0..<count {
            let length = try stream.count(at: position + 4)
            records.append(Record(start: position, contentBytes: length, type: try stream.count(at: position + 8)))
            position += 12 + length
        }
        guard position == streamBytes else { throw DamageFailure("the group at \(offset) has another length") }
        self.records = records
        self.stream = stream.bytes
    }

    /// All groups of a segment that follow its beginning.
    static func all(_ contents: DirectoryImage.Contents, file: String) throws -> [DiskGroup] {
        var groups: [DiskGroup] = []
        while let group = try DiskGroup(contents, file: file, at: groups.last?.end ?? 0) { groups.append(group) }
        return groups
    }

    /// From the group's first byte: a block has 503 bytes of the stream in its first sector and 510 in each other one.
    private static func distance(ofStream position: Int) -> Int {
        let (block, rest) = position.quotientAndRemainder(dividingBy: streamBytesPerBlock)
        guard rest >= 503 else { return block * blockBytes + 8 + rest }
        let (sector, inSector) = (rest - 503).quotientAndRemainder(dividingBy: 510)
        return block * blockBytes + (sector + 1) * 512 + 1 + inSector
    }

    func place(ofStream position: Int) -> Int { offset + DiskGroup.distance(ofStream: position) }

    /// The fields of a record's frame and content; of each only the first byte may be changed, since a field may go on
    /// in another sector.
    func fields(of record: Record) -> [DiskField] {
        var fields = [("checksum of a record", 0), ("length of a record", 4), ("type of a record", 8)]
        switch record.type {
        case 1:
            fields += [("entry's index", 12), ("entry's term", 20), ("entry's clock", 28), ("entry's kind", 36)]
            fields += [("length of the payload", 37)]
            if record.contentBytes > 29 {
                fields += [("first byte of the payload", 41), ("last byte of the payload", 11 + record.contentBytes)]
            }
        case 2: fields += [("base's index", 12), ("base's term", 20), ("base's clock", 28)]
        default: fields += [("end's index", 12)]
        }
        return fields.map { DiskField($0.0, place(ofStream: record.start + $0.1), 1) }
    }
}

/// The fields of the other files.
enum DiskLayout {
    static func member(_ bytes: [UInt8]) throws -> [DiskField] {
        let numbers = DiskNumbers(bytes)
        var fields = [
            DiskField("tag", 0, 4), DiskField("version", 4, 2), DiskField("zero", 6, 2),
            DiskField("length of the file", 8, 4), DiskField("member id", 12, 16), DiskField("boot counter", 28, 8),
            DiskField("length of the name", 36, 4), DiskField("name", 40, 1),
        ]
        let cluster = 40 + (try numbers.count(at: 36))
        fields += [DiskField("whether there is a cluster id", cluster, 1), DiskField("cluster id", cluster + 1, 16)]
        fields += [DiskField("whether there is a configuration", cluster + 17, 1)]
        let configuration = try DiskField.configuration(numbers, at: cluster + 18)
        guard cluster + 18 + configuration.bytes + 4 == bytes.count else {
            throw DamageFailure("the member file has another length than its fields")
        }
        return fields + configuration.fields + [DiskField("checksum", bytes.count - 4, 4)]
    }

    /// Of one slot, from the start of its block.
    static func voteSlot(version: Int) -> [DiskField] {
        let common = [
            DiskField("tag", 0, 4), DiskField("version", 4, 2), DiskField("slot", 6, 2), DiskField("counter", 8, 8),
            DiskField("term", 16, 8), DiskField("whether a vote was given", 24, 4), DiskField("voted for", 28, 16),
        ]
        if version == 1 { return common + [DiskField("zeros", 44, 1), DiskField("checksum", 60, 4)] }
        return common + [
            DiskField("flags of the doubt", 44, 4), DiskField("term of the doubt", 48, 8),
            DiskField("term of the claim", 56, 8), DiskField("index of the claim", 64, 8), DiskField("zeros", 72, 1),
            DiskField("checksum", 124, 4),
        ]
    }

    struct SnapshotLayout {
        let fields: [DiskField]
        let headerBytes: Int
        let index: UInt64
    }

    static func snapshot(_ bytes: [UInt8]) throws -> SnapshotLayout {
        let numbers = DiskNumbers(bytes)
        let headerBytes = try numbers.count(at: 8)
        var fields = [
            DiskField("tag", 0, 4), DiskField("version", 4, 2), DiskField("zero", 6, 2),
            DiskField("length of the header", 8, 4), DiskField("cluster id", 12, 16), DiskField("index", 28, 8),
            DiskField("term", 36, 8), DiskField("clock", 44, 8),
        ]
        fields += try DiskField.configuration(numbers, at: 52).fields
        fields += [DiskField("checksum of the header", headerBytes - 4, 4)]
        var position = headerBytes
        fields += [DiskField("length of a piece", position, 4), DiskField("checksum of a piece", position + 4, 4)]
        fields += [DiskField("first byte of a piece", position + 8, 1)]
        while try numbers.count(at: position) > 0 { position += 8 + (try numbers.count(at: position)) }
        fields += [
            DiskField("last byte of the last piece", position - 1, 1), DiskField("zero of the trailer", position, 4),
            DiskField("count of pieces", position + 4, 8), DiskField("bytes of the pieces", position + 12, 8),
            DiskField("checksum of the trailer", position + 20, 4),
        ]
        guard position + 24 == bytes.count else { throw DamageFailure("something stands behind a snapshot's trailer") }
        return SnapshotLayout(
            fields: fields, headerBytes: headerBytes, index: try numbers.value(at: 28, bytes: 8))
    }
}
