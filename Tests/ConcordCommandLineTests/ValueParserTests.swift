import ConcordCommandLine
import Testing

@Suite struct ValueParserTests {
    @Test func durationsNeedTheirUnit() {
        let parser = ValueParser<Duration>.duration()
        #expect(parser.parse("250ms") == .milliseconds(250))
        #expect(parser.parse("2s") == .seconds(2))
        #expect(parser.parse("5m") == .seconds(300))
        #expect(parser.parse("1h") == .seconds(3600))
        #expect(parser.parse("7d") == .seconds(604_800))
        #expect(parser.parse("0ms") == .zero)
        for wrong in ["", "5", "s", "-1s", "+1s", "1.5s", "1 s", "1sec", "1s2", "9223372036854775807h", "٣s"] {
            #expect(parser.parse(wrong) == nil, "\(wrong)")
        }
    }

    @Test func aDurationIsShownInTheLargestWholeUnit() {
        #expect(DecimalText.text(.milliseconds(250)) == "250ms")
        #expect(DecimalText.text(.milliseconds(1500)) == "1500ms")
        #expect(DecimalText.text(.seconds(60)) == "1m")
        #expect(DecimalText.text(.seconds(7200)) == "2h")
        #expect(DecimalText.text(.zero) == "0ms")
    }

    @Test func sizesHaveBinaryUnits() {
        let parser = ValueParser<Int>.size(in: 1...(4 << 30))
        #expect(parser.parse("512") == 512)
        #expect(parser.parse("512B") == 512)
        #expect(parser.parse("64KiB") == 65_536)
        #expect(parser.parse("1MiB") == 1 << 20)
        #expect(parser.parse("4GiB") == 4 << 30)
        for wrong in ["", "0", "5GiB", "1KB", "1k", "-1", "9223372036854775807GiB"] {
            #expect(parser.parse(wrong) == nil, "\(wrong)")
        }
    }

    @Test func portsEndAt65535() {
        #expect(ValueParser<UInt16>.port().parse("65535") == 65_535)
        #expect(ValueParser<UInt16>.port().parse("1") == 1)
        #expect(ValueParser<UInt16>.port(allowsZero: true).parse("0") == 0)
        for wrong in ["", "0", "65536", "-1", "+1", "1a", "100000"] {
            #expect(ValueParser<UInt16>.port().parse(wrong) == nil, "\(wrong)")
        }
    }

    @Test func hostsAreNamesAddressesOrBracketedAddresses() {
        let parser = ValueParser<HostPort>.hostPort()
        #expect(parser.parse("localhost:80") == HostPort(host: "localhost", port: 80))
        #expect(parser.parse("127.0.0.1:7400")?.description == "127.0.0.1:7400")
        #expect(parser.parse("[::1]:7400")?.host == "::1")
        #expect(parser.parse("[::1]:7400")?.description == "[::1]:7400")
        #expect(ValueParser<HostPort>.hostPort(allowsPortZero: true).parse("a:0")?.port == 0)
        for wrong in ["", "a", ":80", "a:", "a:0", "::1:80", "[]:80", "[a]:80", "a b:80", "a/b:80", "a@b:80"] {
            #expect(parser.parse(wrong) == nil, "\(wrong)")
        }
    }

    @Test func anAddressOfTheWebHasNoPath() {
        let parser = ValueParser<WebAddress>.url
        #expect(parser.parse("http://127.0.0.1:7400")?.address.port == 7400)
        #expect(parser.parse("http://127.0.0.1:7400/")?.description == "http://127.0.0.1:7400")
        #expect(parser.parse("https://[::1]:1")?.scheme == "https")
        for wrong in ["127.0.0.1:7400", "http://a", "ftp://a:1", "http://a:1/x", "http://a:1?x", "http://u@a:1", ""] {
            #expect(parser.parse(wrong) == nil, "\(wrong)")
        }
    }

    @Test func listsRefuseEmptyElements() {
        let parser = ValueParser<[Int]>.list(of: .integer(in: 0...10))
        #expect(parser.parse("1,2,10") == [1, 2, 10])
        for wrong in ["", "1,", ",1", "1,,2", "11", "1, 2"] {
            #expect(parser.parse(wrong) == nil, "\(wrong)")
        }
    }

    @Test func wordsAndNumbersAreHeldToTheirRange() {
        #expect(ValueParser<String>.choice(of: ["a", "b"]).parse("b") == "b")
        #expect(ValueParser<String>.choice(of: ["a", "b"]).parse("c") == nil)
        #expect(ValueParser<Int>.integer(in: 1...3).parse("3") == 3)
        #expect(ValueParser<Int>.integer(in: 1...3).parse("4") == nil)
        #expect(ValueParser<Int>.integer(in: -3...3).parse("-3") == -3)
        #expect(ValueParser<Int>.integer(in: 1...3).parse("+1") == nil)
        #expect(ValueParser<String>.text.parse("") == nil)
        #expect(ValueParser<String>.anyText.parse("") == "")
    }
}

@Suite struct NearestNameTests {
    @Test func aSlipOfTheFingersIsUnderstoodAndAGuessIsNot() {
        let names = ["endpoints", "export", "import", "ls"]
        #expect(NearestName.of("imprt", among: names) == "import")
        #expect(NearestName.of("exprot", among: names) == "export")
        #expect(NearestName.of("endpoint", among: names) == "endpoints")
        #expect(NearestName.of("l", among: names) == nil)
        #expect(NearestName.of("rm", among: names) == nil)
        #expect(NearestName.of("", among: names) == nil)
        #expect(NearestName.of(String(repeating: "x", count: 1000), among: names) == nil)
    }
}

@Suite struct TextTableTests {
    @Test func columnsAreAsWideAsTheirWidestCell() {
        var table = TextTable([("PATH", .left), ("REVISION", .right)])
        table.append(["/a", "5"])
        table.append(["/long/path", "1234567890"])
        #expect(
            table.text() == """
                PATH          REVISION
                /a                   5
                /long/path  1234567890

                """)
        #expect(table.markdown().hasPrefix("| PATH | REVISION |\n| --- | ---: |\n| /a | 5 |\n"))
    }

    @Test func thereIsNoColourWhereNobodySeesIt() {
        #expect(Paint.plain.red("x") == "x")
        #expect(Paint.of(.output, environment: ["NO_COLOR": "1"]).bold("x") == "x")
        #expect(Paint.of(.output, environment: ["TERM": "dumb"]).bold("x") == "x")
    }
}
