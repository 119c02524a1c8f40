import ConcordAPI
import ConcordBytes
import ConcordModel
import ConcordReplica
import Foundation
import Testing

@Suite struct ListTests {
    private let desk = Desk()

    private func query(_ line: String) -> ListQuery? {
        guard case .list(let query) = desk.ask(line)?.query else { return nil }
        return query
    }

    private func page(_ paths: [String], hasMore: Bool = false, value: [UInt8]? = nil) -> ReplicaReply.Result {
        .answer(
            .page(
                ListPage(
                    revision: Revision(60), childRevision: Revision(9),
                    nodes: paths.map { Desk.node($0, value: value) }, count: UInt64(paths.count), hasMore: hasMore)))
    }

    private func next(_ line: String, after path: String) throws -> String {
        let answer = try #require(desk.answer(line, when: page([path], hasMore: true)))
        return try #require(JSONDocument.decodeReply(ListingDocument.self, from: answer.body)?.next)
    }

    @Test func aListingAsksForWhatItShows() throws {
        let names = try #require(query("GET /v1/kv/a?children"))
        #expect(
            names
                == ListQuery(
                    key: key("/a"), scope: .children, detail: .names, at: nil, after: nil, nodesMax: 1000,
                    bytesMax: 4 << 20))
        #expect(query("GET /v1/kv?children")?.key == .root)
        #expect(query("GET /v1/kv/a?children&values")?.detail == .values)
        #expect(query("GET /v1/kv/a?children&recursive")?.scope == .subtree)
        #expect(query("GET /v1/kv/a?children&count")?.detail == .count)
        #expect(query("GET /v1/kv/a?children&count=false")?.detail == .names)
        #expect(query("GET /v1/kv/a?children&limit=7")?.nodesMax == 7)
        #expect(query("GET /v1/kv/a?children&limit=1000")?.nodesMax == 1000)
        #expect(query("GET /v1/kv/a?children&revision=12")?.at == Revision(12))
    }

    @Test func aPageIsADocument() throws {
        let answer = try #require(desk.answer("GET /v1/kv/a?children", when: page(["/a/b", "/a/c"])))
        #expect(answer.status == 200)
        #expect(answer.header("etag") == "\"c9\"")
        let rest =
            #""kind":"persistent","revision":17,"create_revision":3,"version":4,"lease":null,"child_revision":9,"children_count":1}"#
        #expect(
            answer.text
                == #"{"path":"/a","revision":60,"nodes":[{"path":"/a/b","# + rest + #",{"path":"/a/c","# + rest + "]}")
        try StrictJSON.check(answer.body)
    }

    @Test func valuesAreToldWhenAsked() throws {
        let answer = try #require(desk.answer("GET /v1/kv/a?children&values", when: page(["/a/b"], value: [1, 255])))
        let listing = try #require(JSONDocument.decodeReply(ListingDocument.self, from: answer.body))
        #expect(listing.nodes.first?.bytes == [1, 255])
        #expect(listing.next == nil)
        let names = try #require(desk.answer("GET /v1/kv/a?children", when: page(["/a/b"], value: [1])))
        #expect(JSONDocument.decodeReply(ListingDocument.self, from: names.body)?.nodes.first?.value == .omitted)
    }

    @Test func emptyPagesAndCounts() throws {
        let empty = try #require(desk.answer("GET /v1/kv?children", when: page([])))
        #expect(empty.text == #"{"path":"/","revision":60,"nodes":[]}"#)
        let count = try #require(desk.answer("GET /v1/kv/a?children&count", when: page(["/a/b"])))
        #expect(count.text == #"{"path":"/a","revision":60,"count":1}"#)
        let head = try #require(desk.answer("HEAD /v1/kv/a?children&count", when: page(["/a/b"])))
        #expect(head.header("content-length") == String(count.body.count))
    }

    @Test func theTagOfASubtreeWouldTellNothing() {
        #expect(desk.answer("GET /v1/kv/a?children&recursive", when: page(["/a/b"]))?.header("etag") == nil)
    }

    @Test func theNextPageGoesOnAtTheSameRevision() throws {
        for line in [
            "GET /v1/kv/a?children", "GET /v1/kv/a?children&recursive", "GET /v1/kv/a?children&values&limit=3",
            "GET /v1/kv?children",
        ] {
            let path = line.contains("/a?") ? "/a/größe \"x\"" : "/größe"
            let cursor = try next(line, after: path)
            let question = try #require(desk.ask("\(line)&next=\(cursor)"), "\(line)")
            guard case .read(.list(let query), .linearizable, let minimum) = question.body else {
                Issue.record("no listing")
                return
            }
            #expect(query.at == Revision(60))
            #expect(query.after == key(path))
            #expect(minimum == Revision(60), "a member that is behind waits")
        }
    }

    /// A page may be asked of a member of another build than the one before: worked out by another program, from
    /// docs/formats.md.
    @Test func aCursorIsWrittenAndReadAsVersionOne() throws {
        let golden = "ATwAAAAAAAAAL2KXiGv45dc4unqmesEycgPM"
        #expect(try next("GET /v1/kv/a?children", after: "/a/b") == golden)
        #expect(query("GET /v1/kv/a?children&next=\(golden)")?.after == key("/a/b"))
        #expect(query("GET /v1/kv/a?children&next=\(golden)")?.at == Revision(60))
    }

    @Test func theLimitMayChangeFromPageToPage() throws {
        let cursor = try next("GET /v1/kv/a?children&limit=3", after: "/a/b")
        #expect(query("GET /v1/kv/a?children&limit=5&next=\(cursor)")?.nodesMax == 5)
    }

    @Test func aCursorOfAnotherListingIsRefused() throws {
        let cursor = try next("GET /v1/kv/a?children", after: "/a/b")
        for line in [
            "GET /v1/kv/b?children", "GET /v1/kv/a/b?children", "GET /v1/kv?children",
            "GET /v1/kv/a?children&recursive",
            "GET /v1/kv/a?children&values",
        ] {
            let answer = desk.answer("\(line)&next=\(cursor)")
            #expect(answer?.problem?.code == .invalidRequest, "\(line)")
        }
        #expect(desk.answer("GET /v1/kv/a?children&revision=60&next=\(cursor)")?.status == 400)
        #expect(desk.answer("GET /v1/kv/a?children&count&next=\(cursor)")?.status == 400)
    }

    @Test func aForgedCursorIsRefused() throws {
        let cursor = try next("GET /v1/kv/a?children", after: "/a/b")
        let bytes = try #require(Base64URL.decode([UInt8](cursor.utf8)[...]))
        for index in bytes.indices {
            for bit in 0..<8 {
                var forged = bytes
                forged[index] ^= 1 << UInt8(bit)
                let text = String(decoding: Base64URL.encode(forged), as: UTF8.self)
                #expect(desk.answer("GET /v1/kv/a?children&next=\(text)")?.status == 400, "bit \(bit) of byte \(index)")
            }
            let cut = String(decoding: Base64URL.encode([UInt8](bytes[..<index])), as: UTF8.self)
            #expect(desk.answer("GET /v1/kv/a?children&next=\(cut)")?.status == 400, "cut to \(index)")
        }
        for text in ["", "x", "AAAA", cursor + "A", "A" + cursor, "%00", cursor.uppercased(), cursor + "="]
        where text != cursor {
            #expect(desk.answer("GET /v1/kv/a?children&next=\(text)")?.status == 400, "\(text)")
        }
    }

    @Test func theLimitsOfAPage() {
        for limit in ["0", "1001", "-1", "x", "", "1.5", "99999999999999999999"] {
            #expect(desk.answer("GET /v1/kv/a?children&limit=\(limit)")?.problem?.code == .invalidRequest, "\(limit)")
        }
    }

    @Test func optionsThatContradictEachOther() {
        for options in [
            "children&raw", "children&count&values", "children&count&limit=5", "values", "recursive", "count",
            "limit=5", "next=x", "children=false&values",
        ] {
            #expect(desk.answer("GET /v1/kv/a?\(options)")?.problem?.code == .invalidRequest, "\(options)")
        }
        #expect(desk.ask("GET /v1/kv/a?children=false")?.query == .node(NodeQuery(key: key("/a"))))
    }

    @Test func aListingOfWhatIsGone() {
        let answer = desk.answer(
            "GET /v1/kv/a?children&revision=2", when: .answer(.compacted(firstAvailable: Revision(30))))
        #expect(answer?.status == 410)
        #expect(answer?.problem?.code == .compacted)
        #expect(answer?.problem?.revision == 30)
        #expect(desk.answer("GET /v1/kv/a?children", when: .answer(.notFound))?.status == 404)
    }
}
