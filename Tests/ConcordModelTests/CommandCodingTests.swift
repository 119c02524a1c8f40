import ConcordBytes
import ConcordModel
import Testing

@Suite struct CommandCodingTests {
    @Test(arguments: 1...300 as ClosedRange<UInt64>)
    func whatWasEncodedIsDecodedAlike(seed: UInt64) throws {
        var samples = SampleCommands(seed: seed)
        let operation = samples.operation()
        #expect(try decodedOperation(encoded(operation)) == operation, "seed \(seed)")
        let command = samples.command()
        #expect(try decodedCommand(encoded(command)) == command, "seed \(seed)")
        let commands = (0..<Int(samples.random.below(6))).map { _ in samples.command() }
        #expect(try CommandBatch.decode(encoded(commands)) == commands, "seed \(seed)")
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func aBatchCutAnywhereIsRefusedWhole(seed: UInt64) {
        var samples = SampleCommands(seed: seed)
        let bytes = encoded((0..<3).map { _ in samples.command() })
        for length in 0..<bytes.count {
            #expect(throws: ByteError.self, "seed \(seed), \(length) bytes") {
                try CommandBatch.decode([UInt8](bytes[..<length]))
            }
        }
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func anOperationCutAnywhereIsRefused(seed: UInt64) {
        var samples = SampleCommands(seed: seed)
        let bytes = encoded(samples.operation())
        for length in 0..<bytes.count {
            #expect(throws: ByteError.truncated, "seed \(seed), \(length) bytes") {
                try decodedOperation([UInt8](bytes[..<length]))
            }
        }
    }

    @Test func bytesBehindTheBatchAreRefused() {
        let bytes = encoded([Command(operation: .raiseFeatureLevel(1))]) + [0]
        #expect(throws: ByteError.trailing) { try CommandBatch.decode(bytes) }
    }

    @Test func aBatchCountsItsBytes() {
        var batch = CommandBatch()
        #expect(batch.count == 0)
        #expect(batch.byteCount == batch.payload().count)
        batch = CommandBatch()
        batch.append(Command(operation: .raiseFeatureLevel(1)))
        #expect(batch.count == 1)
        #expect(batch.byteCount == batch.payload().count)
    }

    @Test func theLargestBatchIsReadAndOneMoreIsRefused() throws {
        let one = encoded(Command(operation: .raiseFeatureLevel(1)))
        func batch(count: Int) -> [UInt8] {
            var writer = ByteWriter(capacity: 5 + count * (one.count + 4))
            writer.write(UInt8(1))
            writer.write(UInt32(count))
            for _ in 0..<count { writer.writeBytes(one) }
            return writer.bytes
        }
        let most = ModelLimits.commandsPerEntryMax
        #expect(try CommandBatch.decode(batch(count: most)).count == most)
        #expect(throws: ByteError.tooLong) { try CommandBatch.decode(batch(count: most + 1)) }
    }

    @Test func aLengthThatDoesNotFitTheCommandIsRefused() {
        let one = encoded(Command(operation: .raiseFeatureLevel(1)))
        var longer = ByteWriter()
        longer.writeRaw([1, 1, 0, 0, 0])
        longer.writeBytes(one + [0])
        #expect(throws: ByteError.invalid) { try CommandBatch.decode(longer.bytes) }
        var shorter = ByteWriter()
        shorter.writeRaw([1, 1, 0, 0, 0])
        shorter.write(UInt32(one.count - 1))
        shorter.writeRaw(one)
        #expect(throws: ByteError.invalid) { try CommandBatch.decode(shorter.bytes) }
        var huge = ByteWriter()
        huge.writeRaw([1, 1, 0, 0, 0])
        huge.write(UInt32(ModelLimits.commandBytesMax + 1))
        huge.writeRaw(one)
        #expect(throws: ByteError.tooLong) { try CommandBatch.decode(huge.bytes) }
    }
}

/// Whatever bytes arrive: an error or a value whose encoding is exactly these bytes; never a trap.
@Suite struct HostileBytesTests {
    @Test(arguments: 1...300 as ClosedRange<UInt64>)
    func changedBytesAreRefusedOrHaveOneMeaning(seed: UInt64) {
        var samples = SampleCommands(seed: seed)
        let bytes = encoded([samples.command(), samples.command()])
        for _ in 0..<200 {
            var changed = bytes
            for _ in 0...samples.random.below(3) {
                let at = Int(samples.random.below(UInt64(min(changed.count, 160))))
                switch samples.random.below(3) {
                case 0: changed[at] ^= 1 << UInt8(samples.random.below(8))
                case 1: changed[at] = UInt8(samples.random.below(4))
                default: changed[at] = UInt8(samples.random.below(256))
                }
            }
            expectOneMeaning(changed, seed: seed)
        }
    }

    @Test(arguments: 1...300 as ClosedRange<UInt64>)
    func randomBytesAreRefusedOrHaveOneMeaning(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<100 {
            let body = (0..<Int(random.below(80))).map { _ in UInt8(random.below(random.chance(percent: 50) ? 4 : 256))
            }
            expectOneMeaning(body, seed: seed)
            // Behind a good beginning the random bytes come further.
            let kind = UInt8([1, 2, 3, 4, 16, 17][Int(random.below(6))])
            let operation = [kind, UInt8(body.count), 0, 0, 0] + body
            if let decoded = try? decodedOperation(operation) {
                #expect(encoded(decoded) == operation, "seed \(seed)")
            }
        }
    }

    @Test func everySingleBitOfABatchIsRefusedOrHasOneMeaning() {
        for seed: UInt64 in 1...20 {
            var samples = SampleCommands(seed: seed)
            let bytes = encoded([samples.command()])
            for bit in 0..<bytes.count * 8 {
                var changed = bytes
                changed[bit / 8] ^= 1 << UInt8(bit % 8)
                expectOneMeaning(changed, seed: seed)
            }
        }
    }

    private func expectOneMeaning(_ bytes: [UInt8], seed: UInt64) {
        guard let commands = try? CommandBatch.decode(bytes) else { return }
        #expect(encoded(commands) == bytes, "seed \(seed): two encodings of one value: \(hexadecimal(bytes))")
    }
}
