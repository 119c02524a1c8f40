package import ConcordBytes
internal import ConcordLinux
package import ConcordRaft
package import ConcordReplica

/// Why two peers do not talk.
package enum HandshakeFailure: Error, Equatable, Sendable {
    /// What arrived is no handshake of ours.
    case malformed
    case otherVersion(oldest: UInt16, newest: UInt16)
    /// The address leads to this member itself, or to a copy of its data directory.
    case ownID
    case wrongSecret
    case otherCluster(theirs: ClusterID, own: ClusterID)
    /// The other side said that it will not go on, and why.
    case refused(HandshakeRefusal)
}

/// What one side tells the other before it closes. Nobody has proved anything then: it is for the log only.
package enum HandshakeRefusal: UInt8, Sendable {
    case malformed = 1
    case otherVersion = 2
    case ownID = 3
    case wrongSecret = 4
}

/// The first words of a peer connection, without I/O: both sides prove that they know the cluster's secret,
/// over everything that both said of themselves, before anything else is looked at.
///
///     dialer → acceptor   hello
///     acceptor → dialer   hello
///     dialer → acceptor   proof
///     acceptor → dialer   proof
///
/// A proof is HMAC-SHA-256 over a label, the prover's role and both hellos; each hello carries a fresh nonce, so
/// no proof can be used twice, and the role keeps one side's proof from being sent back to it. The dialer proves
/// first: whoever merely connects gets nothing to guess the secret from.
package struct Handshake: Sendable {
    package enum Progress: Equatable, Sendable {
        case needMore
        case established(PeerIdentity)
        /// What is in the output is still to be sent; then close.
        case failed(HandshakeFailure)
    }

    private enum Stage: Sendable {
        case awaitingHello
        case awaitingProof(PeerHello, theirBytes: [UInt8])
        case finished
    }

    private let role: PeerHello.Role
    private let own: PeerHello
    private let ownBytes: [UInt8]
    private let secret: [UInt8]
    private var stage = Stage.awaitingHello

    /// - Parameters:
    ///   - nonce: fresh random bytes.
    ///   - output: a dialer's hello is appended at once.
    package init(
        role: PeerHello.Role, identity: PeerIdentity, secret: [UInt8], nonce: [UInt8], output: inout ByteQueue
    ) {
        self.role = role
        self.secret = secret
        own = PeerHello(role: role, nonce: nonce, identity: identity)
        ownBytes = own.encoded()
        if role == .dialer { appendHello(to: &output) }
    }

    /// Looks at what has arrived. After `established` whatever follows in `input` belongs to the connection.
    package mutating func receive(_ input: inout ByteQueue, output: inout ByteQueue) -> Progress {
        do throws(HandshakeFailure) {
            while true {
                guard let frame = try Handshake.frame(in: input) else { return .needMore }
                let payload = Array(input.storage[frame.payload])
                input.consume(frame.byteCount)
                if let peer = try take(frame.kind, payload, output: &output) { return .established(peer) }
            }
        } catch {
            stage = .finished
            if let refusal = error.refusal {
                PeerFrame.append(.refusal, to: &output) { $0.write(refusal.rawValue) }
            }
            return .failed(error)
        }
    }

    private static func frame(in input: ByteQueue) throws(HandshakeFailure) -> PeerFrame? {
        do throws(PeerFrame.Failure) {
            return try PeerFrame.first(in: input, payloadBytesMax: ServerLimits.handshakeFrameBytesMax)
        } catch {
            throw .malformed
        }
    }

    /// - Returns: the peer, once it has proved itself.
    private mutating func take(
        _ kind: PeerFrame.Kind, _ payload: [UInt8], output: inout ByteQueue
    ) throws(HandshakeFailure) -> PeerIdentity? {
        if kind == .refusal {
            guard payload.count == 1, let refusal = HandshakeRefusal(rawValue: payload[0]) else { throw .malformed }
            throw .refused(refusal)
        }
        switch stage {
        case .awaitingHello:
            guard kind == .hello else { throw .malformed }
            let hello = try checkedHello(payload)
            stage = .awaitingProof(hello, theirBytes: payload)
            switch role {
            case .acceptor: appendHello(to: &output)
            case .dialer: appendProof(over: payload, to: &output)
            }
            return nil
        case .awaitingProof(let hello, let theirBytes):
            guard kind == .proof else { throw .malformed }
            let expected = tag(of: hello.role, theirBytes: theirBytes)
            guard HMACSHA256.equal(payload, expected) else { throw .wrongSecret }
            stage = .finished
            // Also to a member of another cluster: each side shall learn it from a proof, not from hearsay.
            if role == .acceptor { appendProof(over: theirBytes, to: &output) }
            if let theirs = hello.identity.clusterID, let mine = own.identity.clusterID, theirs != mine {
                throw .otherCluster(theirs: theirs, own: mine)
            }
            return hello.identity
        case .finished:
            throw .malformed
        }
    }

    private func checkedHello(_ payload: [UInt8]) throws(HandshakeFailure) -> PeerHello {
        let hello: PeerHello
        do throws(PeerHello.Failure) {
            hello = try PeerHello(decoding: payload)
        } catch {
            switch error {
            case .malformed: throw .malformed
            case .otherVersion(let oldest, let newest): throw .otherVersion(oldest: oldest, newest: newest)
            }
        }
        guard hello.identity.id != own.identity.id else { throw .ownID }
        guard hello.role != role, hello.nonce != own.nonce else { throw .malformed }
        return hello
    }

    private func appendHello(to output: inout ByteQueue) {
        PeerFrame.append(.hello, to: &output) { $0.writeRaw(ownBytes) }
    }

    private func appendProof(over theirBytes: [UInt8], to output: inout ByteQueue) {
        let tag = tag(of: role, theirBytes: theirBytes)
        PeerFrame.append(.proof, to: &output) { $0.writeRaw(tag) }
    }

    private func tag(of prover: PeerHello.Role, theirBytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: 512)
        writer.writeRaw("concord peer handshake v1\n")
        writer.write(prover.rawValue)
        writer.writeBytes(role == .dialer ? ownBytes : theirBytes)
        writer.writeBytes(role == .dialer ? theirBytes : ownBytes)
        return HMACSHA256.tag(of: writer.bytes, key: secret)
    }
}

extension HandshakeFailure {
    fileprivate var refusal: HandshakeRefusal? {
        switch self {
        case .malformed: .malformed
        case .otherVersion: .otherVersion
        case .ownID: .ownID
        case .wrongSecret: .wrongSecret
        case .otherCluster, .refused: nil
        }
    }

    /// A short name for the log.
    package var name: String {
        switch self {
        case .malformed: "malformed"
        case .otherVersion: "other_version"
        case .ownID: "own_id"
        case .wrongSecret: "wrong_secret"
        case .otherCluster: "other_cluster"
        case .refused(let refusal): "refused_\(refusal)"
        }
    }

    /// What is wrong, and what to do about it.
    package var advice: String {
        switch self {
        case .malformed, .refused(.malformed):
            "what arrived is no peer handshake: check that the address is a member's peer port (7401 by default) "
                + "and not its client port"
        case .otherVersion(let oldest, let newest):
            "the peer speaks versions \(oldest) to \(newest) of the peer protocol, this build "
                + "\(PeerHello.versions.lowerBound) to \(PeerHello.versions.upperBound): run builds that are next "
                + "to each other"
        case .refused(.otherVersion):
            "the peer does not speak this build's version of the peer protocol: run builds that are next to each "
                + "other"
        case .ownID, .refused(.ownID):
            "the other side has this member's own id: the address leads back here, or the data directory was "
                + "copied; give each member its own address and its own data directory"
        case .wrongSecret, .refused(.wrongSecret):
            "the two sides have different cluster secrets: start every member with the same --cluster-secret-file"
        case .otherCluster(let theirs, let own):
            "the peer belongs to cluster \(theirs), this member to \(own): correct the address, or restore the data "
                + "directory that belongs here"
        }
    }
}
