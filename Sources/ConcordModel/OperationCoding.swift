package import ConcordBytes

// The log encoding of operations. docs/formats.md has the layout byte by byte.
// Each operation is a kind byte and a body behind a 32-bit length; a body begins with a 16-bit set of flags.
// A flag that this build does not know is refused, so a newer operation is never half understood. One value
// has one encoding: what decodes and would be encoded otherwise is refused.
//
// The limits of the format are checked on both sides: an entry that the log carries and no member can read
// would stop them all, so it must not be written either. Front ends refuse such a request long before.

extension Operation {
    package func encode(into writer: inout ByteWriter) {
        writer.write(kindByte)
        let lengthAt = writer.count
        writer.write(UInt32(0))
        encodeBody(into: &writer)
        writer.patch(UInt32(writer.count - lengthAt - 4), at: lengthAt)
    }

    package init(decoding reader: inout ByteReader) throws(ByteError) {
        let kind = try reader.readUInt8()
        let length = Int(try reader.readUInt32())
        guard length <= reader.remaining else { throw .truncated }
        let bodyEnd = reader.position + length
        switch kind {
        case 1: self = .put(try PutOperation(decoding: &reader))
        case 2: self = .createSequential(try CreateSequentialOperation(decoding: &reader))
        case 3: self = .increment(try IncrementOperation(decoding: &reader))
        case 4: self = .delete(try DeleteOperation(decoding: &reader))
        case 16: self = .changeSettings(try Operation.decodeSettings(&reader))
        case 17:
            _ = try Operation.readFlags(&reader, known: 0)
            self = .raiseFeatureLevel(try reader.readUInt16())
        case 18:
            _ = try Operation.readFlags(&reader, known: 0)
            self = .changeMembers(try ChangeMembersOperation(decoding: &reader))
        case 19:
            _ = try Operation.readFlags(&reader, known: 0)
            self = .cancelMemberChange
        case 20:
            _ = try Operation.readFlags(&reader, known: 0)
            self = .memberInfo(try MemberInfoOperation(decoding: &reader))
        default: throw .invalid
        }
        guard reader.position == bodyEnd else { throw .invalid }
    }

    private var kindByte: UInt8 {
        switch self {
        case .put: 1
        case .createSequential: 2
        case .increment: 3
        case .delete: 4
        case .changeSettings: 16
        case .raiseFeatureLevel: 17
        case .changeMembers: 18
        case .cancelMemberChange: 19
        case .memberInfo: 20
        }
    }

    private func encodeBody(into writer: inout ByteWriter) {
        switch self {
        case .put(let put): put.encode(into: &writer)
        case .createSequential(let create): create.encode(into: &writer)
        case .increment(let increment): increment.encode(into: &writer)
        case .delete(let delete): delete.encode(into: &writer)
        case .changeSettings(let values):
            precondition(
                values.count <= ModelLimits.settingsPerCommandMax, "more settings are encoded than a reader accepts")
            writer.write(UInt16(0))
            writer.write(UInt32(values.count))
            for value in values {
                writer.write(value.setting.rawValue)
                writer.write(value.value)
            }
        case .raiseFeatureLevel(let level):
            writer.write(UInt16(0))
            writer.write(level)
        case .changeMembers(let change):
            writer.write(UInt16(0))
            change.encode(into: &writer)
        case .cancelMemberChange: writer.write(UInt16(0))
        case .memberInfo(let info):
            writer.write(UInt16(0))
            info.encode(into: &writer)
        }
    }

    private static func decodeSettings(_ reader: inout ByteReader) throws(ByteError) -> [SettingValue] {
        _ = try readFlags(&reader, known: 0)
        let count = try reader.readCount(limit: ModelLimits.settingsPerCommandMax, bytesEach: 10)
        var values: [SettingValue] = []
        for _ in 0..<count {
            guard let setting = Setting(rawValue: try reader.readUInt16()) else { throw .invalid }
            values.append(SettingValue(setting, try reader.readUInt64()))
        }
        return values
    }

    fileprivate static func readFlags(_ reader: inout ByteReader, known: UInt16) throws(ByteError) -> UInt16 {
        let flags = try reader.readUInt16()
        guard flags & ~known == 0 else { throw .invalid }
        return flags
    }
}

extension PutOperation {
    fileprivate func encode(into writer: inout ByteWriter) {
        var flags: UInt16 = 0
        if value != nil { flags |= 1 }
        if createsParents { flags |= 2 }
        if !needsParent { flags |= 4 }
        if condition != .none { flags |= 8 }
        writer.write(flags)
        write(key, into: &writer)
        if let value { write(value: value, into: &writer) }
        if condition != .none { condition.encode(into: &writer) }
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        let flags = try Operation.readFlags(&reader, known: 15)
        let key = Key(try reader.readBytes(limit: ModelLimits.keyBytesMax))
        let value = flags & 1 == 0 ? nil : try reader.readBytes(limit: ModelLimits.valueBytesMax)
        let condition = flags & 8 == 0 ? Condition.none : try Condition(decoding: &reader)
        self.init(
            key: key, value: value, condition: condition, createsParents: flags & 2 != 0, needsParent: flags & 4 == 0)
    }
}

extension CreateSequentialOperation {
    fileprivate func encode(into writer: inout ByteWriter) {
        precondition(
            CreateSequentialOperation.widths.contains(width) && prefix.count <= ModelLimits.keyBytesMax,
            "a sequential name is encoded that a reader does not accept")
        writer.write(UInt16((value == nil ? 0 : 1) | (createsParents ? 2 : 0)))
        write(parent, into: &writer)
        writer.writeBytes(prefix)
        if let value { write(value: value, into: &writer) }
        writer.write(width)
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        let flags = try Operation.readFlags(&reader, known: 3)
        let parent = Key(try reader.readBytes(limit: ModelLimits.keyBytesMax))
        let prefix = try reader.readBytes(limit: ModelLimits.keyBytesMax)
        let value = flags & 1 == 0 ? nil : try reader.readBytes(limit: ModelLimits.valueBytesMax)
        let width = try reader.readUInt8()
        guard CreateSequentialOperation.widths.contains(width) else { throw .invalid }
        self.init(parent: parent, prefix: prefix, value: value, width: width, createsParents: flags & 2 != 0)
    }

    /// Any 64-bit number has at most 20 digits.
    private static let widths: ClosedRange<UInt8> = 1...20
}

extension IncrementOperation {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.write(UInt16(condition == .none ? 0 : 8))
        write(key, into: &writer)
        writer.write(amount)
        if condition != .none { condition.encode(into: &writer) }
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        let flags = try Operation.readFlags(&reader, known: 8)
        let key = Key(try reader.readBytes(limit: ModelLimits.keyBytesMax))
        let amount = try reader.readInt64()
        let condition = flags & 8 == 0 ? Condition.none : try Condition(decoding: &reader)
        self.init(key: key, amount: amount, condition: condition)
    }
}

extension DeleteOperation {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.write(UInt16((recursive ? 1 : 0) | (batch == 0 ? 0 : 2) | (condition == .none ? 0 : 8)))
        write(key, into: &writer)
        if batch != 0 { writer.write(batch) }
        if condition != .none { condition.encode(into: &writer) }
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        let flags = try Operation.readFlags(&reader, known: 11)
        let key = Key(try reader.readBytes(limit: ModelLimits.keyBytesMax))
        let batch = flags & 2 == 0 ? 0 : try reader.readUInt32()
        guard batch != 0 || flags & 2 == 0 else { throw .invalid }
        let condition = flags & 8 == 0 ? Condition.none : try Condition(decoding: &reader)
        self.init(key: key, condition: condition, recursive: flags & 1 != 0, batch: batch)
    }
}

extension Condition {
    fileprivate func encode(into writer: inout ByteWriter) {
        switch self {
        case .none: writer.write(UInt8(0))
        case .exists: writer.write(UInt8(1))
        case .absent: writer.write(UInt8(2))
        case .modifiedAt(let revisions):
            precondition(
                revisions.count <= ModelLimits.conditionRevisionsMax,
                "a condition names more revisions than a reader accepts")
            writer.write(UInt8(3))
            writer.write(UInt32(revisions.count))
            for revision in revisions { writer.write(revision.rawValue) }
        }
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        switch try reader.readUInt8() {
        case 1: self = .exists
        case 2: self = .absent
        case 3:
            let count = try reader.readCount(limit: ModelLimits.conditionRevisionsMax, bytesEach: 8)
            var revisions: [Revision] = []
            for _ in 0..<count { revisions.append(Revision(try reader.readUInt64())) }
            self = .modifiedAt(revisions)
        default: throw .invalid
        }
    }
}

private func write(_ key: Key, into writer: inout ByteWriter) {
    precondition(key.bytes.count <= ModelLimits.keyBytesMax, "a key is encoded that is longer than a reader accepts")
    writer.writeBytes(key.bytes)
}

private func write(value: [UInt8], into writer: inout ByteWriter) {
    precondition(value.count <= ModelLimits.valueBytesMax, "a value is encoded that is longer than a reader accepts")
    writer.writeBytes(value)
}
