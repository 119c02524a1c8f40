import ConcordBytes

/// An input taken apart: numbers and pieces from its front, zeros where it has ended.
struct InputBytes {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
    }

    var isEmpty: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    mutating func number(below bound: Int) -> Int {
        let low = Int(byte())
        return (bound <= 256 ? low : low | Int(byte()) << 8) % bound
    }

    mutating func integer() -> UInt64 {
        (0..<8).reduce(0) { number, place in number | UInt64(byte()) << UInt64(8 * place) }
    }

    /// Small, close to a bound, or anything: what arithmetic goes wrong with.
    mutating func tellingInteger() -> UInt64 {
        switch byte() {
        case 0: integer()
        case 1: UInt64.max - UInt64(byte())
        case 2: UInt64(Int64.max) &+ 2 - UInt64(byte() % 4)
        case 3: (1 << 62) + 1 - UInt64(byte() % 4)
        default: UInt64(byte())
        }
    }

    mutating func bytes(atMost count: Int) -> [UInt8] {
        let taken = rest.prefix(count)
        rest = rest.dropFirst(count)
        return [UInt8](taken)
    }

    /// A piece whose length stands before it.
    mutating func piece() -> [UInt8] { bytes(atMost: Int(byte())) }

    mutating func remaining() -> [UInt8] { bytes(atMost: rest.count) }
}

/// Cuts `bytes` into pieces, each received by itself. The same bytes are always cut alike, so that an input that
/// fails fails again.
func pieces(of bytes: [UInt8]) -> [[UInt8]] {
    var random = SeededRandom(seed: UInt64(CRC32C.checksum(bytes)))
    let longest: UInt64 = random.chance(percent: 20) ? 1 : random.chance(percent: 50) ? 4 : 60
    var pieces: [[UInt8]] = []
    var start = 0
    while start < bytes.count {
        let end = min(bytes.count, start + 1 + Int(random.below(longest)))
        pieces.append([UInt8](bytes[start..<end]))
        start = end
    }
    return pieces
}

/// Whether `text` is well-formed UTF-8, by the standard library's own decoder and not by ours.
func isText(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }
