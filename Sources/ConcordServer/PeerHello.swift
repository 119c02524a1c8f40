internal import ConcordBytes
internal import ConcordRaft
package import ConcordReplica

/// What each side of a peer connection says first. docs/formats.md, "Peer handshake".
///
/// Its first nine bytes (magic and versions) keep their places in every version, so that two builds that cannot
/// talk can at least say so.
package struct PeerHello: Equatable, Sendable {
    /// The versions of the peer protocol that this build speaks.
    package static let versions: ClosedRange<UInt16> = 1...1
    package static let nonceBytes = 32

    package enum Role: UInt8, Sendable {
        case dialer = 1
        case acceptor = 2
    }

    package enum Failure: Error, Equatable, Sendable {
        case malformed
        case otherVersion(oldest: UInt16, newest: UInt16)
    }

    package var role: Role
    package var nonce: [UInt8]
    package var identity: PeerIdentity

    /// `CPHI`.
    private static let magic: UInt32 = 0x4948_5043

    package init(role: Role, nonce: [UInt8], identity: PeerIdentity) {
        precondition(nonce.count == PeerHello.nonceBytes, "a nonce has the wrong length")
        self.role = role
        self.nonce = nonce
        self.identity = identity
    }

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 256)
        writer.write(PeerHello.magic)
        writer.write(PeerHello.versions.lowerBound)
        writer.write(PeerHello.versions.upperBound)
        writer.write(role.rawValue)
        writer.writeRaw(nonce)
        writer.write(identity.id.rawValue)
        writer.write(identity.boot)
        writer.write(identity.clusterID?.rawValue ?? 0)
        writer.write(identity.featureLevel)
        writer.writeString(identity.name)
        writer.writeString(identity.peerAddress)
        writer.writeString(identity.clientURL)
        writer.writeString(identity.build)
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(Failure) {
        var reader = ByteReader(bytes)
        do throws(ByteError) {
            guard try reader.readUInt32() == PeerHello.magic else { throw ByteError.invalid }
        } catch {
            throw .malformed
        }
        guard let oldest = try? reader.readUInt16(), let newest = try? reader.readUInt16(), oldest <= newest else {
            throw .malformed
        }
        guard oldest <= PeerHello.versions.upperBound, newest >= PeerHello.versions.lowerBound else {
            throw .otherVersion(oldest: oldest, newest: newest)
        }
        do throws(ByteError) {
            try self.init(rest: &reader)
            // A newer build may say more behind what this one knows.
            if newest <= PeerHello.versions.upperBound { try reader.finish() }
        } catch {
            throw .malformed
        }
    }

    private init(rest reader: inout ByteReader) throws(ByteError) {
        guard let role = Role(rawValue: try reader.readUInt8()) else { throw .invalid }
        let nonce = try reader.readBytes(count: PeerHello.nonceBytes)
        let id = MemberID(try reader.readUInt128())
        let boot = try reader.readUInt64()
        let cluster = try reader.readUInt128()
        let featureLevel = try reader.readUInt16()
        let textMax = RaftLimits.memberTextBytesMax
        let name = try reader.readString(limit: textMax)
        let peerAddress = try reader.readString(limit: textMax)
        let clientURL = try reader.readString(limit: textMax)
        let build = try reader.readString(limit: textMax)
        self.init(
            role: role, nonce: nonce,
            identity: PeerIdentity(
                id: id, name: name, boot: boot, peerAddress: peerAddress, clientURL: clientURL,
                featureLevel: featureLevel, build: build, clusterID: cluster == 0 ? nil : ClusterID(cluster)))
    }
}
