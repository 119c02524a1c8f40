/// Jepsen's log: lines that hold `PROCESS :invoke :read nil` behind whatever the logger put before them. Other lines
/// are of no interest.
///
/// Two things mean here what they do not mean in a history: `:fail :cas [a b]` says that the compare was false, where no
/// other reason stands behind it, and `:fail :read :timed-out` that the answer is not known.
extension ByteScanner {
    mutating func readLogEvents(into pairing: inout OperationPairing) throws(HistoryError) {
        let endOfAll = end
        while position < endOfAll {
            let start = position
            skipLine()
            end = position
            if let event = try logEvent(from: start) {
                do { try pairing.add(event) } catch { throw HistoryError(error.message, at: start, in: bytes) }
            }
            position = end + 1
            end = endOfAll
        }
    }

    /// The event in the line that ends at `end`.
    private mutating func logEvent(from start: Int) throws(HistoryError) -> RawEvent? {
        guard let (process, kind) = try findKind(from: start) else { return nil }
        skipBlanks()
        guard byte == UInt8(ascii: ":") else { return nil }
        position += 1
        let functionStart = position
        while position < end, !isBlank(bytes[position]) { position += 1 }
        var event = RawEvent()
        event.type = .text(kind.rawValue)
        event.process = process
        event.function = .text(try text(from: functionStart))
        // The nemesis says what it likes.
        if process == .text("nemesis") { return event }
        let value = try ednValue()
        if value == nil, kind == .ok { throw error("what was answered should stand here") }
        event.value = value ?? .null
        skipBlanks()
        if kind == .fail { Self.understandFailure(&event, hasReason: !isAtEnd) }
        return event
    }

    /// - Parameter hasReason: whether more stands behind the value: why it failed, where that is not the compare.
    private static func understandFailure(_ event: inout RawEvent, hasReason: Bool) {
        if event.function == .text("cas"), event.value?.list?.count == 2, !hasReason {
            event.type = .text(HistoryEvent.Kind.ok.rawValue)
            event.value = .bool(false)
        } else if event.value == .text("timed-out"), event.function == .text("read") {
            event.type = .text(HistoryEvent.Kind.info.rawValue)
        }
    }

    /// Finds `PROCESS :kind`, and stands behind it.
    private mutating func findKind(
        from start: Int
    ) throws(HistoryError) -> (process: HistoryValue, kind: HistoryEvent.Kind)? {
        var stranger: Int?
        for index in start..<end where bytes[index] == UInt8(ascii: ":") && index > start && isBlank(bytes[index - 1]) {
            position = index + 1
            guard let kind = takeKind() else { continue }
            if let process = process(before: index, lineStart: start) { return (process, kind) }
            skipBlanks()
            if byte == UInt8(ascii: ":"), stranger == nil { stranger = index }
        }
        if let stranger {
            throw HistoryError("a process should stand before the type: a number, or nemesis", at: stranger, in: bytes)
        }
        position = end
        return nil
    }

    private mutating func takeKind() -> HistoryEvent.Kind? {
        for kind in [HistoryEvent.Kind.invoke, .ok, .fail, .info] {
            let before = position
            if take(kind.rawValue), isAtEnd || isBlank(byte) { return kind }
            position = before
        }
        return nil
    }

    private func process(before index: Int, lineStart: Int) -> HistoryValue? {
        var last = index
        while last > lineStart, isBlank(bytes[last - 1]) { last -= 1 }
        var first = last
        while first > lineStart, !isBlank(bytes[first - 1]), last - first < 20 { first -= 1 }
        let word = String(decoding: bytes[first..<last], as: UTF8.self)
        if word == ":nemesis" || word == "nemesis" { return .text("nemesis") }
        return Int64(word).map { .int($0) }
    }

    private mutating func skipBlanks() {
        while position < end, isBlank(bytes[position]) { position += 1 }
    }

    private func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }
}
