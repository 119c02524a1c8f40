import ConcordAPI
import ConcordBytes
import Testing

@Suite struct NodePathTests {
    private func decoded(_ text: String) -> Result<String, PathError> {
        do {
            return .success(try NodePath(percentEncoded: [UInt8](text.utf8)[...]).text)
        } catch {
            return .failure(error)
        }
    }

    private func written(_ text: String) -> Result<String, PathError> {
        do {
            return .success(try NodePath(text).text)
        } catch {
            return .failure(error)
        }
    }

    @Test func pathsAreDecodedExactlyOnce() {
        #expect(decoded("/a/b") == .success("/a/b"))
        #expect(decoded("/%61") == .success("/a"))
        #expect(decoded("/%2561") == .success("/%61"), "not twice")
        #expect(decoded("/gr%C3%B6%c3%9fe") == .success("/größe"))
        #expect(decoded("/a%20b+c") == .success("/a b+c"), "a plus sign is a plus sign")
        #expect(decoded("/a;b=c:d@e,f!") == .success("/a;b=c:d@e,f!"))
        #expect(decoded("") == .success("/"))
    }

    @Test func pathTricksAreRefused() {
        let cases: [(String, PathError)] = [
            ("/..", .dotComponent), ("/a/../b", .dotComponent), ("/.", .dotComponent), ("/a/.", .dotComponent),
            ("/%2e%2e", .dotComponent), ("/%2E", .dotComponent), ("/a/%2e./b", .dotComponent),
            ("//", .emptyComponent), ("//a", .emptyComponent), ("/a//b", .emptyComponent), ("/", .trailingSlash),
            ("/a/", .trailingSlash), ("/a%2Fb", .encodedSlash), ("/%2f", .encodedSlash), ("/a%00", .controlCharacter),
            ("/a%0Ab", .controlCharacter), ("/%1F", .controlCharacter), ("/%7f", .controlCharacter),
            ("/%C2%80", .controlCharacter), ("/%C2%9F", .controlCharacter), ("/%C0%AF", .notUTF8),
            ("/%C0%80", .notUTF8),
            ("/%E0%80%AF", .notUTF8), ("/%ED%A0%80", .notUTF8), ("/%FF", .notUTF8), ("/%C3", .notUTF8),
            ("/%F4%90%80%80", .notUTF8), ("/%80", .notUTF8), ("/%", .percentEncoding), ("/%2", .percentEncoding),
            ("/%zz", .percentEncoding), ("/%%", .percentEncoding), ("/% 1", .percentEncoding),
            ("/%+1", .percentEncoding),
            ("a", .notAbsolute),
        ]
        for (text, error) in cases { #expect(decoded(text) == .failure(error), "\(text)") }
    }

    @Test func dotsWithinANameAreNames() {
        for text in ["/...", "/.a", "/a.", "/a..b", "/..a", "/. "] {
            #expect(written(text) == .success(text))
        }
    }

    @Test func composedAndDecomposedLettersAreTwoPaths() throws {
        let composed = try NodePath("/\u{E9}")
        let decomposed = try NodePath("/e\u{301}")
        #expect(composed != decomposed)
        #expect(composed.bytes != decomposed.bytes)
    }

    @Test func theLimitsHoldAtTheirEdges() {
        func component(_ count: Int) -> String { "/" + String(repeating: "a", count: count) }
        #expect(written(component(255)) == .success(component(255)))
        #expect(written(component(256)) == .failure(.componentTooLong))
        let deep = String(repeating: "/a", count: 64)
        #expect(written(deep) == .success(deep))
        #expect(written(deep + "/a") == .failure(.tooDeep))
        let long = String(repeating: component(255), count: 16)
        #expect(long.utf8.count == 4096)
        #expect(written(long) == .success(long))
        #expect(written(String(long.dropLast(100)) + "/" + String(repeating: "a", count: 100)) == .failure(.tooLong))
        #expect(decoded(String(repeating: "/a", count: 10_000)) == .failure(.tooLong))
        let encoded = "/" + String(repeating: "%C3%A9", count: 127) + "a"
        #expect(decoded(encoded) == .success("/" + String(repeating: "é", count: 127) + "a"), "decoded bytes count")
    }

    @Test func encodingAndDecodingAreInverse() throws {
        for seed in UInt64(1)...500 {
            var random = SeededRandom(seed: seed)
            var text = ""
            for _ in 0...random.below(5) {
                text += "/x"
                for _ in 0..<random.below(8) {
                    guard let scalar = Unicode.Scalar(UInt32(random.below(0x3000))),
                        scalar.properties.generalCategory != .control, scalar != "/"
                    else { continue }
                    text.unicodeScalars.append(scalar)
                }
            }
            let path = try NodePath(text)
            #expect(path.percentEncoded.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "seed \(seed)")
            #expect(try NodePath(percentEncoded: path.percentEncoded[...]) == path, "seed \(seed)")
        }
    }

    @Test func everyByteOfAPathIsDecodedOrRefusedWithoutATrap() {
        for seed in UInt64(1)...5000 {
            var random = SeededRandom(seed: seed)
            let alphabet = [UInt8]("/%.2eEfFC3a0\u{C3}".utf8)
            var bytes = [UInt8(ascii: "/")]
            for _ in 0..<random.below(30) { bytes.append(alphabet[Int(random.below(UInt64(alphabet.count)))]) }
            if let path = try? NodePath(percentEncoded: bytes[...]) {
                #expect((try? NodePath(percentEncoded: path.percentEncoded[...])) == path, "seed \(seed)")
                #expect((try? NodePath(path.text)) == path, "seed \(seed)")
            }
        }
    }

    @Test func sequentialNamesMustFit() {
        func check(_ parent: String, _ prefix: String) -> PathError? {
            do {
                try NodePath.checkSequential(parent: [UInt8](parent.utf8), prefix: [UInt8](prefix.utf8)[...])
                return nil
            } catch {
                return error
            }
        }
        #expect(check("/jobs", "job-") == nil)
        #expect(check("", "job-") == nil)
        #expect(check("/jobs", "") == nil, "digits alone are a name")
        #expect(check("/jobs", "..") == nil, "the digits make it a name")
        #expect(check("/jobs", "a/b") == .encodedSlash)
        #expect(check("/jobs", "a\n") == .controlCharacter)
        #expect(check("/jobs", String(repeating: "a", count: 235)) == nil)
        #expect(check("/jobs", String(repeating: "a", count: 236)) == .componentTooLong)
        #expect(check(String(repeating: "/a", count: 63), "b") == nil)
        #expect(check(String(repeating: "/a", count: 64), "b") == .tooDeep)
    }

    @Test func everyRefusalSaysWhatIsWrong() {
        for error in PathError.allCases { #expect(!error.detail.isEmpty) }
    }
}
