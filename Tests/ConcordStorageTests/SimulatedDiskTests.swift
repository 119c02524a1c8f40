import ConcordSimulator
import ConcordStorage
import Testing

/// The disk must be as bad as the worst: what it never does, no test above has seen.
@Suite struct SimulatedDiskTests {
    private func afterPowerCut(_ seed: UInt64, _ body: (SimulatedDisk) throws -> Void) throws -> SimulatedDisk {
        let disk = SimulatedDisk(seed: seed)
        try body(disk)
        disk.cutPower()
        disk.restart()
        return disk
    }

    @Test func `unsynchronised sectors are old, new or torn, each by itself`() throws {
        var fates: Set<[String]> = []
        for seed in 0..<UInt64(400) {
            let disk = try afterPowerCut(seed) { disk in
                let file = try disk.open("f", creating: true)
                try disk.write([UInt8](repeating: 1, count: 1024), to: file, at: 0)
                try disk.synchronize(file)
                try disk.synchronizeDirectory()
                try disk.write([UInt8](repeating: 2, count: 1024), to: file, at: 0)
            }
            let bytes = try #require(disk.contents(of: "f"))
            let sectors = [Set(bytes[..<512]), Set(bytes[512...])]
            fates.insert(sectors.map { $0 == [1] ? "old" : $0 == [2] ? "new" : "torn" })
        }
        #expect(fates.count == 9)
    }

    @Test func `what was synchronised stays`() throws {
        for seed in 0..<UInt64(50) {
            let disk = try afterPowerCut(seed) { disk in
                let file = try disk.open("f", creating: true)
                try disk.write([1, 2, 3], to: file, at: 5)
                try disk.synchronize(file)
                try disk.synchronizeDirectory()
                _ = try disk.open("g", creating: true)
            }
            #expect(disk.contents(of: "f") == [0, 0, 0, 0, 0, 1, 2, 3])
        }
    }

    @Test func `unsynchronised names survive in the order of their changes`() throws {
        var outcomes: Set<[String]> = []
        for seed in 0..<UInt64(100) {
            let disk = try afterPowerCut(seed) { disk in
                _ = try disk.open("a", creating: true)
                try disk.rename("a", to: "b")
                _ = try disk.open("c", creating: true)
                try disk.remove("b")
            }
            outcomes.insert(try disk.list())
        }
        #expect(outcomes == [[], ["a"], ["b"], ["b", "c"], ["c"]])
    }

    @Test func `an earlier unsynchronised write can be what survives, and a file can keep some of its growth`() throws {
        var values: Set<UInt8> = []
        var lengths: Set<Int> = []
        for seed in 0..<UInt64(200) {
            let disk = try afterPowerCut(seed) { disk in
                let file = try disk.open("f", creating: true)
                try disk.synchronizeDirectory()
                try disk.write([UInt8](repeating: 1, count: 2000), to: file, at: 0)
                try disk.write([UInt8](repeating: 2, count: 2000), to: file, at: 0)
            }
            let bytes = try #require(disk.contents(of: "f"))
            lengths.insert(bytes.count)
            values.formUnion(bytes)
        }
        #expect(values == [0, 1, 2])
        #expect(lengths.contains(0) && lengths.contains(2000) && lengths.count > 10)
    }

    @Test func `after a failed fsync a later one tells nothing and makes nothing durable`() throws {
        for seed in 0..<UInt64(50) {
            let disk = SimulatedDisk(seed: seed)
            let file = try disk.open("f", creating: true)
            try disk.synchronizeDirectory()
            try disk.write([UInt8](repeating: 7, count: 512), to: file, at: 0)
            disk.arm(.ioError, at: disk.operations + 1)
            #expect(throws: DiskError.self) { try disk.synchronize(file) }
            try disk.synchronize(file)
            #expect(try disk.read(file, at: 0, count: 1) == [7], "the cache still shows it")
            let durable = disk.durableSnapshot()["f"]
            #expect(durable?.first == 7 || durable?.first == 0)
            disk.kill()
            disk.restart()
            let reopened = try disk.open("f", creating: false)
            #expect(try disk.read(reopened, at: 0, count: 512) == durable)
        }
    }

    @Test func `a full disk takes what fits and says so`() throws {
        let disk = SimulatedDisk(seed: 1, capacityBytes: 1000)
        let file = try disk.open("f", creating: true)
        try disk.write([UInt8](repeating: 1, count: 900), to: file, at: 0)
        #expect(throws: DiskError(.full, operation: "write f")) {
            try disk.write([UInt8](repeating: 2, count: 300), to: file, at: 800)
        }
        #expect(try disk.size(of: file) == 1000)
        try disk.write([UInt8](repeating: 3, count: 1000), to: file, at: 0)
    }

    @Test func `the same seed fails the same way`() throws {
        let contents = try (0..<2).map { _ in
            try afterPowerCut(99) { disk in
                let file = try disk.open("f", creating: true)
                try disk.synchronizeDirectory()
                try disk.write([UInt8](repeating: 1, count: 5000), to: file, at: 0)
            }.durableSnapshot()
        }
        #expect(contents[0] == contents[1])
    }
}
