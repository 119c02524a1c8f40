import ConcordServer
import Testing

@Suite("A line of the log")
struct LogLineTests {
    private func line(_ fields: [(StaticString, LogValue)], at wall: UInt64 = 0) -> String {
        String(
            decoding: LogLine.encode(wallMilliseconds: wall, level: .info, event: "tested", fields: fields),
            as: UTF8.self)
    }

    @Test(
        "tells the time as RFC 3339",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"), (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_767_225_599_999, "2025-12-31T23:59:59.999Z"), (4_102_444_800_001, "2100-01-01T00:00:00.001Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] as [(UInt64, String)])
    func time(wall: UInt64, text: String) {
        #expect(line([], at: wall) == "{\"time\":\"\(text)\",\"level\":\"info\",\"event\":\"tested\"}\n")
    }

    @Test("holds numbers and texts")
    func fields() {
        let line = line([("count", 7), ("name", "a \"b\" \\ ü")])
        #expect(line.hasSuffix("\"event\":\"tested\",\"count\":7,\"name\":\"a \\\"b\\\" \\\\ ü\"}\n"))
    }

    @Test("stays one line of printable characters, whatever a peer put in")
    func forged() {
        let line = line([("name", "x\"}\n{\"level\":\"error\u{1B}[2J\u{7F}\u{85}\u{202E}\u{2028}\r\t\u{0}")])
        #expect(line.filter { $0 == "\n" }.count == 1)
        #expect(
            line.hasSuffix(
                "\"name\":\"x\\\"}\\n{\\\"level\\\":\\\"error\\u001b[2J\\u007f\\u0085\\u202e\\u2028\\u000d\\u0009\\u0000\"}\n"
            ))
    }

    @Test("is bounded")
    func bounded() {
        let line = line([("name", .text(String(repeating: "ü", count: 100_000)))])
        #expect(line.utf8.count < 1300)
        #expect(line.hasSuffix("ü…\"}\n"))
    }
}

@Suite("A throttle of the log")
struct LogThrottleTests {
    @Test("lets a complaint through once an interval and counts the others")
    func interval() {
        var throttle = LogThrottle(intervalMilliseconds: 1000)
        #expect(throttle.admit("a", now: 5) == 0)
        #expect(throttle.admit("a", now: 6) == nil)
        #expect(throttle.admit("b", now: 6) == 0)
        #expect(throttle.admit("a", now: 1004) == nil)
        #expect(throttle.admit("a", now: 1005) == 2)
        #expect(throttle.admit("a", now: 2005) == 0)
    }

    @Test("remembers a bounded number of complaints and stays silent beyond")
    func bounded() {
        var throttle = LogThrottle(intervalMilliseconds: 1000)
        let admitted = (0..<1000).filter { throttle.admit("\($0)", now: 1) != nil }
        #expect(admitted.count == 64)
        #expect(throttle.admit("new", now: 1001) == 0)
    }
}

@Suite("A wheel of deadlines")
struct DeadlineWheelTests {
    @Test("gives each thing back once, not before its deadline and at most a slot later")
    func order() {
        var wheel = DeadlineWheel(now: 10_000)
        #expect(wheel.nextDeadline == nil)
        for token in 0..<100 as Range<UInt64> { wheel.insert(token, deadline: 10_000 + token * 10) }
        var seen: [UInt64] = []
        var now: UInt64 = 10_000
        while let next = wheel.nextDeadline {
            now = max(now, next)
            for token in wheel.advance(to: now) {
                #expect(now >= 10_000 + token * 10)
                #expect(now <= 10_000 + token * 10 + 2 * DeadlineWheel.slotMilliseconds)
                seen.append(token)
            }
        }
        #expect(seen.sorted() == Array(0..<100))
    }

    @Test("asks for a thing early when its deadline is beyond one round")
    func beyond() {
        var wheel = DeadlineWheel(now: 0)
        wheel.insert(7, deadline: 1_000_000)
        var asked = 0
        var now: UInt64 = 0
        while let next = wheel.nextDeadline, now < 1_000_000 {
            now = next
            for token in wheel.advance(to: now) where now < 1_000_000 {
                asked += 1
                wheel.insert(token, deadline: 1_000_000)
            }
        }
        #expect(asked > 100 && asked < 200)
    }

    @Test("survives a clock that jumps ahead by more than a round")
    func jump() {
        var wheel = DeadlineWheel(now: 0)
        for token in 0..<10 as Range<UInt64> { wheel.insert(token, deadline: token * 500) }
        #expect(wheel.advance(to: 10_000_000).count == 10)
        #expect(wheel.nextDeadline == nil)
        wheel.insert(1, deadline: 10_000_100)
        #expect(wheel.advance(to: 10_000_050) == [])
        #expect(wheel.advance(to: 10_000_400) == [1])
    }

    @Test("takes a deadline that has passed already")
    func passed() {
        var wheel = DeadlineWheel(now: 50_000)
        wheel.insert(3, deadline: 0)
        #expect(wheel.advance(to: 50_300) == [3])
    }
}
