import ConcordAPI
import ConcordBytes
import Testing

@Suite struct TextTests {
    private func milliseconds(_ text: String) -> UInt64? { DurationText.milliseconds([UInt8](text.utf8)[...]) }

    @Test func durationsNeedANumberAndAUnit() {
        #expect(milliseconds("250ms") == 250)
        #expect(milliseconds("2s") == 2000)
        #expect(milliseconds("5m") == 300_000)
        #expect(milliseconds("1h") == 3_600_000)
        #expect(milliseconds("0s") == 0)
        #expect(milliseconds("007s") == 7000)
        for text in [
            "", "s", "5", "5 s", " 5s", "5s ", "-5s", "+5s", "1.5s", "5S", "5d", "5sec", "5mss", "1m30s", "1e3ms", "٥s",
        ] {
            #expect(milliseconds(text) == nil, "\(text)")
        }
    }

    @Test func durationsThatDoNotFitAreRefused() {
        #expect(milliseconds("18446744073709551615ms") == .max)
        #expect(milliseconds("18446744073709551616ms") == nil)
        #expect(milliseconds("18446744073709552s") == nil)
        #expect(milliseconds("5124095576030431h") == nil)
        #expect(milliseconds(String(repeating: "9", count: 1000) + "ms") == nil)
    }

    @Test func durationsAreWrittenAsTheyAreRead() {
        for value: UInt64 in [0, 1, 999, 1000, 1500, 59_000, 60_000, 3_600_000, 86_400_000] {
            #expect(milliseconds(DurationText.text(milliseconds: value)) == value)
        }
        #expect(DurationText.text(milliseconds: 90_000) == "90s")
        #expect(DurationText.text(milliseconds: 120_000) == "2m")
    }

    @Test func base64OfURLsHasOneSpelling() {
        for seed in UInt64(1)...200 {
            var random = SeededRandom(seed: seed)
            let bytes = (0..<random.below(40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let text = Base64URL.encode(bytes)
            #expect(Base64URL.decode(text[...]) == bytes, "seed \(seed)")
            #expect(text.allSatisfy { $0.isASCIIDigit || $0.asciiLowercased &- 97 < 26 || $0 == 0x2D || $0 == 0x5F })
        }
        for text in ["A", "AB=", "AA==", "A+A", "A/A", "AAA ", "AA\n", "AB", "AAB", "!!!!"] {
            #expect(Base64URL.decode([UInt8](text.utf8)[...]) == nil, "\(text)")
        }
    }

    @Test func identifiersHaveAFixedNumberOfDigits() {
        #expect(HexadecimalText.text(UInt64(255)) == "00000000000000ff")
        #expect(HexadecimalText.text(UInt128(255)) == "000000000000000000000000000000ff")
        let digits = [UInt8]("0123456789abcdefFEDCBA9876543210".utf8)
        #expect(HexadecimalText.number128(digits[...]) == 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210)
        #expect(HexadecimalText.number128(digits.dropLast()) == nil)
        #expect(HexadecimalText.number128((digits.dropLast() + [0x67])[...]) == nil)
        #expect(HexadecimalText.number128((digits + [0x30])[...]) == nil)
    }

    @Test func whatAnErrorRepeatsIsEscapedAndBounded() {
        #expect(UTF8Text.quoted([UInt8]("a b".utf8)[...]) == "'a b'")
        #expect(
            UTF8Text.quoted([UInt8]("a\nERROR \u{1B}[31m'\\ü".utf8)[...])
                == "'a\\x0aERROR \\x1b[31m\\x27\\x5c\\xc3\\xbc'")
        let long = UTF8Text.quoted([UInt8](repeating: 97, count: 10_000)[...])
        #expect(long.utf8.count < 80)
    }
}
