package import ConcordBytes

/// The state as bytes: what a snapshot carries. `docs/formats.md` has every field.
///
/// Written is what cannot be had from the rest: links between events, tables by age, sums and digests are made again when
/// an image is read. The version that an event made is the one that the next event of its key replaced, or the living
/// node; so every value stands in the image once.
package enum StateImage {
    /// The newest that this build reads and writes.
    package static let version: UInt16 = 2
    /// The oldest that it reads, and writes as long as some member may know no other.
    package static let oldestVersion: UInt16 = 1

    /// The version that every member reads at a feature level.
    static func version(at featureLevel: UInt16) -> UInt16 {
        featureLevel < 2 ? oldestVersion : version
    }

    /// Where the state hash stands in the first record: for those who make images that lie about all but it.
    package static let hashBytes = 37..<53

    /// What a record is; records of a kind stand together, in this order.
    enum Kind: UInt8, CaseIterable {
        case globals = 1
        case node = 2
        case directory = 3
        case event = 4
        case origin = 5
        case client = 6
        case outcome = 7
    }

    enum NodeFlag {
        static let hasValue: UInt8 = 1
        static let isCounted: UInt8 = 2
        static let all: UInt8 = 3
    }

    enum EventFlag {
        static let isCreation: UInt8 = 1
        static let isDeletion: UInt8 = 2
        static let isCounted: UInt8 = 4
        static let isMembership: UInt8 = 8
        static let hadValue: UInt8 = 16
        static let all: UInt8 = 31
    }

    enum OutcomeFlag {
        static let hasNumber: UInt8 = 1
        static let wasReplay: UInt8 = 2
        static let all: UInt8 = 3
    }

    /// Numbers that count something stay below this one, so that no sum of two overflows.
    static let numberMax: UInt64 = 1 << 62
}

package enum StateImageError: Error, Equatable, Sendable {
    /// Written by a build that knows more than this one.
    case newerVersion(UInt16)
    /// Of a cluster whose feature level is above what is supported here.
    case newerFeatureLevel(UInt16)
    /// The bytes are no image.
    case malformed(ByteError)
    /// An image is there, and is none of a state: what is wrong with it.
    case inconsistent(String)
    /// What was read is not the state that was written: it has this hash.
    case otherHash(UInt128)
}
