import ConcordBytes
import ConcordRaft
import ConcordSimulator
import ConcordStorage

/// A data directory whose files were changed by someone who put all checksums right again, so that the readers behind
/// the checksums see it. It is refused, or it opens with a log without holes that opens again alike, and goes on.
func fuzz(_ input: [UInt8]) {
    var parts = InputBytes(input)
    guard var directory = Directory.stages.last?.directory else { preconditionFailure("nothing was written") }
    let linksGroups = parts.byte() & 1 == 0
    while !parts.isEmpty && directory.changes < 8 { directory.change(&parts) }
    Forger(linksGroups: linksGroups).seal(&directory)
    let disk = directory.disk()
    guard var opened = try? Directory.open(disk) else { return }
    let recovered = opened.recovered
    // The last start there is: no member lives so long.
    guard opened.member.record.boot < UInt64.max else { return }
    for (number, entry) in recovered.entries.enumerated() {
        precondition(entry.index.rawValue == UInt64(number) + 1, "a log with a hole")
    }
    let new = Entry(
        index: LogIndex(UInt64(recovered.entries.count) + 1), term: Term(9), clock: 9, kind: .noop, payload: [])
    let isWritten: Void? = try? opened.log.write([LogWrite(sequence: .zero, hardState: nil, entries: [new])])
    precondition(isWritten != nil, "a log opens and cannot go on")
    guard let again = try? Directory.open(disk).recovered else {
        preconditionFailure("a directory opens once and not again")
    }
    precondition(again.hardState == recovered.hardState, "it opens with another vote")
    precondition(again.entries == recovered.entries + [new], "it opens with another log")
}

/// Puts the checksums of a directory right. docs/formats.md
private struct Forger {
    /// Whether each group also continues the chain of the one before it.
    var linksGroups: Bool

    func seal(_ directory: inout Directory) {
        for number in directory.files.indices {
            guard var bytes = directory.files[number] else { continue }
            switch number {
            case 0: sealMember(&bytes)
            case 1: sealVotes(&bytes)
            default: break
            }
            directory.files[number] = bytes
        }
        var chain: UInt32 = 0
        for sequence in UInt64(1)...4 {
            guard var bytes = directory.files[Int(sequence) + 1] else { continue }
            for start in stride(from: 0, to: bytes.count, by: Directory.block) {
                sealGroup(&bytes, at: start, sequence: sequence, chain: &chain)
            }
            directory.files[Int(sequence) + 1] = bytes
        }
    }

    private func sealMember(_ bytes: inout [UInt8]) {
        guard bytes.count >= 16 else { return }
        put(UInt32(bytes.count), at: 8, in: &bytes)
        put(CRC32C.checksum(bytes, in: 0..<bytes.count - 4), at: bytes.count - 4, in: &bytes)
    }

    private func sealVotes(_ bytes: inout [UInt8]) {
        for start in stride(from: 0, to: bytes.count - 63, by: Directory.block) {
            put(CRC32C.checksum(bytes, in: start..<start + 60), at: start + 60, in: &bytes)
        }
    }

    /// The header, and the records as far as their lengths lead.
    private func sealGroup(_ bytes: inout [UInt8], at start: Int, sequence: UInt64, chain: inout UInt32) {
        guard start + 112 <= bytes.count, bytes[start..<start + 8].elementsEqual([0x43, 0x4C, 0x47, 0x48, 0, 0, 0, 0])
        else { return }
        if linksGroups { put(chain, at: start + 80, in: &bytes) }
        chain = CRC32C.checksum(bytes, in: start..<start + 108)
        put(chain, at: start + 108, in: &bytes)
        let sequenceBytes = Directory.littleEndian(sequence)
        var position = 104
        for _ in 0..<min(number(at: start + 12, in: bytes), 16) {
            guard let lengthAt = place(position + 4, from: start, in: bytes) else { return }
            let length = Int(number(at: lengthAt, in: bytes))
            guard length <= 1 << 16 else { return }
            chain = CRC32C.checksum(sequenceBytes, seed: chain)
            var covered = position + 4
            while covered < position + 12 + length {
                guard let first = place(covered, from: start, in: bytes) else { return }
                let count = min(position + 12 + length - covered, Directory.block - first % Directory.block)
                chain = CRC32C.checksum(bytes, in: first..<min(first + count, bytes.count), seed: chain)
                covered += count
            }
            for part in 0..<4 {
                guard let place = place(position + part, from: start, in: bytes) else { return }
                bytes[place] = UInt8(truncatingIfNeeded: chain >> UInt32(8 * part))
            }
            position += 12 + length
        }
    }

    /// Where a byte of a group's stream lies: behind the marks of its blocks.
    private func place(_ offset: Int, from start: Int, in bytes: [UInt8]) -> Int? {
        let perBlock = Directory.block - 8
        let place = start + offset / perBlock * Directory.block + 8 + offset % perBlock
        return place < bytes.count ? place : nil
    }

    private func number(at place: Int, in bytes: [UInt8]) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(place + $1 < bytes.count ? bytes[place + $1] : 0) << UInt32(8 * $1) }
    }

    private func put(_ value: UInt32, at place: Int, in bytes: inout [UInt8]) {
        for part in 0..<4 { bytes[place + part] = UInt8(truncatingIfNeeded: value >> UInt32(8 * part)) }
    }
}
