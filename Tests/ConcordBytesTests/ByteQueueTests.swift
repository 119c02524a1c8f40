import ConcordBytes
import Testing

@Suite struct ByteQueueTests {
    /// Against the plainest model there is: an array whose front is removed.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func behavesLikeAnArrayWhoseFrontIsRemoved(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var queue = ByteQueue()
        var model: [UInt8] = []
        for _ in 0..<400 {
            switch random.below(6) {
            case 0, 1:
                let bytes = (0..<Int(random.below(50))).map { _ in UInt8(random.below(256)) }
                queue.append(bytes)
                model += bytes
            case 2:
                let bytes = [UInt8](repeating: UInt8(random.below(256)), count: Int(random.below(40_000)))
                queue.append(bytes.dropFirst(3))
                model += bytes.dropFirst(3)
            case 3:
                queue.write { writer in
                    writer.write(UInt16(0x0201))
                }
                model += [1, 2]
            case 4:
                let count = Int(random.below(UInt64(model.count + 1)))
                queue.consume(count)
                model.removeFirst(count)
            default:
                let count = Int(random.below(UInt64(min(model.count, 100) + 1)))
                #expect(queue.take(count) == [UInt8](model.prefix(count)), "seed \(seed)")
                model.removeFirst(count)
            }
            #expect(queue.count == model.count, "seed \(seed)")
            #expect(queue.isEmpty == model.isEmpty, "seed \(seed)")
            if !model.isEmpty {
                let offset = Int(random.below(UInt64(model.count)))
                #expect(queue[offset] == model[offset], "seed \(seed)")
                #expect(queue[model.count - 1] == model[model.count - 1], "seed \(seed)")
            }
        }
        #expect(queue.take(queue.count) == model, "seed \(seed)")
    }

    @Test func theDeadFrontNeverOutgrowsTheLivingRest() {
        var queue = ByteQueue()
        queue.append([1])
        for _ in 0..<3000 {
            queue.append([UInt8](repeating: 7, count: 1000))
            queue.consume(1000)
            #expect(queue.storage.count <= 1 << 16 + 3000)
        }
        #expect(queue.count == 1)
    }

    @Test func aLargeBufferIsGivenBackWhenTheQueueRunsEmpty() {
        var queue = ByteQueue()
        queue.append([UInt8](repeating: 0, count: 1 << 20))
        queue.consume(1 << 20)
        #expect(queue.storage.capacity <= 1 << 16)
        #expect(queue.isEmpty)
    }

    @Test func consumingMoreThanIsQueuedIsOurBug() async {
        await #expect(processExitsWith: .failure) {
            var queue = ByteQueue()
            queue.append([1, 2])
            queue.consume(3)
        }
    }

    @Test func aByteBehindTheEndIsOurBug() async {
        await #expect(processExitsWith: .failure) {
            var queue = ByteQueue()
            queue.append([1, 2])
            queue.consume(1)
            _ = queue[1]
        }
    }
}
