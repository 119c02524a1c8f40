/// How byte strings are ordered: as unsigned bytes, a prefix before what it begins.
package enum ByteOrder {
    /// Negative, zero or positive as the first `leftCount` bytes of `left` come before, equal or come after the
    /// first `rightCount` bytes of `right`.
    @inlinable package static func compare(
        _ left: [UInt8], _ leftCount: Int, _ right: [UInt8], _ rightCount: Int
    ) -> Int {
        precondition(
            leftCount >= 0 && rightCount >= 0 && leftCount <= left.count && rightCount <= right.count,
            "a comparison reaches beyond its bytes")
        let common = Swift.min(leftCount, rightCount)
        // Safe: both buffers outlive the closures and every load lies within both checked counts.
        return unsafe left.withUnsafeBytes { left in
            unsafe right.withUnsafeBytes { right in
                var position = 0
                while position + 8 <= common {
                    let one = unsafe left.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                    let other = unsafe right.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                    if one != other {
                        return UInt64(bigEndian: one) < UInt64(bigEndian: other) ? -1 : 1
                    }
                    position += 8
                }
                while position < common {
                    let (one, other) = unsafe (left[position], right[position])
                    if one != other { return one < other ? -1 : 1 }
                    position += 1
                }
                return leftCount - rightCount
            }
        }
    }

    /// How many of the first `leftCount` bytes of `left` and `rightCount` of `right` are the same.
    @inlinable package static func commonPrefix(
        _ left: [UInt8], _ leftCount: Int, _ right: [UInt8], _ rightCount: Int
    ) -> Int {
        let common = Swift.min(leftCount, rightCount)
        var position = 0
        while position < common, left[position] == right[position] { position += 1 }
        return position
    }
}

extension ByteOrder {
    /// The eight bytes from `start` on, of the first `count`, as a number that orders as they do; zeros behind the
    /// end. Equal words say nothing yet.
    @inlinable package static func word(_ bytes: [UInt8], from start: Int, count: Int) -> UInt64 {
        precondition(start >= 0 && count <= bytes.count, "a word reaches beyond its bytes")
        if start + 8 <= count {
            // Safe: the eight bytes lie within the count checked above.
            return unsafe bytes.withUnsafeBytes {
                UInt64(bigEndian: unsafe $0.loadUnaligned(fromByteOffset: start, as: UInt64.self))
            }
        }
        var word: UInt64 = 0
        var shift: UInt64 = 64
        var position = start
        while position < count {
            shift -= 8
            word |= UInt64(bytes[position]) << shift
            position += 1
        }
        return word
    }
}
