import ConcordAPI
import ConcordBytes
import ConcordModel
import Foundation
import Testing

/// The documents that are written as bytes, held against Foundation's decoder and the golden texts.
@Suite struct NodeWritingTests {
    private func node(_ path: String, _ value: [UInt8]?, lease: LeaseID? = nil, kind: NodeKind = .persistent) -> Node {
        Node(
            key: Key(text: path), value: value, kind: kind, createRevision: Revision(3), modifyRevision: Revision(17),
            version: 4, lease: lease, childRevision: Revision(9), childVersion: 2, childrenCount: 1)
    }

    private func written(_ body: (inout ByteWriter) -> Void) -> [UInt8] {
        var writer = ByteWriter()
        body(&writer)
        return writer.bytes
    }

    private func check(_ node: Node, withValue: Bool) throws {
        let bytes = written { $0.writeNodeDocument(node, withValue: withValue) }
        try StrictJSON.check(bytes)
        let decoded = try JSONDecoder().decode(NodeDocument.self, from: Data(bytes))
        #expect(decoded == NodeDocument(node, withValue: withValue))
        let again = try JSONDecoder().decode(NodeDocument.self, from: JSONEncoder().encode(decoded))
        #expect(again == decoded)
    }

    @Test func goldenDocuments() {
        func text(_ node: Node, withValue: Bool) -> String {
            String(decoding: written { $0.writeNodeDocument(node, withValue: withValue) }, as: UTF8.self)
        }
        let rest = #""revision":17,"create_revision":3,"version":4,"lease":null,"child_revision":9,"children_count":1}"#
        #expect(
            text(node("/a/b", [UInt8]("hi \"you\"\n".utf8)), withValue: true)
                == #"{"path":"/a/b","value":"hi \"you\"\n","kind":"persistent","# + rest)
        #expect(
            text(node("/a", [0xFF, 0]), withValue: true) == #"{"path":"/a","value_base64":"/wA=","kind":"persistent","#
                + rest)
        #expect(text(node("/a", []), withValue: true) == #"{"path":"/a","value":"","kind":"persistent","# + rest)
        #expect(text(node("/a", nil), withValue: true) == #"{"path":"/a","value":null,"kind":"persistent","# + rest)
        #expect(text(node("/a", [1]), withValue: false) == #"{"path":"/a","kind":"persistent","# + rest)
        #expect(text(node("/", nil), withValue: false) == #"{"path":"/","kind":"persistent","# + rest)
        #expect(
            text(node("/a", nil, lease: LeaseID(0xAB), kind: .ephemeral), withValue: false)
                == #"{"path":"/a","kind":"ephemeral","#
                + rest.replacingOccurrences(of: "null", with: "\"00000000000000ab\""))
    }

    @Test func everyKindOfNodeDecodesToItsDocument() throws {
        for kind in NodeKind.allCases {
            for value in [nil, [], [UInt8]("größe".utf8), [0xC3]] as [[UInt8]?] {
                try check(node("/a/größe", value, lease: LeaseID(.max), kind: kind), withValue: true)
                try check(node("/a", value, kind: kind), withValue: false)
            }
        }
    }

    @Test func everyCharacterOfUnicodeSurvives() throws {
        var text = ""
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            text.unicodeScalars.append(scalar)
            if text.utf8.count > 60_000 {
                try check(node("/a", [UInt8](text.utf8)), withValue: true)
                text = ""
            }
        }
        try check(node("/a", [UInt8](text.utf8)), withValue: true)
    }

    @Test func everyByteAfterEveryKindOfByteSurvives() throws {
        for first in [0x00, 0x22, 0x5C, 0x61, 0x7F, 0x80, 0xC2, 0xE2, 0xF0] as [UInt8] {
            for second in UInt8.min ... .max { try check(node("/a", [first, second]), withValue: true) }
        }
    }

    @Test func randomValuesSurvive() throws {
        for seed in UInt64(1)...1000 {
            var random = SeededRandom(seed: seed)
            let value = (0..<random.below(50)).map { _ in
                UInt8(truncatingIfNeeded: random.below(3) == 0 ? random.next() : random.below(0x80))
            }
            try check(node("/seed\(seed)", value), withValue: true)
        }
    }

    @Test func controlCharactersAreEscaped() {
        for byte in UInt8(0)..<0x20 {
            let bytes = written { writer in
                let isText = writer.writeJSONString([byte])
                #expect(isText)
            }
            #expect(!bytes.contains { $0 < 0x20 })
        }
        #expect(!written { _ = $0.writeJSONString([0x7F]) }.contains(0x7F), "a terminal acts on DEL")
    }

    @Test func numbersOfAllLengths() {
        for number: UInt64 in [0, 9, 10, 99, 100, 9_007_199_254_740_991, .max] {
            #expect(written { $0.writeJSONNumber(number) } == [UInt8](String(number).utf8))
        }
    }

    @Test func keysThatAreNotTextAreStillJSON() throws {
        let node = Node(
            key: Key([0x2F, 0xFF, 0x22]), value: nil, kind: .persistent, createRevision: Revision(1),
            modifyRevision: Revision(1), version: 1, lease: nil, childRevision: Revision(1), childVersion: 0,
            childrenCount: 0)
        try check(node, withValue: true)
    }

    @Test func deletionsAndCountersDecode() throws {
        let node = node("/a", nil)
        let deletion = written { $0.writeDeletionDocument(node, deletedCount: 12) }
        #expect(
            JSONDocument.decodeReply(DeletionDocument.self, from: deletion)
                == DeletionDocument(node: NodeDocument(node, withValue: false), deletedCount: 12))
        let encoded = JSONDocument.encode(
            DeletionDocument(node: NodeDocument(node, withValue: false), deletedCount: 12))
        #expect(JSONDocument.decodeReply(DeletionDocument.self, from: encoded)?.deletedCount == 12)
        for number in [Int64.min, -1, 0, 42, .max] {
            let counter = written { $0.writeCounterDocument(node, number: number) }
            #expect(JSONDocument.decodeReply(NodeDocument.self, from: counter)?.text == String(number))
        }
    }
}
