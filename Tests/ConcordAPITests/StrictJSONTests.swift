import ConcordAPI
import Testing

/// What must be accepted and what must be refused, after the cases of RFC 8259 and of JSONTestSuite
/// (Seriot, "Parsing JSON is a Minefield").
@Suite struct StrictJSONTests {
    private func verdict(_ bytes: [UInt8]) -> JSONError.Reason? {
        do {
            try StrictJSON.check(bytes)
            return nil
        } catch {
            return error.reason
        }
    }

    private func verdict(_ text: String) -> JSONError.Reason? { verdict([UInt8](text.utf8)) }

    @Test func wellFormedDocumentsAreAccepted() {
        let accepted: [String] = [
            "{}", "[]", "null", "true", "false", "0", "-0", "1", "-1", "1.5", "-1.5", "1e2", "1E+2", "1e-2", "0.0",
            "0e1", "0e+1", "-0.1e-7", "123456789", "9007199254740991", "-9007199254740991", "1.7976931348623157e308",
            "5e-324", "\"\"", "\"a\"", " [ ] ", "\t\n\r {} \t\n\r", "[1,2,3]", "[1 , 2]", "[[]]", "[{}]",
            "{\"a\":[]}", "{\"a\":1,\"b\":2}", "{\"\":0}", "{\"a\":{\"a\":{\"a\":1}}}",
            "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
            "\"\\u0041\"", "\"\\u00e9\\u00E9\"", "\"\\uD834\\uDD1E\"", "\"\\u0000\"", "\"\u{7F}\"",
            "\"\u{2028}\u{2029}\"",
            "\"größe\"", "\"\u{10FFFF}\"", "\"\u{FFFF}\"", "\"€𝄞\"", "[null, true, false, \"x\", 1, {}, []]",
            "{\"a\" : 1 , \"b\" :[ ] }", "[1.23456789012345678901234567890]", "{\"a\":1,\"A\":2}", "\"/\"", "\"\\/\"",
            "\"\\\\u0000\"", "[\"\\\\a\"]", "\"\u{FEFF}\"", "[123.456e78]", "[0.1]", "[20e1]", "[-0]", "[-1]", "[-123]",
            "{\"min\": -1.0e+28, \"max\": 1.0e+28}", "\" \"", "[[],[]]", "\"\\uFFFF\"", "\"\\uDBFF\\uDFFF\"",
        ]
        for text in accepted { #expect(verdict(text) == nil, "\(text)") }
    }

    @Test func malformedDocumentsAreRefused() {
        let refused: [String] = [
            "", " ", "\n", "[", "]", "{", "}", "[1", "[1,", "[,1]", "[1,]", "[1,,2]", "[,]", "[1 2]", "[1:2]", "{,}",
            "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1,,\"b\":2}", "{\"a\" 1}", "{\"a\"::1}", "{a:1}", "{'a':1}",
            "{1:1}", "{null:1}", "{\"a\":1 \"b\":2}", "{\"a\":1]", "[1}", "[}", "{]", "{}}", "[]]", "{}{}", "1 2",
            "{} 1",
            "{}x", "nul", "nulL", "NULL", "True", "tru", "fals", "truex", "[truex]", "nan", "NaN", "-NaN", "Infinity",
            "-Infinity", "inf", "[Infinity]", "+1", "++1", "-", "--1", "- 1", "-a", ".5", "-.5", "1.", "1.e1", "1e",
            "1e+",
            "1E-", "1eE2", "1.2.3", "01", "-01", "00", "0x1", "1_000", "1e1.5", "0.3e", "0.3e+", "0e", "0e+", "1+2",
            "[1.a]",
            "[1ea]", "2.e3", "1.e", "\"", "\"a", "\"\\\"", "\"\\", "\"\\x41\"", "\"\\a\"", "\"\\'\"", "\"\\u\"",
            "\"\\u1\"",
            "\"\\u12\"", "\"\\u123\"", "\"\\u123g\"", "\"\\U0041\"", "\"\\u{41}\"", "\"\t\"", "\"\n\"", "\"a\u{0}b\"",
            "\"\u{1F}\"", "'a'", "a", "\"a\" \"b\"", "[\"a\"", "[\"a\",\n4\n,1", "//comment\n{}", "{}//", "/**/{}",
            "{}#",
            "\u{FEFF}{}", "\u{A0}{}", "\u{0C}{}", "\u{0B}1", "[\u{2060}]", "<null>", "*", "[\"a\":1]",
            "{\"a\":\"b\":1}",
            "{\"a\":1/**/}", "${}", "{\"x\"::\"b\"}", "[\\u000A\"\"]", "\\", "[\"x\"]]", "{\"a\":true} \"x\"", "]\"",
            "[*]",
            "{[: \"x\"}\n", "{\"a\":\"b\"}/**//", "{9999E9999:1}", "[1]x", "[--2.]", "[0.1.2]", "[-]", "[-foo]",
            "[-012]",
            "[1.0e]", "[1.0e-]", "[1.8011670033376514H-308]", "[1e1a]", "1e", ",", ":", "[\"\\\u{00}\"]",
        ]
        for text in refused { #expect(verdict(text) != nil, "\(text)") }
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        let cases: [[UInt8]] = [
            [0x22, 0xFF, 0x22], [0x22, 0x80, 0x22], [0x22, 0xC0, 0xAF, 0x22], [0x22, 0xE0, 0x80, 0xAF, 0x22],
            [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0xC3, 0x22],
            [0x22, 0xE2, 0x82],
            [0xFF, 0xFE, 0x5B, 0x00, 0x5D, 0x00], [0x00, 0x5B, 0x00, 0x5D], [0xC0, 0x80], [0xFE],
            [0x22, 0xF8, 0x88, 0x22],
        ]
        for bytes in cases { #expect(verdict(bytes) != nil, "\(bytes)") }
    }

    @Test func loneSurrogatesAreRefused() {
        for text in [
            "\"\\uD800\"", "\"\\uDC00\"", "\"\\uD800\\u0041\"", "\"\\uD800x\"", "\"\\uD800\\n\"", "\"\\uDFFF\\uD800\"",
            "\"\\uD834\\uD834\"", "\"\\ud800\\uD800\\uDC00\"", "[\"\\uDd1e\\uD834\"]", "{\"\\uD800\":1}",
        ] {
            #expect(verdict(text) == .loneSurrogate, "\(text)")
        }
        #expect(verdict("\"\\uD800\\") == .loneSurrogate)
        #expect(verdict("\"\\uD800\\u") == .unexpectedEnd)
    }

    @Test func duplicateMembersAreRefusedHoweverTheyAreSpelt() {
        for text in [
            "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}", "{\"\":1,\"\":2}", "[{\"a\":{\"b\":1,\"b\":2}}]",
            "{\"/\":1,\"\\/\":2}", "{\"é\":1,\"\\u00e9\":2}", "{\"𝄞\":1,\"\\uD834\\uDD1E\":2}",
            "{\"a\":{\"x\":1},\"b\":[],\"a\":3}",
        ] {
            #expect(verdict(text) == .duplicateMember, "\(text)")
        }
        for text in [
            "{\"a\":{\"a\":1}}", "[{\"a\":1},{\"a\":1}]", "{\"é\":1,\"e\u{301}\":2}",
            "{\"a\":[{\"a\":1}],\"b\":{\"a\":1}}",
        ] {
            #expect(verdict(text) == nil, "\(text)")
        }
    }

    @Test func numbersMustFit() {
        for text in [
            "9007199254740992", "-9007199254740992", "18446744073709551616", "1e309", "-1e309", "1e999", "9999E9999",
            String(repeating: "9", count: 500), "0.5e99999", "1" + String(repeating: "0", count: 400),
        ] {
            #expect(verdict(text) == .numberTooLarge, "\(text)")
        }
        #expect(verdict("0." + String(repeating: "1", count: 1022)) == nil)
        #expect(verdict("0." + String(repeating: "1", count: 1023)) == .numberTooLarge)
    }

    /// Foundation refuses a number that it would read as zero; nothing may pass the scan and not be read.
    @Test func numbersThatAreNotZeroMustNotBecomeZero() {
        for text in ["1e-324", "-1e-400", "0.5E-702107794152940991", "0.0001e-99999"] {
            #expect(verdict(text) == .numberTooLarge, "\(text)")
        }
        for text in ["5e-324", "1e-310", "0.0e-400", "-0.0", "0.000E99999"] { #expect(verdict(text) == nil, "\(text)") }
    }

    @Test func theDepthHasALimit() {
        func nested(_ depth: Int, _ open: String, _ close: String) -> String {
            String(repeating: open, count: depth) + String(repeating: close, count: depth)
        }
        #expect(verdict(nested(64, "[", "]")) == nil)
        #expect(verdict(nested(65, "[", "]")) == .tooDeep)
        #expect(verdict(String(repeating: "{\"a\":", count: 64) + "1" + String(repeating: "}", count: 64)) == nil)
        #expect(verdict(String(repeating: "{\"a\":", count: 65)) == .tooDeep)
        #expect(verdict(String(repeating: "[", count: 1_000_000)) == .tooDeep, "without a stack to overflow")
        #expect(verdict(String(repeating: "[{\"a\":", count: 500_000)) == .tooDeep)
    }

    @Test func everyCutOfADocumentIsRefused() {
        let text = "{\"a\\n\\u00e9\\uD834\\uDD1E\":[1,-2.5e+3,true,false,null,{\"b\":\"c\"}],\"d\":{}}"
        let bytes = [UInt8](text.utf8)
        #expect(verdict(bytes) == nil)
        for count in 0..<bytes.count { #expect(verdict([UInt8](bytes[..<count])) != nil, "cut after \(count)") }
    }

    @Test func errorsSayWhere() {
        do {
            try StrictJSON.check([UInt8]("{\"a\":1,\"a\":2}".utf8))
            Issue.record("duplicates were accepted")
        } catch {
            #expect(error.offset == 7)
            #expect(error.detail.contains("byte 7"))
        }
        for reason in JSONError.Reason.allCases { #expect(!JSONError(reason, at: 3).detail.isEmpty) }
    }
}
