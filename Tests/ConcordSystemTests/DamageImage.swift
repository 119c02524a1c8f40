import ConcordBytes
import ConcordLinux

/// All files of a stopped member's directory.
struct DirectoryImage: Equatable {
    /// A file's bytes, without the zeros that it ends with: a segment is hardly anything else.
    struct Contents: Equatable {
        private(set) var bytes: [UInt8]
        let size: Int

        init(of file: borrowing File) throws {
            size = try file.size()
            bytes = []
            let zeros = [UInt8](repeating: 0, count: 1 << 20)
            var kept: [UInt8] = []
            for offset in stride(from: 0, to: size, by: zeros.count) {
                let part = try file.read(at: offset, count: min(zeros.count, size - offset))
                guard part.count != zeros.count || part != zeros else { continue }
                kept += [UInt8](repeating: 0, count: offset - kept.count) + part
            }
            bytes = kept
            trim()
        }

        func read(_ range: Range<Int>) throws -> [UInt8] {
            guard range.lowerBound >= 0, range.upperBound <= size else {
                throw DamageFailure("bytes \(range) of a file of \(size) were to be read")
            }
            return range.map { $0 < bytes.count ? bytes[$0] : 0 }
        }

        mutating func write(_ new: [UInt8], at offset: Int) throws {
            guard offset >= 0, offset + new.count <= size else {
                throw DamageFailure("bytes from \(offset) on of a file of \(size) were to be changed")
            }
            if bytes.count < offset + new.count {
                bytes += [UInt8](repeating: 0, count: offset + new.count - bytes.count)
            }
            bytes.replaceSubrange(offset..<offset + new.count, with: new)
            trim()
        }

        private mutating func trim() {
            let end = (bytes.lastIndex { $0 != 0 } ?? -1) + 1
            bytes.removeSubrange(end...)
        }
    }

    private(set) var files: [String: Contents] = [:]

    /// Of an empty one.
    init() {}

    init(of path: String) throws {
        let directory = try Directory(path)
        for name in try directory.list() { files[name] = try Contents(of: try directory.openReading(name)) }
    }

    func file(_ name: String) throws -> Contents {
        guard let file = files[name] else { throw DamageFailure("there is no file \(name)") }
        return file
    }

    func names(_ prefix: String) -> [String] { files.keys.filter { $0.hasPrefix(prefix) }.sorted() }

    /// Leaves nothing else in the directory.
    func write(to path: String) throws {
        let directory = try Directory(path)
        for name in try directory.list() { try directory.remove(name) }
        for (name, contents) in files {
            let file = try directory.open(name, creating: true)
            try file.truncate(to: contents.size)
            try file.write(contents.bytes, at: 0)
        }
    }

    /// The same directory with the damage in it.
    func damaged(_ edits: [DamageEdit]) throws -> DirectoryImage {
        var image = self
        for edit in edits {
            var contents = try file(edit.file)
            if let damaged = image.files[edit.file] { contents = damaged }
            if try edit.apply(to: &contents) {
                image.files[edit.file] = contents
            } else {
                image.files[edit.file] = nil
            }
        }
        guard image != self else { throw DamageFailure("nothing was changed in \(edits[0].file)") }
        return image
    }
}

/// One change of the bytes of a file.
struct DamageEdit {
    enum Change {
        /// These bits of the byte are turned round.
        case flip(UInt8)
        /// A number of so many bytes becomes greater by this.
        case add(Int64, bytes: Int)
        case set([UInt8])
        /// The checksum of `covered` is put right, continued from `seed`.
        case seal(Range<Int>, seed: UInt32)
        case removeFile
    }

    let file: String
    let offset: Int
    let change: Change

    /// - Returns: whether the file is still there.
    func apply(to contents: inout DirectoryImage.Contents) throws -> Bool {
        switch change {
        case .flip(let mask):
            try contents.write([try contents.read(offset..<offset + 1)[0] ^ mask], at: offset)
        case .add(let difference, let count):
            let number = DiskNumbers(try contents.read(offset..<offset + count))
            let changed = try number.value(at: 0, bytes: count) &+ UInt64(bitPattern: difference)
            try contents.write((0..<count).map { UInt8(truncatingIfNeeded: changed >> (8 * $0)) }, at: offset)
        case .set(let bytes): try contents.write(bytes, at: offset)
        case .seal(let covered, let seed):
            let checksum = CRC32C.checksum(try contents.read(covered), seed: seed)
            try contents.write((0..<4).map { UInt8(truncatingIfNeeded: checksum >> (8 * $0)) }, at: offset)
        case .removeFile: return false
        }
        return true
    }
}

/// The trial itself cannot go on.
struct DamageFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
