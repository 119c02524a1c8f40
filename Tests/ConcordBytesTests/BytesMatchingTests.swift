import ConcordBytes
import Testing

@Suite struct BytesMatchingTests {
    private let bytes = [UInt8]("Content-Length: 12".utf8)

    @Test func onlyTheWholeWordMatches() {
        #expect(bytes.matches("Content", in: 0..<7))
        #expect(!bytes.matches("content", in: 0..<7))
        #expect(!bytes.matches("Content", in: 0..<6))
        #expect(!bytes.matches("Content", in: 0..<8))
        #expect(bytes.matches("12", in: 16..<18))
        #expect(bytes.matches("", in: 5..<5))
    }

    @Test func aRangeOutsideOfTheBytesMatchesNothing() {
        #expect(!bytes.matches("12", in: 17..<19))
        #expect(!bytes.matches("Co", in: -1..<1))
        #expect(!bytes.matchesIgnoringCase("12", in: 17..<19))
        #expect(!bytes.matchesIgnoringCase("co", in: -1..<1))
        #expect(!bytes.matches("", in: 19..<19))
    }

    @Test func lettersOfEitherCaseMatchALowerCaseWord() {
        #expect(bytes.matchesIgnoringCase("content-length", in: 0..<14))
        #expect(!bytes.matchesIgnoringCase("content_length", in: 0..<14))
        #expect(!bytes.matchesIgnoringCase("content-lengt", in: 0..<14))
        // Characters that differ from a letter or each other by the bit of case only.
        #expect(![UInt8("@".utf8.first ?? 0)].matchesIgnoringCase("`", in: 0..<1))
        #expect(![UInt8("[".utf8.first ?? 0)].matchesIgnoringCase("{", in: 0..<1))
    }

    @Test func aSliceIsComparedFromItsOwnBeginning() {
        let slice = bytes[8..<14]
        #expect(slice.equals("Length"))
        #expect(!slice.equals("Length:"))
        #expect(!slice.equals("Lengt"))
        #expect(slice.starts(with: "Len"))
        #expect(slice.starts(with: ""))
        #expect(!slice.starts(with: "Length:"))
        #expect(!slice.starts(with: "len"))
    }

    @Test func everyByteHasItsCaseAndDigit() {
        for byte in UInt8.min...UInt8.max {
            let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            #expect(byte.asciiLowercased == (isUpper ? byte + 32 : byte))
            #expect(byte.isASCIIDigit == (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte))
            let character = Character(UnicodeScalar(byte))
            let isHexadecimal = byte < 0x80 && character.isHexDigit
            #expect(byte.hexadecimalValue.map(Int.init) == (isHexadecimal ? character.hexDigitValue : nil))
        }
    }
}
