import ConcordBytes
import ConcordHTTP
import Testing

/// Bytes of no plan and damaged requests, over many seeds: no trap, no request after a failure, and the same
/// verdict however the bytes are split.
@Suite struct ParserFuzzTests {
    private static let words: [String] = [
        "GET ", "PUT ", "/a", " HTTP/1.1", " HTTP/1.0", "\r\n", "\r\n\r\n", "\n", "\r", "Host: h\r\n", "Host:", ":",
        " ",
        "\t", "Content-Length: ", "3", "0", "-", "+", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding", "chunked",
        "Connection: close\r\n", "Expect: 100-continue\r\n", ";", "\"", "=", "a", "F", "\0", "%", "http://", "é",
        "0\r\n\r\n", "2\r\nhi\r\n", "200 OK",
    ]

    private func check(_ bytes: [UInt8], _ random: inout SeededRandom, seed: UInt64) {
        let whole = Transcript.ofRequests([bytes])
        let failed = whole.lines.firstIndex { $0.hasPrefix("failed") }
        if let failed {
            #expect(failed == whole.lines.count - 1, "seed \(seed): something came after a failure")
        }
        var pieces: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + 1 + Int(random.below(random.chance(percent: 50) ? 3 : 40)))
            pieces.append([UInt8](bytes[start..<end]))
            start = end
        }
        #expect(Transcript.ofRequests(pieces) == whole, "seed \(seed): the split changed the verdict")
        let more = Transcript.ofRequests([bytes, [UInt8](RequestCorpus.follower.utf8)])
        if failed != nil { #expect(more == whole, "seed \(seed): a request was read after a failure") }
    }

    @Test func wordsOfTheProtocolInNoOrder() {
        for seed in UInt64(1)...3000 {
            var random = SeededRandom(seed: seed)
            var bytes: [UInt8] = []
            for _ in 0..<(1 + random.below(30)) {
                bytes += [UInt8](ParserFuzzTests.words[Int(random.below(UInt64(ParserFuzzTests.words.count)))].utf8)
            }
            check(bytes, &random, seed: seed)
        }
    }

    @Test func bytesOfNoPlan() {
        for seed in UInt64(1)...500 {
            var random = SeededRandom(seed: seed)
            let bytes = (0..<random.below(200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            check(bytes, &random, seed: seed)
        }
    }

    @Test func damagedRequests() {
        let corpus = RequestCorpus.good.map(\.text)
        for seed in UInt64(1)...6000 {
            var random = SeededRandom(seed: seed)
            var bytes: [UInt8] = []
            for _ in 0..<(1 + random.below(3)) {
                bytes += [UInt8](corpus[Int(random.below(UInt64(corpus.count)))].utf8)
            }
            for _ in 0..<(1 + random.below(4)) {
                ParserFuzzTests.damage(&bytes, &random)
            }
            check(bytes, &random, seed: seed)
        }
    }

    @Test func damagedResponsesNeverTrap() {
        let corpus = [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            "HTTP/1.0 200 OK\r\n\r\nto the end",
        ]
        for seed in UInt64(1)...4000 {
            var random = SeededRandom(seed: seed)
            var bytes: [UInt8] = []
            for _ in 0..<(1 + random.below(3)) {
                bytes += [UInt8](corpus[Int(random.below(UInt64(corpus.count)))].utf8)
            }
            for _ in 0..<random.below(4) { ParserFuzzTests.damage(&bytes, &random) }
            let whole = ResponseTranscript.of([bytes])
            #expect(ResponseTranscript.of(bytes.map { [$0] }) == whole, "seed \(seed)")
        }
    }

    private static func damage(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        guard !bytes.isEmpty else { return }
        let at = Int(random.below(UInt64(bytes.count)))
        switch random.below(6) {
        case 0: bytes[at] ^= 1 << UInt8(random.below(8))
        case 1: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        case 2: bytes.remove(at: at)
        case 3: bytes.insert(contentsOf: words[Int(random.below(UInt64(words.count)))].utf8, at: at)
        case 4: bytes.removeSubrange(at..<min(bytes.count, at + Int(random.below(20))))
        default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + Int(random.below(20)))], at: at)
        }
    }
}
