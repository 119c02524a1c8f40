package import ConcordBytes

// The log encoding of a change of membership. docs/formats.md has the layout byte by byte.

extension MemberAddition {
    /// Bytes of an encoded addition with empty texts.
    package static let encodedBytesMin = 16 + 4 + 4

    package func encode(into writer: inout ByteWriter) {
        precondition(
            max(name.utf8.count, peerAddress.utf8.count) <= ModelLimits.memberTextBytesMax,
            "a member's name or address is encoded that is longer than a reader accepts")
        writer.write(id)
        writer.writeString(name)
        writer.writeString(peerAddress)
    }

    package init(decoding reader: inout ByteReader) throws(ByteError) {
        self.init(
            id: try reader.readUInt128(), name: try reader.readString(limit: ModelLimits.memberTextBytesMax),
            peerAddress: try reader.readString(limit: ModelLimits.memberTextBytesMax))
    }
}

extension ChangeMembersOperation {
    /// Behind the flags of an operation, and in the image of a state.
    package func encode(into writer: inout ByteWriter) {
        precondition(
            max(add.count, remove.count) <= ModelLimits.membersMax,
            "a change is encoded that names more members than a reader accepts")
        writer.write(UInt32(add.count))
        for addition in add { addition.encode(into: &writer) }
        writer.write(UInt32(remove.count))
        for id in remove { writer.write(id) }
    }

    package init(decoding reader: inout ByteReader) throws(ByteError) {
        self.init()
        for _ in 0..<(try reader.readCount(limit: ModelLimits.membersMax, bytesEach: MemberAddition.encodedBytesMin)) {
            add.append(try MemberAddition(decoding: &reader))
        }
        for _ in 0..<(try reader.readCount(limit: ModelLimits.membersMax, bytesEach: 16)) {
            remove.append(try reader.readUInt128())
        }
    }
}
