package import ConcordState
package import ConcordStorage

/// Reads a backup as its bytes arrive, and believes none of them before they verify.
package struct BackupReader: Sendable {
    package enum Depth: Sendable {
        /// Every checksum, in a few megabytes of memory: whether the file is the one that was sent.
        case checksums
        /// The state too, in as much memory as a member has it: whether a cluster can be made of it.
        case state
    }

    private let depth: Depth
    private var decoder = SnapshotDecoder()
    private var image = StateImageReader()
    private var header: SnapshotHeader?
    private var identity: SnapshotIdentity?

    package init(_ depth: Depth) {
        self.depth = depth
    }

    /// Bytes that were verified so far.
    package var verifiedBytes: UInt64 { decoder.offset }

    /// Takes the bytes that follow those before.
    package mutating func take(_ bytes: [UInt8]) throws(BackupFault) {
        decoder.append(bytes)
        while true {
            let offset = decoder.offset
            switch try nextPart() {
            case .header(let header): self.header = header
            case .piece(let piece):
                guard depth == .state else { continue }
                do throws(StateImageError) { try image.read(piece) } catch { throw .image(error, offset: offset) }
            case .end(let identity): self.identity = identity
            case nil: return
            }
        }
    }

    /// What the file holds, once all of its bytes were taken.
    package consuming func finish() throws(BackupFault) -> BackupContent {
        do throws(SnapshotFault) { try decoder.finish() } catch { throw .file(error) }
        guard let header, let identity else {
            preconditionFailure("a backup came to its end without its header, or without telling who it is")
        }
        guard depth == .state else { return BackupContent(header: header, identity: identity, state: nil) }
        // The last steps change the state in place: it must not be held here, too.
        var image = StateImageReader()
        swap(&image, &self.image)
        let state: StateMachine
        do throws(StateImageError) { state = try (consume image).finish() } catch { throw .image(error, offset: nil) }
        return BackupContent(header: header, identity: identity, state: state)
    }

    private mutating func nextPart() throws(BackupFault) -> SnapshotDecoder.Part? {
        do throws(SnapshotFault) { return try decoder.next() } catch { throw .file(error) }
    }
}

/// What a backup holds.
package struct BackupContent: Sendable {
    package var header: SnapshotHeader
    package var identity: SnapshotIdentity
    /// `nil` when only the checksums were read.
    package var state: StateMachine?

    package init(header: SnapshotHeader, identity: SnapshotIdentity, state: StateMachine?) {
        self.header = header
        self.identity = identity
        self.state = state
    }
}
