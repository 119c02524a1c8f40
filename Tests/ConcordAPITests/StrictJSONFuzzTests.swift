import ConcordAPI
import ConcordBytes
import Foundation
import Testing

/// What the scan accepts, Foundation must be able to read: the scan may only be the stricter of the two.
@Suite struct StrictJSONFuzzTests {
    private static let words: [String] = [
        "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"b\":", "1", "-", "0", ".5", "e9", "true", "null", "\\", "\\u00",
        "\\uD83",
        " ", "\n", "é", "\u{0}", "nul", "\"a\":1", "1.5e3", "\"\\n\"",
    ]

    private func accepts(_ bytes: [UInt8]) -> Bool {
        do {
            try StrictJSON.check(bytes)
            return true
        } catch {
            return false
        }
    }

    @Test func wordsOfJSONInNoOrder() {
        var accepted = 0
        for seed in UInt64(1)...20_000 {
            var random = SeededRandom(seed: seed)
            var text = ""
            for _ in 0..<(1 + random.below(9)) {
                text += StrictJSONFuzzTests.words[Int(random.below(UInt64(StrictJSONFuzzTests.words.count)))]
            }
            let bytes = [UInt8](text.utf8)
            guard accepts(bytes) else { continue }
            accepted += 1
            #expect(
                (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil,
                "seed \(seed): \(text)")
        }
        #expect(accepted > 100)
    }

    @Test func damagedDocuments() {
        let document = [UInt8](
            "{\"if\":[{\"path\":\"/a\",\"op\":\"=\",\"operand\":-1.5e2}],\"then\":[true,null,\"\\u00e9\\uD834\\uDD1E\"]}"
                .utf8)
        #expect(accepts(document))
        for seed in UInt64(1)...10_000 {
            var random = SeededRandom(seed: seed)
            var bytes = document
            for _ in 0..<(1 + random.below(3)) {
                let at = Int(random.below(UInt64(bytes.count)))
                switch random.below(3) {
                case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: at)
                default: bytes.insert(bytes[Int(random.below(UInt64(bytes.count)))], at: at)
                }
            }
            guard accepts(bytes) else { continue }
            #expect((try? JSONSerialization.jsonObject(with: Data(bytes))) != nil, "seed \(seed): \(bytes)")
        }
    }
}
