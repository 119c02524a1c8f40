import ConcordBytes
import Testing

/// What a disk or a peer may hand us is read whole or refused; nothing in between, and never a trap.
@Suite struct ByteReaderTests {
    @Test(arguments: 1...50 as ClosedRange<UInt64>)
    func whatWasWrittenIsReadBack(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let values = (0..<40).map { _ in SampleValue(from: &random) }
        var writer = ByteWriter()
        for value in values { value.write(to: &writer) }
        var reader = ByteReader(writer.bytes)
        for value in values {
            #expect(try value.readAlike(from: &reader) == value, "seed \(seed)")
        }
        #expect(reader.remaining == 0)
        try reader.finish()
    }

    @Test(arguments: 1...50 as ClosedRange<UInt64>)
    func bytesCutAnywhereAreRefusedAsTruncated(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let value = SampleValue(from: &random)
        var writer = ByteWriter()
        value.write(to: &writer)
        for length in 0..<writer.count {
            var reader = ByteReader(writer.bytes, in: 0..<length)
            #expect(throws: ByteError.truncated, "seed \(seed), \(length) bytes") {
                try value.readAlike(from: &reader)
            }
        }
    }

    @Test func aFailedReadOfAnIntegerTakesNothing() throws {
        var reader = ByteReader([1, 2, 3])
        #expect(throws: ByteError.truncated) { try reader.readUInt32() }
        #expect(try reader.readUInt16() == 0x0201)
        #expect(try reader.readUInt8() == 3)
    }

    @Test func integersAreLittleEndian() throws {
        let bytes: [UInt8] = (1...16).map { $0 }
        var reader = ByteReader(bytes)
        #expect(try reader.readUInt128() == 0x100f_0e0d_0c0b_0a09_0807_0605_0403_0201)
        reader = ByteReader(bytes)
        #expect(try reader.readUInt64() == 0x0807_0605_0403_0201)
        #expect(try reader.readUInt32() == 0x0c0b_0a09)
        #expect(try reader.readUInt16() == 0x0e0d)
        #expect(try reader.readUInt8() == 0x0f)
    }

    @Test(arguments: [Int64.min, -1, 0, 1, .max])
    func signedNumbersKeepTheirSign(value: Int64) throws {
        var writer = ByteWriter()
        writer.write(value)
        var reader = ByteReader(writer.bytes)
        #expect(try reader.readInt64() == value)
    }

    @Test func onlyZeroAndOneAreBooleans() throws {
        for byte in UInt8.min...UInt8.max {
            var reader = ByteReader([byte])
            if byte < 2 {
                #expect(try reader.readBool() == (byte == 1))
            } else {
                #expect(throws: ByteError.invalid) { try reader.readBool() }
            }
        }
    }

    @Test func aLengthAboveTheLimitIsRefusedAndOneAtItIsNot() throws {
        var writer = ByteWriter()
        writer.writeBytes([1, 2, 3, 4])
        var reader = ByteReader(writer.bytes)
        #expect(throws: ByteError.tooLong) { try reader.readBytes(limit: 3) }
        reader = ByteReader(writer.bytes)
        #expect(try reader.readBytes(limit: 4) == [1, 2, 3, 4])
    }

    @Test func aLengthOfFourGigabytesReservesNothing() {
        var reader = ByteReader([0xFF, 0xFF, 0xFF, 0xFF, 1])
        #expect(throws: ByteError.truncated) { try reader.readBytes(limit: .max) }
    }

    @Test func aNegativeCountIsRefused() {
        var reader = ByteReader([1, 2, 3])
        #expect(throws: ByteError.truncated) { try reader.readBytes(count: -1) }
        #expect(throws: ByteError.truncated) { try reader.readBytes(count: .min) }
        #expect(throws: ByteError.truncated) { try reader.readBytes(count: .max) }
    }

    @Test func aCountThatCannotFitIsRefusedBeforeAnyoneReservesMemory() throws {
        var writer = ByteWriter()
        writer.write(UInt32(3))
        writer.writeRaw([UInt8](repeating: 0, count: 24))
        var reader = ByteReader(writer.bytes)
        #expect(try reader.readCount(limit: 3, bytesEach: 8) == 3)
        reader = ByteReader(writer.bytes)
        #expect(throws: ByteError.truncated) { try reader.readCount(limit: 3, bytesEach: 9) }
        reader = ByteReader(writer.bytes)
        #expect(throws: ByteError.tooLong) { try reader.readCount(limit: 2, bytesEach: 8) }
        reader = ByteReader([0xFF, 0xFF, 0xFF, 0xFF])
        #expect(throws: ByteError.truncated) { try reader.readCount(limit: .max, bytesEach: 0) }
    }

    @Test func illFormedTextIsRefused() throws {
        let wrong: [[UInt8]] = [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x61, 0xE2, 0x82],
        ]
        for bytes in wrong {
            var writer = ByteWriter()
            writer.writeBytes(bytes)
            var reader = ByteReader(writer.bytes)
            #expect(throws: ByteError.invalid, "\(bytes)") { try reader.readString(limit: 100) }
        }
        var writer = ByteWriter()
        writer.writeString("Zoë 🦆\u{0}")
        var reader = ByteReader(writer.bytes)
        #expect(try reader.readString(limit: 100) == "Zoë 🦆\u{0}")
    }

    @Test func leftOverBytesAreRefused() throws {
        var reader = ByteReader([1, 2])
        _ = try reader.readUInt8()
        #expect(throws: ByteError.trailing) { try reader.finish() }
        _ = try reader.readUInt8()
        try reader.finish()
    }

    @Test func aRangeHidesTheBytesAroundIt() throws {
        var reader = ByteReader([9, 1, 2, 9], in: 1..<3)
        #expect(reader.remaining == 2)
        #expect(throws: ByteError.truncated) { try reader.readBytes(count: 3) }
        #expect(try reader.readUInt16() == 0x0201)
        try reader.finish()
    }

    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func noBytesMakeAReadTrap(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let bytes = (0..<Int(random.below(64))).map { _ in UInt8(random.below(256)) }
        var reader = ByteReader(bytes)
        for _ in 0..<40 {
            let like = SampleValue(from: &random)
            _ = try? like.readAlike(from: &reader)
            #expect(reader.remaining >= 0, "seed \(seed)")
        }
    }
}

/// One value of each shape that the coders know.
private enum SampleValue: Equatable {
    case byte(UInt8)
    case short(UInt16)
    case word(UInt32)
    case long(UInt64)
    case huge(UInt128)
    case signed(Int64)
    case flag(Bool)
    case bytes([UInt8])
    case text(String)

    init(from random: inout SeededRandom) {
        let number = random.next()
        let length = Int(random.below(20))
        switch random.below(9) {
        case 0: self = .byte(UInt8(truncatingIfNeeded: number))
        case 1: self = .short(UInt16(truncatingIfNeeded: number))
        case 2: self = .word(UInt32(truncatingIfNeeded: number))
        case 3: self = .long(number)
        case 4: self = .huge(UInt128(number) << 64 | UInt128(random.next()))
        case 5: self = .signed(Int64(bitPattern: number))
        case 6: self = .flag(number & 1 == 0)
        case 7: self = .bytes((0..<length).map { _ in UInt8(random.below(256)) })
        default: self = .text(String((0..<length).map { _ in random.chance(percent: 50) ? "a" : "🦆" }))
        }
    }

    func write(to writer: inout ByteWriter) {
        switch self {
        case .byte(let value): writer.write(value)
        case .short(let value): writer.write(value)
        case .word(let value): writer.write(value)
        case .long(let value): writer.write(value)
        case .huge(let value): writer.write(value)
        case .signed(let value): writer.write(value)
        case .flag(let value): writer.write(value)
        case .bytes(let value): writer.writeBytes(value)
        case .text(let value): writer.writeString(value)
        }
    }

    @discardableResult
    func readAlike(from reader: inout ByteReader) throws(ByteError) -> SampleValue {
        switch self {
        case .byte: .byte(try reader.readUInt8())
        case .short: .short(try reader.readUInt16())
        case .word: .word(try reader.readUInt32())
        case .long: .long(try reader.readUInt64())
        case .huge: .huge(try reader.readUInt128())
        case .signed: .signed(try reader.readInt64())
        case .flag: .flag(try reader.readBool())
        case .bytes: .bytes(try reader.readBytes(limit: 1000))
        case .text: .text(try reader.readString(limit: 1000))
        }
    }
}
