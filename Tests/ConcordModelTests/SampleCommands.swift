import ConcordBytes
import ConcordModel

/// Commands of every shape, from a seed.
struct SampleCommands {
    var random: SeededRandom

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    mutating func command() -> Command {
        Command(
            operation: operation(),
            origin: random.chance(percent: 50)
                ? Origin(member: huge(), boot: number(), sequence: number(), done: number()) : nil,
            retry: retry(),
            principal: random.chance(percent: 30) ? bytes(1...ModelLimits.principalBytesMax) : [],
            decidedIn: random.chance(percent: 30) ? Epoch(number()) : nil,
            featureLevel: UInt16(truncatingIfNeeded: random.next()),
            wallMilliseconds: number())
    }

    mutating func operation() -> Operation {
        switch random.below(8) {
        case 0:
            .put(
                PutOperation(
                    key: key(), value: value(), condition: condition(), createsParents: random.chance(percent: 50),
                    needsParent: random.chance(percent: 50)))
        case 1:
            .createSequential(
                CreateSequentialOperation(
                    parent: key(), prefix: bytes(0...12), value: value(), width: UInt8(1 + random.below(20)),
                    createsParents: random.chance(percent: 50)))
        case 2:
            .increment(
                IncrementOperation(key: key(), amount: Int64(bitPattern: random.next()), condition: condition()))
        case 3:
            .delete(
                DeleteOperation(
                    key: key(), condition: condition(), recursive: random.chance(percent: 50),
                    batch: random.chance(percent: 50) ? 0 : UInt32(1 + random.below(20_000))))
        case 4:
            .changeSettings(
                (0..<Int(random.below(5))).map { _ in
                    SettingValue(Setting.allCases[Int(random.below(UInt64(Setting.allCases.count)))], number())
                })
        case 5:
            .changeMembers(
                ChangeMembersOperation(
                    add: (0..<Int(random.below(4))).map { _ in
                        MemberAddition(id: huge(), name: text(), peerAddress: text())
                    }, remove: (0..<Int(random.below(4))).map { _ in huge() }))
        case 6: .cancelMemberChange
        case 7:
            .memberInfo(
                MemberInfoOperation(
                    member: huge(),
                    info: MemberInfo(
                        boot: number(), peerAddress: text(), clientURL: text(),
                        featureLevel: UInt16(truncatingIfNeeded: random.next()), build: text())))
        default: .raiseFeatureLevel(UInt16(truncatingIfNeeded: random.next()))
        }
    }

    private mutating func retry() -> RetryIdentity {
        switch random.below(3) {
        case 0: .none
        case 1: .client(ClientCall(client: huge(), sequence: number(), done: number()))
        default: .key(bytes(1...ModelLimits.idempotencyKeyBytesMax))
        }
    }

    private mutating func condition() -> Condition {
        switch random.below(4) {
        case 0: .none
        case 1: .exists
        case 2: .absent
        default: .modifiedAt((0..<Int(random.below(4))).map { _ in Revision(number()) })
        }
    }

    private mutating func key() -> Key {
        Key(bytes(0...30))
    }

    private mutating func value() -> [UInt8]? {
        random.chance(percent: 20) ? nil : bytes(0...60)
    }

    private mutating func bytes(_ lengths: ClosedRange<Int>) -> [UInt8] {
        let count = lengths.lowerBound + Int(random.below(UInt64(lengths.count)))
        return (0..<count).map { _ in UInt8(random.below(256)) }
    }

    /// Small numbers as often as large ones.
    private mutating func number() -> UInt64 {
        random.next() >> random.below(64)
    }

    private mutating func text() -> String {
        String(decoding: bytes(0...12).map { $0 & 0x7F }, as: UTF8.self)
    }

    private mutating func huge() -> UInt128 {
        UInt128(random.next()) << 64 | UInt128(random.next())
    }
}

func encoded(_ operation: Operation) -> [UInt8] {
    var writer = ByteWriter()
    operation.encode(into: &writer)
    return writer.bytes
}

func encoded(_ command: Command) -> [UInt8] {
    var writer = ByteWriter()
    command.encode(into: &writer)
    return writer.bytes
}

func encoded(_ commands: [Command]) -> [UInt8] {
    var batch = CommandBatch()
    for command in commands { batch.append(command) }
    return batch.payload()
}

func decodedOperation(_ bytes: [UInt8]) throws(ByteError) -> Operation {
    var reader = ByteReader(bytes)
    let operation = try Operation(decoding: &reader)
    try reader.finish()
    return operation
}

func decodedCommand(_ bytes: [UInt8]) throws(ByteError) -> Command {
    var reader = ByteReader(bytes)
    let command = try Command(decoding: &reader)
    try reader.finish()
    return command
}

/// Bytes from text of hexadecimal digits; spaces are for the reader's eye.
func hexadecimal(_ text: String) -> [UInt8] {
    let digits = text.utf8.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") }
    precondition(digits.count.isMultiple(of: 2), "an odd number of hexadecimal digits")
    return stride(from: 0, to: digits.count, by: 2).map { digit(digits[$0]) << 4 | digit(digits[$0 + 1]) }
}

func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

private func digit(_ byte: UInt8) -> UInt8 {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: preconditionFailure("not a hexadecimal digit")
    }
}
