import ConcordBytes

/// Where one header line lies in its head.
@usableFromInline package struct HTTPField: Equatable, Sendable {
    @usableFromInline package var nameStart: UInt16
    @usableFromInline package var nameEnd: UInt16
    @usableFromInline package var valueStart: UInt16
    @usableFromInline package var valueEnd: UInt16

    @inlinable package init(nameStart: Int, nameEnd: Int, valueStart: Int, valueEnd: Int) {
        self.nameStart = UInt16(truncatingIfNeeded: nameStart)
        self.nameEnd = UInt16(truncatingIfNeeded: nameEnd)
        self.valueStart = UInt16(truncatingIfNeeded: valueStart)
        self.valueEnd = UInt16(truncatingIfNeeded: valueEnd)
    }

    @inlinable package var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
    @inlinable package var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
}

/// The header lines of a message: the bytes of its head, the names in lower case, and where they lie in it.
/// A lookup compares bytes and makes no copy.
@usableFromInline package struct HTTPHeaders: Sendable {
    /// The whole head, the start line too.
    @usableFromInline package let head: [UInt8]
    @usableFromInline package let fields: [HTTPField]

    @inlinable package init(head: [UInt8], fields: [HTTPField]) {
        self.head = head
        self.fields = fields
    }

    @inlinable package var count: Int { fields.count }

    /// The value of the first line with this lower-case name.
    package func first(_ name: StaticString) -> ArraySlice<UInt8>? {
        for field in fields where head.matches(name, in: field.name) {
            return head[field.value]
        }
        return nil
    }

    /// How many lines have this lower-case name.
    package func count(_ name: StaticString) -> Int {
        var found = 0
        for field in fields where head.matches(name, in: field.name) {
            found += 1
        }
        return found
    }

    /// The values of all lines with this lower-case name, in order.
    package func all(_ name: StaticString) -> [ArraySlice<UInt8>] {
        var values: [ArraySlice<UInt8>] = []
        for field in fields where head.matches(name, in: field.name) {
            values.append(head[field.value])
        }
        return values
    }

    /// The lower-case name and the value of the line at `index`.
    package subscript(index: Int) -> (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
        (head[fields[index].name], head[fields[index].value])
    }
}
