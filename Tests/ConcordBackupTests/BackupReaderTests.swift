import ConcordBackup
import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordSimulator
import ConcordState
import ConcordStorage
import Testing

/// A backup is read back as what it was, and nothing else passes for one.
@Suite struct BackupReaderTests {
    @Test(arguments: [1, 7, 100, 1 << 20])
    func `a backup comes back however it arrives`(portion: Int) throws {
        let state = story()
        let bytes = backup()
        let content = try read(bytes, portion: portion)
        #expect(content.header == source().header)
        #expect(content.state?.stateHash == state.stateHash)
        #expect(content.identity.bytes == UInt64(bytes.count))
        let summary = try content.summary()
        #expect(summary.state?.revision == state.revision.rawValue && summary.state?.epoch == 6)
        #expect(summary.state?.nodes == state.nodesCount && summary.index == 40 && summary.term == 6)
        #expect(summary.members.map(\.name) == ["north", "south", "east"])
        #expect(summary.state?.hash.count == 32 && summary.cluster == "\(oldCluster)")
        let quick = try read(bytes, portion: portion, .checksums).summary()
        #expect(quick.checksum == summary.checksum && quick.bytes == summary.bytes && quick.state == nil)
    }

    @Test func `the state goes on while a backup is made of a copy of it`() throws {
        var state = story()
        var stream = BackupStream(source(state))
        let hash = state.stateHash
        var bytes: [UInt8] = []
        while let part = stream.next() {
            bytes += part.bytes
            _ = state.apply(put("/later", "\(bytes.count)"))
        }
        #expect(stream.next() == nil)
        #expect(try read(bytes).state?.stateHash == hash)
        #expect(state.stateHash != hash)
    }

    @Test func `a file that was cut at any byte is not whole`() {
        let bytes = backup()
        for count in stride(from: 0, to: bytes.count, by: step) {
            for depth in [BackupReader.Depth.checksums, .state] {
                guard case .file(.truncated(let offset, _)) = fault([UInt8](bytes.prefix(count)), depth) else {
                    Issue.record("\(count) bytes of \(bytes.count) pass")
                    return
                }
                #expect(offset == UInt64(count))
            }
        }
        #expect(fault([])?.description == "is empty")
        #expect(fault([UInt8](bytes.dropLast()))?.description.contains("in the middle of its trailer") == true)
    }

    @Test func `one flipped bit anywhere is damage, and the part is named`() {
        let bytes = backup()
        for offset in stride(from: 0, to: bytes.count, by: step) {
            var copy = bytes
            copy[offset] ^= 1 << UInt8(offset % 8)
            switch fault(copy, .checksums) {
            case .file(.damaged(let place, _)): #expect(place <= UInt64(offset))
            case .file(.foreign): #expect(offset < 4)
            // A length that grew asks for more than there is.
            case .file(.truncated): break
            case .file(.newerFormat), .image, nil: Issue.record("a flipped bit of byte \(offset) passes")
            }
        }
    }

    @Test func `bytes behind the end, and a file twice, are damage`() {
        let bytes = backup()
        let expected = SnapshotFault.damaged(offset: UInt64(bytes.count), what: "it goes on behind its trailer")
        #expect(fault(bytes + [0]) == .file(expected))
        #expect(fault(bytes + bytes) != nil)
    }

    @Test func `what is no snapshot is called foreign, and nothing of it is believed`() {
        for text in ["PK\u{3}\u{4} a zip", "{\"error\":{}}", "x", "CS", "CSN\u{0}", "SQLite format 3"] {
            let bytes = [UInt8](text.utf8)
            let expected = text == "CS" ? SnapshotFault.truncated(offset: 2, part: "its header") : .foreign
            #expect(fault(bytes) == .file(expected), "\(text)")
        }
        #expect(fault([UInt8](repeating: 0xFF, count: 1 << 16)) == .file(.foreign))
    }

    /// The header again, with another version and its checksum made anew.
    private func withVersion(_ version: UInt16) -> [UInt8] {
        var bytes = backup()
        bytes[4] = UInt8(truncatingIfNeeded: version)
        let length = Int(bytes[8]) | Int(bytes[9]) << 8
        let checksum = CRC32C.checksum(bytes, in: 0..<length - 4)
        for place in 0..<4 { bytes[length - 4 + place] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * place)) }
        return bytes
    }

    @Test func `a newer format is refused by its version, and not guessed at`() {
        #expect(fault(withVersion(9)) == .file(.newerFormat(found: 9, known: 1)))
        #expect(fault(withVersion(9))?.description.contains("has format 9") == true)
        #expect(fault(withVersion(0)) == .file(.damaged(offset: 0, what: "its header tells nothing that can be")))
    }

    @Test func `a file that is whole and holds no state is told from a damaged one`() {
        let pieces = [[UInt8]](repeating: [1, 2, 3], count: 2)
        #expect(fault(file(pieces), .checksums) == nil)
        guard case .image = fault(file(pieces)) else {
            Issue.record("three bytes pass for a state")
            return
        }
        #expect(fault(file([])) == .image(.inconsistent("records are missing"), offset: nil))
        var writer = StateImageWriter(story())
        var image: [UInt8] = []
        while let piece = writer.next(bytes: 1 << 20) { image += piece }
        #expect(fault(file([image])) == nil)
        var newer = image
        newer[1] = 9
        guard case .image(.newerVersion(9), _) = fault(file([newer])) else {
            Issue.record("a state of format 9 passes")
            return
        }
        var lying = image
        lying[StateImage.hashBytes.lowerBound] ^= 1
        guard case .image(.otherHash, _) = fault(file([lying])) else {
            Issue.record("a state of another hash passes")
            return
        }
    }

    /// `SnapshotReader` reads from a data directory, `SnapshotDecoder` from wherever bytes come: they judge alike.
    @Test func `both readers of the format judge alike`() throws {
        let bytes = backup()
        let name = "snapshot-0000000000000028-0000000000000006"
        func isKept(_ bytes: [UInt8]) throws -> Bool {
            let disk = SimulatedDisk(seed: 1)
            disk.replaceContents(of: name, with: bytes)
            do throws(StorageError) {
                return try SnapshotStore.open(disk).0.kept.count == 1
            } catch {
                guard case .newerFormat = error else { throw error }
                return false
            }
        }
        #expect(try isKept(bytes))
        for offset in stride(from: 0, to: bytes.count, by: step) {
            var flipped = bytes
            flipped[offset] ^= 1 << UInt8(offset % 8)
            let cut = [UInt8](bytes.prefix(offset))
            for copy in [flipped, cut] {
                let (isKept, fault) = (try isKept(copy), fault(copy, .checksums))
                #expect(isKept == (fault == nil), "at byte \(offset) of \(copy.count)")
            }
        }
        for copy in [bytes + [0], withVersion(9), withVersion(0), file([[1]])] {
            #expect(try isKept(copy) == (fault(copy, .checksums) == nil))
        }
    }
}
