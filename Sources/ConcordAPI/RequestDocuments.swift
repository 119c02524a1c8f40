import FoundationEssentials

/// A document in a request: it is scanned strictly, and a member that it does not have is refused.
package protocol RequestDocument: Codable {
    static var members: [String] { get }
}

/// The body of `PATCH /v1/kv/{path}`.
package struct IncrementRequest: RequestDocument, Equatable, Sendable {
    package var increment: Int64

    package static var members: [String] { ["increment"] }

    package init(increment: Int64) {
        self.increment = increment
    }
}

/// The body of `PUT /v1/cluster/settings`.
package struct SettingsRequest: RequestDocument, Equatable, Sendable {
    package var settings: [String: UInt64]

    package static var members: [String] { ["settings"] }

    package init(settings: [String: UInt64]) {
        self.settings = settings
    }
}

/// Foundation's coders behind the rules of the API.
package enum JSONDocument {
    /// The bytes of a document, its members in alphabetical order.
    package static func encode(_ document: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return [UInt8](try encoder.encode(document))
        } catch {
            preconditionFailure("a document of ours cannot be encoded: \(error)")
        }
    }

    /// A document from a request, or what is wrong with it.
    package static func decodeRequest<Document: RequestDocument>(
        _ type: Document.Type, from bytes: [UInt8]
    ) throws(Problem) -> Document {
        do {
            try StrictJSON.check(bytes)
        } catch {
            throw Problem(.invalidRequest, error.detail)
        }
        let decoder = JSONDecoder()
        guard let names = try? decoder.decode(MemberNames.self, from: Data(bytes)).names else {
            throw Problem(.invalidRequest, "the body must be a JSON object")
        }
        for name in names.sorted() where !Document.members.contains(name) {
            let known = Document.members.map { "\"\($0)\"" }.joined(separator: ", ")
            let shown = UTF8Text.quoted([UInt8](name.utf8)[...])
            throw Problem(.invalidRequest, "the body has the unknown member \(shown); it may have \(known)")
        }
        do {
            return try decoder.decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw Problem(.invalidRequest, describe(error))
        } catch {
            throw Problem(.invalidRequest, "the body does not have the form of this request")
        }
    }

    /// A document of a reply; `nil` when it is none.
    package static func decodeReply<Document: Decodable>(_ type: Document.Type, from bytes: [UInt8]) -> Document? {
        try? JSONDecoder().decode(type, from: Data(bytes))
    }

    private static func describe(_ error: DecodingError) -> String {
        let path: [any CodingKey]
        let what: String
        switch error {
        case .keyNotFound(let key, let context): (path, what) = (context.codingPath + [key], "is missing")
        case .valueNotFound(_, let context): (path, what) = (context.codingPath, "is null")
        case .typeMismatch(_, let context): (path, what) = (context.codingPath, "is of the wrong type")
        case .dataCorrupted(let context): (path, what) = (context.codingPath, "has a value that does not fit")
        @unknown default: (path, what) = ([], "is not of the form of this request")
        }
        let names = path.map(\.stringValue).joined(separator: ".")
        return "the member \(UTF8Text.quoted([UInt8](names.utf8)[...])) of the body \(what)"
    }
}

/// The names of an object's members.
private struct MemberNames: Decodable {
    var names: [String]

    private struct AnyName: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        names = try decoder.container(keyedBy: AnyName.self).allKeys.map(\.stringValue)
    }
}
