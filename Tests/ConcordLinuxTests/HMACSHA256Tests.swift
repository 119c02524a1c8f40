import ConcordLinux
import Testing

@Suite("HMAC-SHA-256")
struct HMACSHA256Tests {
    /// RFC 4231, section 4: test cases 1 to 4, 6 and 7.
    @Test("gives the tags of RFC 4231")
    func vectors() {
        let long = [UInt8](repeating: 0xAA, count: 131)
        let cases: [(key: [UInt8], data: [UInt8], tag: String)] = [
            (
                [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
            ),
            (
                Array(1...25), [UInt8](repeating: 0xCD, count: 50),
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
            ),
            (
                long, Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
            (
                long,
                Array(
                    ("This is a test using a larger than block-size key and a larger than block-size data. "
                        + "The key needs to be hashed before being used by the HMAC algorithm.").utf8),
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
            ),
        ]
        for (key, data, tag) in cases {
            #expect(hexadecimal(HMACSHA256.tag(of: data, key: key)) == tag)
        }
    }

    /// RFC 2104 pads every key with zeros, so an empty key is a key of zeros.
    @Test("takes empty keys and empty data")
    func empty() {
        let tag = HMACSHA256.tag(of: [], key: [])
        #expect(hexadecimal(tag) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test("compares all bytes and the length")
    func comparison() {
        let tag = HMACSHA256.tag(of: [1], key: [2])
        #expect(HMACSHA256.equal(tag, tag))
        #expect(HMACSHA256.equal([], []))
        #expect(!HMACSHA256.equal(tag, Array(tag.dropLast())))
        for index in tag.indices {
            var other = tag
            other[index] ^= 1
            #expect(!HMACSHA256.equal(tag, other))
        }
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
