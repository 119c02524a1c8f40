package import ConcordBytes

/// What a member tells of itself in the handshake, and may tell otherwise after its next start.
package struct MemberInfo: Equatable, Sendable {
    /// The start of the member that it told this in: what an earlier one told is not taken over any more.
    package var boot: UInt64
    /// `HOST:PORT` of the peer port. It counts more than the one in the configuration.
    package var peerAddress: String
    package var clientURL: String
    /// The highest feature level that the member supports, or wants to.
    package var featureLevel: UInt16
    /// The version of its build, for people.
    package var build: String

    package init(boot: UInt64, peerAddress: String, clientURL: String, featureLevel: UInt16, build: String) {
        self.boot = boot
        self.peerAddress = peerAddress
        self.clientURL = clientURL
        self.featureLevel = featureLevel
        self.build = build
    }

    /// Whether it says the same, whenever it was said.
    package func saysTheSame(as other: MemberInfo) -> Bool {
        var other = other
        other.boot = boot
        return self == other
    }
}

/// What a member told, to be known to all. The leader it told it proposes this.
package struct MemberInfoOperation: Equatable, Sendable {
    package var member: UInt128
    package var info: MemberInfo

    package init(member: UInt128, info: MemberInfo) {
        self.member = member
        self.info = info
    }
}

extension MemberInfo {
    /// Bytes of an encoded one with empty texts.
    package static let encodedBytesMin = 8 + 2 + 3 * 4

    package func encode(into writer: inout ByteWriter) {
        for text in [peerAddress, clientURL, build] {
            precondition(
                text.utf8.count <= ModelLimits.memberTextBytesMax,
                "what a member told is encoded, and longer than a reader accepts")
        }
        writer.write(boot)
        writer.write(featureLevel)
        writer.writeString(peerAddress)
        writer.writeString(clientURL)
        writer.writeString(build)
    }

    package init(decoding reader: inout ByteReader) throws(ByteError) {
        boot = try reader.readUInt64()
        featureLevel = try reader.readUInt16()
        peerAddress = try reader.readString(limit: ModelLimits.memberTextBytesMax)
        clientURL = try reader.readString(limit: ModelLimits.memberTextBytesMax)
        build = try reader.readString(limit: ModelLimits.memberTextBytesMax)
    }
}

extension MemberInfoOperation {
    func encode(into writer: inout ByteWriter) {
        writer.write(member)
        info.encode(into: &writer)
    }

    init(decoding reader: inout ByteReader) throws(ByteError) {
        self.init(member: try reader.readUInt128(), info: try MemberInfo(decoding: &reader))
    }
}
