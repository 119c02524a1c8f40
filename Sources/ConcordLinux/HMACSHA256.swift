internal import CConcordLinux

/// HMAC-SHA-256 (RFC 2104, RFC 4231), by libcrypto.
package enum HMACSHA256 {
    package static let tagBytes = 32

    /// The tag of `bytes` under `key`.
    package static func tag(of bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        var tag = [UInt8](repeating: 0, count: tagBytes)
        // An empty array has no address, and libcrypto takes none for "no key set": it gets one byte of zeros,
        // which is the same key (RFC 2104 pads every key with zeros).
        let key = key.isEmpty ? [0] : key
        // Safe: all three buffers outlive the call; the tag's is as long as a SHA-256 result.
        let result = unsafe key.withUnsafeBufferPointer { key in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                unsafe tag.withUnsafeMutableBufferPointer { tag in
                    unsafe concord_hmac_sha256(
                        key.baseAddress, key.count, bytes.baseAddress, bytes.count, tag.baseAddress)
                }
            }
        }
        precondition(result == 0, "libcrypto could not compute an HMAC-SHA-256")
        return tag
    }

    /// Compares in a time that tells nothing about where the two differ.
    package static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        if left.isEmpty { return true }
        // Safe: both buffers outlive the call and are equally long.
        return unsafe left.withUnsafeBufferPointer { left in
            unsafe right.withUnsafeBufferPointer { right in
                unsafe concord_compare(left.baseAddress, right.baseAddress, left.count) == 0
            }
        }
    }
}
