import ConcordBytes
import ConcordStorage

/// Puts the checksums of a directory right. docs/formats.md
struct Forger {
    /// Whether each group also continues the chain of the one before it.
    var linksGroups: Bool

    func seal(_ directory: inout Directory) {
        var chain: UInt32 = 0
        for (number, name) in directory.names.enumerated() {
            guard var bytes = directory.files[number] else { continue }
            if name == "member" { sealMember(&bytes) }
            if name == "vote" { sealVotes(&bytes) }
            if name.hasPrefix("snapshot-") { sealSnapshot(&bytes) }
            if name.hasPrefix("log-"), let sequence = UInt64(name.dropFirst(4), radix: 16) {
                for start in stride(from: 0, to: bytes.count, by: Directory.block) {
                    sealGroup(&bytes, at: start, sequence: sequence, chain: &chain)
                }
            }
            directory.files[number] = bytes
        }
    }

    /// The header, the pieces as far as their lengths lead, and the trailer.
    private func sealSnapshot(_ bytes: inout [UInt8]) {
        let headerBytes = Int(number(at: 8, in: bytes))
        guard headerBytes >= 16, headerBytes <= bytes.count else { return }
        var chain = CRC32C.checksum(bytes, in: 0..<headerBytes - 4)
        put(chain, at: headerBytes - 4, in: &bytes)
        var position = headerBytes
        while position + 8 <= bytes.count {
            let length = Int(number(at: position, in: bytes))
            if length == 0 {
                guard position + 24 <= bytes.count else { return }
                put(
                    CRC32C.checksum(bytes, in: position..<position + 20, seed: chain), at: position + 20, in: &bytes)
                return
            }
            guard length <= bytes.count - position - 8 else { return }
            chain = CRC32C.checksum(bytes, in: position..<position + 4, seed: chain)
            chain = CRC32C.checksum(bytes, in: position + 8..<position + 8 + length, seed: chain)
            put(chain, at: position + 4, in: &bytes)
            position += 8 + length
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
