package import ConcordBytes

// The envelope of a command in a log entry. docs/formats.md has the layout byte by byte. As for operations, one
// value has one encoding.

extension Command {
    private enum Field {
        static let decidedIn: UInt16 = 1
        static let principal: UInt16 = 2
        static let origin: UInt16 = 4
        static let client: UInt16 = 8
        static let key: UInt16 = 16
        static let known: UInt16 = 31
    }

    package func encode(into writer: inout ByteWriter) {
        precondition(
            principal.count <= ModelLimits.principalBytesMax, "a principal is encoded that a reader does not accept")
        writer.write(ModelLimits.envelopeVersion)
        writer.write(featureLevel)
        writer.write(fields)
        writer.write(wallMilliseconds)
        if let decidedIn { writer.write(decidedIn.rawValue) }
        if !principal.isEmpty { writer.writeBytes(principal) }
        if let origin {
            writer.write(origin.member)
            writer.write(origin.boot)
            writer.write(origin.sequence)
            writer.write(origin.done)
        }
        switch retry {
        case .none: break
        case .client(let call):
            writer.write(call.client)
            writer.write(call.sequence)
            writer.write(call.done)
        case .key(let key):
            precondition(
                Command.keyLengths.contains(key.count), "an idempotency key is encoded that a reader does not accept")
            writer.writeBytes(key)
        }
        operation.encode(into: &writer)
    }

    package init(decoding reader: inout ByteReader) throws(ByteError) {
        guard try reader.readUInt8() == ModelLimits.envelopeVersion else { throw .invalid }
        let featureLevel = try reader.readUInt16()
        let fields = try reader.readUInt16()
        guard fields & ~Field.known == 0, fields & (Field.client | Field.key) != Field.client | Field.key else {
            throw .invalid
        }
        let wallMilliseconds = try reader.readUInt64()
        let decidedIn = fields & Field.decidedIn == 0 ? nil : Epoch(try reader.readUInt64())
        let principal = fields & Field.principal == 0 ? [] : try reader.readBytes(limit: ModelLimits.principalBytesMax)
        guard !principal.isEmpty || fields & Field.principal == 0 else { throw .invalid }
        let origin = fields & Field.origin == 0 ? nil : try Origin(decoding: &reader)
        let retry: RetryIdentity
        if fields & Field.client != 0 {
            retry = .client(try ClientCall(decoding: &reader))
        } else if fields & Field.key != 0 {
            let key = try reader.readBytes(limit: ModelLimits.idempotencyKeyBytesMax)
            guard Command.keyLengths.contains(key.count) else { throw .invalid }
            retry = .key(key)
        } else {
            retry = .none
        }
        self.init(
            operation: try Operation(decoding: &reader), origin: origin, retry: retry, principal: principal,
            decidedIn: decidedIn, featureLevel: featureLevel, wallMilliseconds: wallMilliseconds)
    }

    private static let keyLengths = 1...ModelLimits.idempotencyKeyBytesMax

    private var fields: UInt16 {
        var fields: UInt16 = 0
        if decidedIn != nil { fields |= Field.decidedIn }
        if !principal.isEmpty { fields |= Field.principal }
        if origin != nil { fields |= Field.origin }
        switch retry {
        case .none: break
        case .client: fields |= Field.client
        case .key: fields |= Field.key
        }
        return fields
    }
}

extension Origin {
    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        self.init(
            member: try reader.readUInt128(), boot: try reader.readUInt64(), sequence: try reader.readUInt64(),
            done: try reader.readUInt64())
    }
}

extension ClientCall {
    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        self.init(
            client: try reader.readUInt128(), sequence: try reader.readUInt64(), done: try reader.readUInt64())
    }
}

/// The payload of a log entry of the kind `commands`: the commands of one turn of the leader's loop.
package struct CommandBatch: Sendable {
    package private(set) var count: UInt32 = 0
    private var writer = ByteWriter()

    package init() {
        writer.write(CommandBatch.version)
        writer.write(UInt32(0))
    }

    /// How long the payload is so far.
    package var byteCount: Int { writer.count }

    package mutating func append(_ command: Command) {
        precondition(Int(count) < ModelLimits.commandsPerEntryMax, "more commands were batched than an entry holds")
        let lengthAt = writer.count
        writer.write(UInt32(0))
        command.encode(into: &writer)
        writer.patch(UInt32(writer.count - lengthAt - 4), at: lengthAt)
        count += 1
    }

    /// The finished payload.
    package consuming func payload() -> [UInt8] {
        writer.patch(count, at: 1)
        return writer.bytes
    }

    /// Reads a payload; every command in it or an error, never a part.
    package static func decode(_ payload: [UInt8]) throws(ByteError) -> [Command] {
        var reader = ByteReader(payload)
        guard try reader.readUInt8() == version else { throw .invalid }
        let count = try reader.readCount(limit: ModelLimits.commandsPerEntryMax, bytesEach: 4)
        var commands: [Command] = []
        commands.reserveCapacity(count)
        for _ in 0..<count {
            let length = Int(try reader.readUInt32())
            guard length <= ModelLimits.commandBytesMax else { throw .tooLong }
            guard length <= reader.remaining else { throw .truncated }
            let end = reader.position + length
            commands.append(try Command(decoding: &reader))
            guard reader.position == end else { throw .invalid }
        }
        try reader.finish()
        return commands
    }

    private static let version: UInt8 = 1
}
