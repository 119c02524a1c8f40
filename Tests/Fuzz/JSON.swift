import ConcordAPI
import ConcordBytes
import FoundationEssentials

/// The body of a request. The strict scan accepts nothing that Foundation refuses; a request document that is read
/// is read again alike from what is written; and any bytes survive as a string or value of a reply.
func fuzz(_ input: [UInt8]) {
    let isJSON: Void? = try? StrictJSON.check(input)
    if isJSON != nil {
        precondition(isText(input), "a document is not UTF-8")
        let isRead = JSONDocument.decodeReply(Anything.self, from: input) != nil
        precondition(isRead || hasZeroWithExponent(input), "Foundation refuses it")
    }
    checkRequest(IncrementRequest.self, input, isJSON: isJSON != nil)
    checkRequest(SettingsRequest.self, input, isJSON: isJSON != nil)
    if input.count <= 64 { checkWriting(input) }
}

/// `0e1` is a number by RFC 8259, and Foundation refuses it.
private func hasZeroWithExponent(_ input: [UInt8]) -> Bool {
    zip(input, input.dropFirst()).contains { $0 == UInt8(ascii: "0") && $1 | 0x20 == UInt8(ascii: "e") }
}

private func checkRequest<Document: RequestDocument & Equatable>(
    _ type: Document.Type, _ input: [UInt8], isJSON: Bool
) {
    guard let document = try? JSONDocument.decodeRequest(type, from: input) else { return }
    precondition(isJSON, "a request is read that the scan refuses")
    let written = JSONDocument.encode(document)
    let again = JSONDocument.decodeReply(type, from: written)
    precondition(again == document, "a document changes when it is written")
}

private func checkWriting(_ text: [UInt8]) {
    var writer = ByteWriter()
    let isWritten = writer.writeJSONString(text)
    precondition(isWritten == isText(text), "text is not taken for text")
    if isWritten {
        let isJSON: Void? = try? StrictJSON.check(writer.bytes)
        precondition(isJSON != nil, "what is written is refused")
        let read = JSONDocument.decodeReply(String.self, from: writer.bytes)
        precondition(read.map { [UInt8]($0.utf8) } == text, "a string changes when it is written")
    } else {
        precondition(writer.bytes.isEmpty, "half a string is written")
    }
    var object = ByteWriter()
    object.writeRaw("{")
    object.writeJSONValueMember(text)
    object.writeRaw("}")
    let value = JSONDocument.decodeReply(Value.self, from: object.bytes)
    precondition(value?.bytes == text, "a value changes when it is written")
}

/// A value as a reader of the API finds it.
private struct Value: Decodable {
    var value: String?
    var base64: Data?

    var bytes: [UInt8]? { value.map { [UInt8]($0.utf8) } ?? base64.map { [UInt8]($0) } }

    private enum CodingKeys: String, CodingKey {
        case value
        case base64 = "value_base64"
    }
}

/// Any JSON, to see whether Foundation reads it.
private struct Anything: Decodable {
    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: Name.self) {
            for name in object.allKeys { _ = try object.decode(Anything.self, forKey: name) }
        } else if var array = try? decoder.unkeyedContainer() {
            while !array.isAtEnd { _ = try array.decode(Anything.self) }
        } else {
            let value = try decoder.singleValueContainer()
            guard !value.decodeNil(), (try? value.decode(Bool.self)) == nil, (try? value.decode(String.self)) == nil
            else { return }
            _ = try value.decode(Double.self)
        }
    }
}
