import ConcordBytes
import Foundation
import Testing

/// A file of bytes as they were written once, `Tests/Golden/*.hex`: what stands in it never changes, since members have
/// written it. Each example is a line `= NAME` and lines of hexadecimal digits, with spaces wherever they help; a line
/// that begins with `#` is for people.
struct GoldenFile {
    struct Example: Equatable {
        var name: String
        var bytes: [UInt8]
    }

    let name: String
    let examples: [Example]

    private static let directory = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Golden")

    init(_ name: String) throws {
        let url = GoldenFile.directory.appendingPathComponent("\(name).hex")
        let text = try String(contentsOf: url, encoding: .utf8)
        self.name = name
        examples = try GoldenFile.parse(text)
    }

    /// The names of all files, in order.
    static func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path)
            .filter { $0.hasSuffix(".hex") }.map { String($0.dropLast(4)) }.sorted()
    }

    struct Malformed: Error {
        var line: String
    }

    static func parse(_ text: String) throws -> [Example] {
        var examples: [Example] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            if line.hasPrefix("= ") {
                examples.append(Example(name: String(line.dropFirst(2)), bytes: []))
                continue
            }
            let digits = line.utf8.filter { $0 != UInt8(ascii: " ") }.map { digit -> UInt8? in
                switch digit {
                case 0x30...0x39: digit - 0x30
                case 0x61...0x66: digit - 0x61 + 10
                default: nil
                }
            }
            guard !examples.isEmpty, digits.count % 2 == 0, !digits.contains(nil) else {
                throw Malformed(line: String(line))
            }
            for place in stride(from: 0, to: digits.count, by: 2) {
                examples[examples.count - 1].bytes.append((digits[place] ?? 0) << 4 | (digits[place + 1] ?? 0))
            }
        }
        return examples
    }

    /// Holds what today's code reads and writes against the file.
    /// - Parameters:
    ///   - values: what the examples mean, by their names and in their order.
    ///   - write: `nil` for a version that is only read any more.
    func hold<Value: Equatable>(
        _ values: [(name: String, value: Value)], write: ((Value) -> [UInt8])?, read: ([UInt8]) throws -> Value
    ) throws {
        #expect(examples.map(\.name) == values.map(\.name), "Tests/Golden/\(name).hex and the values differ in names")
        for (name, value) in values {
            if let write {
                let now = hexadecimal(write(value))
                let golden = examples.first { $0.name == name }.map { hexadecimal($0.bytes) }
                #expect(now == golden, "\(self.name): what is written for '\(name)' is not what was written once")
            }
        }
        for (example, (_, value)) in zip(examples, values) {
            #expect(try read(example.bytes) == value, "\(name): '\(example.name)' is read as something else")
        }
    }
}

func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }.joined()
}

func encoded(_ body: (inout ByteWriter) -> Void) -> [UInt8] {
    var writer = ByteWriter()
    body(&writer)
    return writer.bytes
}

func decoded<Value>(_ bytes: [UInt8], _ body: (inout ByteReader) throws(ByteError) -> Value) throws(ByteError) -> Value
{
    var reader = ByteReader(bytes)
    let value = try body(&reader)
    try reader.finish()
    return value
}

/// The kinds that a decoder knows: it refuses every other one at once, and these only because nothing follows.
func knownKinds(_ decode: (UInt8) throws(ByteError) -> Void) -> Set<UInt8> {
    var known: Set<UInt8> = []
    for kind in UInt8.min...UInt8.max {
        do throws(ByteError) {
            try decode(kind)
            known.insert(kind)
        } catch {
            if error != .invalid { known.insert(kind) }
        }
    }
    return known
}

@Suite struct GoldenFileTests {
    /// A file that no test reads holds nothing.
    @Test func everyFileIsHeld() throws {
        let held = ["commands", "consensus", "entries", "handshake", "operations", "peer-messages", "state-image"]
        #expect(try GoldenFile.names() == held)
    }

    @Test func aFileIsReadAsItIsWritten() throws {
        let examples = try GoldenFile.parse("# a\n= one\n01 ff\n0a\n= none\n")
        #expect(examples == [.init(name: "one", bytes: [1, 255, 10]), .init(name: "none", bytes: [])])
        for wrong in ["01", "= a\n1", "= a\n0g", "= a\nAB"] {
            #expect(throws: GoldenFile.Malformed.self) { try GoldenFile.parse(wrong) }
        }
    }

    @Test func kindsAreFoundByWhatADecoderRefuses() {
        let kinds = knownKinds { kind throws(ByteError) in
            if kind == 3 { return }
            throw kind == 7 ? .truncated : .invalid
        }
        #expect(kinds == [3, 7])
    }
}
