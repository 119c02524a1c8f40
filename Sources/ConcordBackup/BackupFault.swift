package import ConcordState
package import ConcordStorage

/// Why a file is no backup that can be used.
package enum BackupFault: Error, Equatable, Sendable {
    case file(SnapshotFault)
    /// The file is whole, and what it holds is no state of a cluster: found in the piece that begins at `offset`, or only
    /// at the end.
    case image(StateImageError, offset: UInt64?)
}

extension BackupFault: CustomStringConvertible {
    /// What is wrong with the file, as the end of a sentence that begins with its name.
    package var description: String {
        switch self {
        case .file(.foreign): "is no snapshot: it does not begin as one does"
        case .file(.newerFormat(let found, let known)):
            "has format \(found), and this version knows formats up to \(known): use the newer version that wrote it"
        case .file(.truncated(0, _)): "is empty"
        case .file(.truncated(let offset, let part)):
            "is not whole: it ends at byte \(offset), in the middle of \(part)"
        case .file(.damaged(let offset, let what)): "is damaged at offset \(offset): \(what)"
        case .image(.newerVersion(let version), _):
            "holds a state of format \(version), which this version does not know: use the newer version that wrote it"
        case .image(.newerFeatureLevel(let level), _):
            "holds a state of feature level \(level), which this version does not know: use the newer version that wrote it"
        case .image(.malformed, .some(let offset)):
            "is whole, and in the piece at offset \(offset) it holds no state that this version can read"
        case .image(.inconsistent(let what), .some(let offset)):
            "is whole, and in the piece at offset \(offset) it holds what no state can: \(what)"
        case .image(.malformed, .none): "is whole, and holds no state that this version can read"
        case .image(.inconsistent(let what), .none): "is whole, and holds what no state can: \(what)"
        case .image(.otherHash(let hash), _):
            "is whole, and the state in it is not the one that was written: its hash is \(HexadecimalNumber.text(hash))"
        }
    }
}

enum HexadecimalNumber {
    /// 32 digits.
    static func text(_ number: UInt128) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }
}
