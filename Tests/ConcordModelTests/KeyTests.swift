import ConcordBytes
import ConcordModel
import Testing

@Suite struct KeyTests {
    @Test func keysAreOrderedAsUnsignedBytes() {
        let inOrder: [Key] = [
            .root, Key([0]), Key([0, 0]), Key(text: "/a"), Key(text: "/a-b"), Key(text: "/a/b"), Key(text: "/a0"),
            Key(text: "/b"), Key([0x7F]), Key([0x80]), Key([0xFF]), Key([0xFF, 0]),
        ]
        for (left, a) in inOrder.enumerated() {
            for (right, b) in inOrder.enumerated() {
                #expect((a < b) == (left < right), "\(a.bytes) and \(b.bytes)")
                #expect((a == b) == (left == right), "\(a.bytes) and \(b.bytes)")
            }
        }
    }

    @Test(arguments: 1...100 as ClosedRange<UInt64>)
    func orderEqualsThatOfTheStandardLibrary(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let keys = (0..<20).map { _ in
            (0..<Int(random.below(5))).map { _ in UInt8([0, 0x2E, 0x2F, 0x30, 0x61, 0xFF][Int(random.below(6))]) }
        }
        for a in keys {
            for b in keys {
                #expect((Key(a) < Key(b)) == a.lexicographicallyPrecedes(b), "seed \(seed): \(a) and \(b)")
            }
        }
    }

    @Test func parentsAndNames() {
        #expect(Key(text: "/a/b").parent == Key(text: "/a"))
        #expect(Key(text: "/a").parent == .root)
        #expect(Key.root.parent == nil)
        #expect(Key(text: "flat").parent == nil)
        #expect([UInt8](Key(text: "/a/bc").name) == [UInt8]("bc".utf8))
        #expect([UInt8](Key(text: "/a").name) == [UInt8]("a".utf8))
        #expect([UInt8](Key(text: "flat").name) == [UInt8]("flat".utf8))
        #expect(Key.root.name.isEmpty)
        // Names that no path of the HTTP API has, and that a key may have all the same.
        #expect(Key(text: "/a/").parent == Key(text: "/a"))
        #expect(Key(text: "/a/").name.isEmpty)
        #expect(Key(text: "//").parent == Key([0x2F]))
        #expect(Key([0x2F]).parent == .root)
    }

    @Test func aKeyIsBelowItsAncestorsOnly() {
        let key = Key(text: "/a/b/c")
        #expect(key.isBelow(.root))
        #expect(key.isBelow(Key(text: "/a")))
        #expect(key.isBelow(Key(text: "/a/b")))
        #expect(!key.isBelow(key))
        #expect(!key.isBelow(Key(text: "/a/b/c/d")))
        #expect(!key.isBelow(Key(text: "/a/bb")))
        #expect(!key.isBelow(Key(text: "/b")))
        #expect(!Key(text: "/ab").isBelow(Key(text: "/a")))
        #expect(!Key(text: "/a-b").isBelow(Key(text: "/a")))
        #expect(!Key.root.isBelow(.root))
        #expect(!Key(text: "flat").isBelow(.root))
    }

    @Test(arguments: 1...100 as ClosedRange<UInt64>)
    func aKeyIsBelowExactlyTheParentsOfItsParents(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let keys = (0..<20).map { _ in
            Key([0x2F] + (0..<Int(random.below(7))).map { _ in UInt8([0x2F, 0x61, 0x62][Int(random.below(3))]) })
        }
        for key in keys {
            var ancestors: [Key] = []
            var next = key.parent
            while let ancestor = next {
                ancestors.append(ancestor)
                next = ancestor.parent
            }
            for other in keys + [.root] {
                #expect(key.isBelow(other) == ancestors.contains(other), "seed \(seed): \(key.text), \(other.text)")
            }
        }
    }

    @Test func textIsForPeople() {
        #expect(Key.root.text == "/")
        #expect(Key(text: "/") == .root)
        #expect(Key(text: "/ä").text == "/ä")
        #expect(Key([0x2F, 0xFF]).text == "/\u{FFFD}")
    }

    @Test func equalTextIsNotEqualBytes() {
        #expect(Key(text: "/\u{E9}") != Key(text: "/e\u{301}"))
    }
}
