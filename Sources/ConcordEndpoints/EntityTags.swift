import ConcordAPI
import ConcordBytes
import ConcordHTTP
import ConcordModel

/// The list in `If-Match` or `If-None-Match` (RFC 9110 §13.1).
enum EntityTags: Equatable, Sendable {
    /// `*`
    case any
    /// The revisions named. A well-formed tag that is none of a node's (that of a listing, for one) matches
    /// nothing and is left out.
    case revisions([Revision])

    func contains(_ revision: Revision) -> Bool {
        switch self {
        case .any: true
        case .revisions(let revisions): revisions.contains(revision)
        }
    }

    /// What the request has under `name`.
    /// - Parameter weakly: whether `W/"5"` stands for `"5"`: it does in `If-None-Match` only (§8.8.3.2).
    init?(_ headers: HTTPHeaders, _ name: StaticString, weakly: Bool) throws(Problem) {
        guard let first = headers.first(name) else { return nil }
        let lines = headers.count(name)
        if lines == 1 && first.equals("*") {
            self = .any
            return
        }
        var revisions: [Revision] = []
        for line in lines == 1 ? [first] : headers.all(name) {
            var reader = EntityTagReader(rest: line)
            while let tag = try reader.next(name) {
                guard !tag.isWeak || weakly, let revision = EntityTags.revision(tag.opaque) else { continue }
                revisions.append(revision)
            }
        }
        guard revisions.count <= ModelLimits.conditionRevisionsMax else {
            throw Problem(
                .invalidRequest, "\(name) names more than \(ModelLimits.conditionRevisionsMax) revisions; send fewer")
        }
        self = .revisions(revisions)
    }

    /// The revision of a node's tag: decimal digits as they are written here, without zeros before them.
    private static func revision(_ opaque: ArraySlice<UInt8>) -> Revision? {
        guard opaque.first != UInt8(ascii: "0"), let number = DecimalText.number(opaque), number < DecimalText.limit
        else { return nil }
        return Revision(number)
    }
}

/// Reads `#entity-tag` (RFC 9110 §8.8.3).
private struct EntityTagReader {
    var rest: ArraySlice<UInt8>
    private var isFirst = true

    init(rest: ArraySlice<UInt8>) {
        self.rest = rest
    }

    mutating func next(_ name: StaticString) throws(Problem) -> (opaque: ArraySlice<UInt8>, isWeak: Bool)? {
        skipSpace()
        if rest.isEmpty {
            guard !isFirst else { throw EntityTagReader.malformed(name) }
            return nil
        }
        if !isFirst {
            guard rest.first == UInt8(ascii: ",") else { throw EntityTagReader.malformed(name) }
            rest.removeFirst()
            skipSpace()
        }
        isFirst = false
        let isWeak = rest.starts(with: "W/")
        if isWeak { rest.removeFirst(2) }
        guard rest.first == UInt8(ascii: "\"") else { throw EntityTagReader.malformed(name) }
        rest.removeFirst()
        guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { throw EntityTagReader.malformed(name) }
        let opaque = rest[..<end]
        guard opaque.allSatisfy({ $0 > 0x20 }) else { throw EntityTagReader.malformed(name) }
        rest = rest[(end + 1)...]
        return (opaque, isWeak)
    }

    private mutating func skipSpace() {
        while let byte = rest.first, byte == 0x20 || byte == 0x09 { rest.removeFirst() }
    }

    private static func malformed(_ name: StaticString) -> Problem {
        Problem(.invalidRequest, "\(name) must be * or a list of entity tags in quotation marks, such as \"17\"")
    }
}
