import ConcordBytes
import ConcordModel

/// A record of an image as it was read, before anything was held against the others.
enum StateImageRecord {
    struct Globals {
        /// Of the image.
        var version: UInt16
        var featureLevel: UInt16
        var revision: UInt64
        var epoch: UInt64
        var clock: UInt64
        var floor: UInt64
        var hash: UInt128
        var settings: [SettingValue]
        var membership: Membership
        /// Of nodes, directories, events, origins, clients and outcomes.
        var counts: [UInt64]
    }

    case globals(Globals)
    /// Globals of a version that this build does not know.
    case newer(UInt16)
    case node(NodeRecord)
    case directory(DirectoryRecord)
    case event(HistoryEvent)
    case origin(OriginRecord)
    case client(ClientRecord)
    case outcome(OutcomeRecord)

    init(decoding reader: inout ByteReader) throws(ByteError) {
        guard let kind = StateImage.Kind(rawValue: try reader.readUInt8()) else { throw .invalid }
        switch kind {
        case .globals:
            let version = try reader.readUInt16()
            let isKnown = StateImage.oldestVersion...StateImage.version ~= version
            self = isKnown ? .globals(try Globals(version, decoding: &reader)) : .newer(version)
        case .node: self = .node(try NodeRecord(decoding: &reader))
        case .directory: self = .directory(try DirectoryRecord(decoding: &reader))
        case .event: self = .event(try HistoryEvent(decoding: &reader))
        case .origin: self = .origin(try OriginRecord(decoding: &reader))
        case .client: self = .client(try ClientRecord(decoding: &reader))
        case .outcome: self = .outcome(try OutcomeRecord(decoding: &reader))
        }
    }
}

extension ByteReader {
    /// A number that no sum of two of its kind can overflow.
    fileprivate mutating func readNumber() throws(ByteError) -> UInt64 {
        let number = try readUInt64()
        guard number <= StateImage.numberMax else { throw .tooLong }
        return number
    }

    fileprivate mutating func readKey() throws(ByteError) -> [UInt8] {
        try readBytes(limit: ModelLimits.keyBytesMax)
    }

    fileprivate mutating func readValue(_ isThere: Bool) throws(ByteError) -> [UInt8]? {
        isThere ? try readBytes(limit: ModelLimits.valueBytesMax) : nil
    }

    fileprivate mutating func readFlags(_ all: UInt8) throws(ByteError) -> UInt8 {
        let flags = try readUInt8()
        guard flags & ~all == 0 else { throw .invalid }
        return flags
    }
}

// MARK: - Globals

extension StateImageRecord.Globals {
    func encode(into writer: inout ByteWriter) {
        writer.write(StateImage.Kind.globals.rawValue)
        writer.write(version)
        writer.write(featureLevel)
        writer.write(revision)
        writer.write(epoch)
        writer.write(clock)
        writer.write(floor)
        writer.write(hash)
        writer.write(UInt32(settings.count))
        for value in settings {
            writer.write(value.setting.rawValue)
            writer.write(value.value)
        }
        membership.encode(into: &writer)
        if version >= 2 { membership.encodeInfos(into: &writer) }
        for count in counts { writer.write(count) }
    }

    /// Behind the version.
    fileprivate init(_ version: UInt16, decoding reader: inout ByteReader) throws(ByteError) {
        self.version = version
        featureLevel = try reader.readUInt16()
        revision = try reader.readNumber()
        epoch = try reader.readNumber()
        clock = try reader.readNumber()
        floor = try reader.readNumber()
        hash = try reader.readUInt128()
        settings = []
        for _ in 0..<(try reader.readCount(limit: ModelLimits.settingsPerCommandMax, bytesEach: 10)) {
            guard let setting = Setting(rawValue: try reader.readUInt16()) else { throw .invalid }
            settings.append(SettingValue(setting, try reader.readUInt64()))
        }
        membership = try Membership(decoding: &reader)
        if version >= 2 { try membership.readInfos(&reader) }
        counts = []
        for _ in StateImage.Kind.allCases.dropFirst() { counts.append(try reader.readNumber()) }
    }
}

// MARK: - The tree

extension NodeRecord {
    func encode(into writer: inout ByteWriter) {
        writer.write(StateImage.Kind.node.rawValue)
        writer.write(
            (body.hasValue ? StateImage.NodeFlag.hasValue : 0) | (isCounted ? StateImage.NodeFlag.isCounted : 0))
        writer.write(createRevision)
        writer.write(modifyRevision)
        writer.write(version)
        writer.writeBytes(body.key.bytes)
        if let value = body.value { writer.writeBytes(value) }
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        let flags = try reader.readFlags(StateImage.NodeFlag.all)
        let (create, modify, version) = (try reader.readNumber(), try reader.readNumber(), try reader.readNumber())
        let key = try reader.readKey()
        let value = try reader.readValue(flags & StateImage.NodeFlag.hasValue != 0)
        self.init(
            body: Body(key: key, value: value), isCounted: flags & StateImage.NodeFlag.isCounted != 0,
            createRevision: create, modifyRevision: modify, version: version, lastEvent: 0)
    }
}

extension ChildCounters {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.write(childRevision)
        writer.write(childVersion)
        writer.write(childrenCount)
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        childRevision = try reader.readNumber()
        childVersion = try reader.readNumber()
        childrenCount = try reader.readNumber()
    }
}

extension DirectoryRecord {
    func encode(into writer: inout ByteWriter) {
        writer.write(StateImage.Kind.directory.rawValue)
        counters.encode(into: &writer)
        writer.write(sequence)
        writer.writeBytes(key)
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        let counters = try ChildCounters(decoding: &reader)
        let sequence = try reader.readUInt64()
        // A name's number is a positive one of 64 bits with a sign.
        guard sequence <= UInt64(Int64.max) else { throw .tooLong }
        self.init(key: try reader.readKey(), nodeLives: true, counters: counters, sequence: sequence)
    }
}

// MARK: - The history

extension HistoryEvent {
    func encode(into writer: inout ByteWriter) {
        typealias Flag = StateImage.EventFlag
        writer.write(StateImage.Kind.event.rawValue)
        var flags: UInt8 = 0
        if isCreation { flags |= Flag.isCreation }
        if isDeletion { flags |= Flag.isDeletion }
        if isCounted { flags |= Flag.isCounted }
        if isMembership { flags |= Flag.isMembership }
        if before?.hasValue == true { flags |= Flag.hadValue }
        writer.write(flags)
        writer.write(cause.rawValue)
        writer.write(revision)
        writer.write(wallMilliseconds)
        writer.write(createRevision)
        writer.write(version)
        writer.write(previousRevision)
        if isMembership { parentBefore.encode(into: &writer) }
        if isDeletion { ownBefore.encode(into: &writer) }
        writer.writeBytes(body.key.bytes)
        if let value = before?.value { writer.writeBytes(value) }
    }

    /// The version that it made is known later: until then it is one without a value.
    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        typealias Flag = StateImage.EventFlag
        let flags = try reader.readFlags(Flag.all)
        func has(_ flag: UInt8) -> Bool { flags & flag != 0 }
        guard let cause = EventCause(rawValue: try reader.readUInt8()),
            !has(Flag.isCreation) || !has(Flag.isDeletion) && !has(Flag.hadValue)
        else { throw .invalid }
        let revision = try reader.readNumber()
        let wallMilliseconds = try reader.readUInt64()
        let (create, version, previous) = (try reader.readNumber(), try reader.readNumber(), try reader.readNumber())
        let parentBefore = has(Flag.isMembership) ? try ChildCounters(decoding: &reader) : .none
        let ownBefore = has(Flag.isDeletion) ? try ChildCounters(decoding: &reader) : .none
        let key = try reader.readKey()
        let value = try reader.readValue(has(Flag.hadValue))
        self.init(
            revision: revision, wallMilliseconds: wallMilliseconds,
            after: has(Flag.isDeletion) ? nil : Body(key: key, value: nil),
            before: has(Flag.isCreation) ? nil : Body(key: key, value: value), createRevision: create,
            version: version, previousRevision: previous, cause: cause, isCounted: has(Flag.isCounted),
            isMembership: has(Flag.isMembership), previousOfKey: 0, previousOfParent: 0, parentBefore: parentBefore,
            ownBefore: ownBefore)
    }
}

// MARK: - The retry tables

extension OriginRecord {
    func encode(into writer: inout ByteWriter) {
        writer.write(StateImage.Kind.origin.rawValue)
        writer.writeRaw(key)
        writer.write(boot)
        writer.write(done)
        writer.write(openCount)
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        let key = try reader.readBytes(count: RetryTables.idBytes)
        self.init(
            key: key, boot: try reader.readUInt64(), done: try reader.readUInt64(),
            openCount: try reader.readNumber())
    }
}

extension ClientRecord {
    func encode(into writer: inout ByteWriter) {
        writer.write(StateImage.Kind.client.rawValue)
        writer.writeRaw(key)
        writer.write(done)
        writer.write(lastSeen)
        writer.write(queuedAt)
        writer.write(openCount)
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        let key = try reader.readBytes(count: RetryTables.idBytes)
        self.init(
            key: key, done: try reader.readUInt64(), lastSeen: try reader.readNumber(),
            queuedAt: try reader.readNumber(), openCount: try reader.readNumber())
    }
}

extension OutcomeRecord {
    func encode(into writer: inout ByteWriter) {
        writer.write(StateImage.Kind.outcome.rawValue)
        writer.write(outcome.verdict.byte)
        writer.write(outcome.setting?.rawValue ?? 0)
        writer.write(outcome.revision)
        let number: UInt8 = outcome.number == nil ? 0 : StateImage.OutcomeFlag.hasNumber
        writer.write(number | (outcome.wasReplay ? StateImage.OutcomeFlag.wasReplay : 0))
        if let number = outcome.number { writer.write(number) }
        writer.write(operationHash)
        writer.write(storedAt)
        writer.writeBytes(key)
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        guard let verdict = StoredOutcome.Verdict(byte: try reader.readUInt8()) else { throw .invalid }
        let settingNumber = try reader.readUInt16()
        let setting = Setting(rawValue: settingNumber)
        guard settingNumber == 0 || setting != nil else { throw .invalid }
        let revision = try reader.readNumber()
        let flags = try reader.readUInt8()
        guard flags & ~StateImage.OutcomeFlag.all == 0 else { throw .invalid }
        let number = flags & StateImage.OutcomeFlag.hasNumber == 0 ? nil : try reader.readUInt64()
        let (hash, storedAt) = (try reader.readUInt128(), try reader.readNumber())
        let key = try reader.readBytes(limit: 1 + ModelLimits.idempotencyKeyBytesMax)
        self.init(
            key: key,
            outcome: StoredOutcome(
                revision: revision, verdict: verdict, number: number, setting: setting,
                wasReplay: flags & StateImage.OutcomeFlag.wasReplay != 0),
            operationHash: hash, storedAt: storedAt)
    }
}
