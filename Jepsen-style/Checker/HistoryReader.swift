/// A history as it was read: its operations, and what its form says of their meaning.
package struct History: Equatable, Sendable {
    package enum Form: String, Sendable {
        case json = "JSON"
        case edn = "EDN"
        /// Lines of Jepsen's log.
        case log = "Jepsen's log"
    }

    package var form: Form
    /// In the order of invocation.
    package var operations: [RecordedOperation]
    package var eventCount: Int

    /// The operations as `model` understands them. In the EDN of Knossos a register's read of `nil` is one whose
    /// answer is not known. In JSON it is one too where a register that has never been null is said to be null: such
    /// histories are EDN that was rewritten.
    package func operations(for model: Model, initial: HistoryValue) -> [RecordedOperation] {
        guard model == .register || model == .casRegister, form != .log else { return operations }
        let mayBeNull =
            initial == .null || operations.contains { $0.function != "read" && $0.mayWriteNull }
        if form == .json, mayBeNull { return operations }
        return operations.map { operation in
            guard operation.function == "read", operation.outcome == .ok, operation.result == .null else {
                return operation
            }
            var operation = operation
            operation.outcome = .unknown
            operation.returned = .max
            return operation
        }
    }
}

extension RecordedOperation {
    fileprivate var mayWriteNull: Bool {
        guard function == "cas" else { return toldArgument == .null }
        return toldArgument.list?.last == .null
    }
}

/// Reads histories in all their forms, told apart by their content.
package enum HistoryReader {
    package static func read(_ bytes: [UInt8]) throws(HistoryError) -> History {
        var scanner = ByteScanner(bytes)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { scanner.position = 3 }
        let form = try form(of: scanner)
        var pairing = OperationPairing(expecting: bytes.count)
        switch form {
        case .json: try scanner.readJSONEvents(into: &pairing)
        case .edn: try scanner.readEDNEvents(into: &pairing)
        case .log: try scanner.readLogEvents(into: &pairing)
        }
        guard pairing.eventCount > 0 else { throw scanner.error("there is no event in it") }
        return History(form: form, operations: pairing.finished(), eventCount: pairing.eventCount)
    }

    /// By the first bytes that are no space: what opens an event, and what opens its first name.
    private static func form(of scanner: ByteScanner) throws(HistoryError) -> History.Form {
        var scanner = scanner
        scanner.skipSpace()
        guard !scanner.isAtEnd else { throw scanner.error("it is empty") }
        let isList = scanner.byte == UInt8(ascii: "[")
        if isList {
            scanner.position += 1
            scanner.skipSpace()
        }
        switch scanner.byte {
        case UInt8(ascii: "("), UInt8(ascii: ";"), UInt8(ascii: "#"), UInt8(ascii: ","): return .edn
        case UInt8(ascii: "{"):
            scanner.position += 1
            scanner.skipSpace()
            return scanner.byte == UInt8(ascii: "\"") || scanner.byte == UInt8(ascii: "}") ? .json : .edn
        case UInt8(ascii: "]") where isList: return .json
        default: return .log
        }
    }
}

extension ByteScanner {
    /// One event a line, or one list of events.
    fileprivate mutating func readJSONEvents(into pairing: inout OperationPairing) throws(HistoryError) {
        skipSpace()
        let isList = byte == UInt8(ascii: "[")
        if isList {
            position += 1
            skipSpace()
            if byte == UInt8(ascii: "]") {
                position += 1
                return
            }
        }
        while !isAtEnd {
            let start = position
            guard byte == UInt8(ascii: "{") else { throw error("an event, {…}, should stand here") }
            let event = try jsonEvent()
            do { try pairing.add(event) } catch { throw HistoryError(error.message, at: start, in: bytes) }
            if isList, !takeComma() { break }
            skipSpace()
        }
        if isList { try expect(UInt8(ascii: "]"), "a list goes on with , or ends with ]") }
        skipSpace()
        guard isAtEnd else { throw error("something stands behind the list of events") }
    }

    private mutating func jsonEvent() throws(HistoryError) -> RawEvent {
        try enter()
        position += 1
        skipSpace()
        var event = RawEvent()
        if byte != UInt8(ascii: "}") {
            repeat {
                let start = position
                guard let field = takeFieldName() else {
                    _ = try jsonName()
                    _ = try jsonValue()
                    continue
                }
                skipSpace()
                try expect(UInt8(ascii: ":"), "a colon should stand here")
                guard event.set(field, try jsonValue()) else {
                    throw HistoryError("the name \(field) stands here twice", at: start, in: bytes)
                }
            } while takeComma()
        }
        try expect(UInt8(ascii: "}"), "an event goes on with , or ends with }")
        leave()
        return event
    }

    /// Takes the name of a field of events, if one stands here.
    private mutating func takeFieldName() -> RawEvent.Field? {
        skipSpace()
        for field in RawEvent.Field.allCases {
            let name = RawEvent.Field.names[Int(field.rawValue)]
            guard byte(after: 1) == name[0], byte(after: name.count + 1) == UInt8(ascii: "\"") else { continue }
            guard byte == UInt8(ascii: "\"") else { return nil }
            if name.indices.allSatisfy({ bytes[position + 1 + $0] == name[$0] }) {
                position += name.count + 2
                return field
            }
        }
        return nil
    }

    /// A vector, a list, or one event after the other.
    fileprivate mutating func readEDNEvents(into pairing: inout OperationPairing) throws(HistoryError) {
        try skipEDNSpace()
        let close: UInt8? =
            byte == UInt8(ascii: "[") ? UInt8(ascii: "]") : byte == UInt8(ascii: "(") ? UInt8(ascii: ")") : nil
        if close != nil { position += 1 }
        while true {
            try skipEDNSpace()
            let start = position
            guard let value = try ednValue() else { break }
            guard case .map(let fields) = value else {
                throw HistoryError("an event, {…}, should stand here", at: start, in: bytes)
            }
            var event = RawEvent()
            for (name, value) in fields {
                if let field = RawEvent.Field.byName[name] { _ = event.set(field, value) }
            }
            do { try pairing.add(event) } catch { throw HistoryError(error.message, at: start, in: bytes) }
        }
        if let close { try expect(close, "the list of events has no end") }
        try skipEDNSpace()
        guard isAtEnd else { throw error("something stands behind the events") }
    }
}
