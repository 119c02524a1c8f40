import ConcordBytes

extension Configuration {
    /// The greatest value that a quorum has reached: of match indices, of rounds, of times.
    /// - Parameter value: `nil` for a member of whom nothing is known.
    func quorumValue<Value: Comparable>(_ value: (MemberID) -> Value?) -> Value? {
        var best: Value?
        for member in members {
            guard let candidate = value(member.id) else { continue }
            if let found = best, candidate <= found { continue }
            let isReached = hasQuorum { other in
                guard let reached = value(other) else { return false }
                return reached >= candidate
            }
            if isReached { best = candidate }
        }
        return best
    }

    /// Whether `id` alone is a quorum.
    func isQuorum(_ id: MemberID) -> Bool {
        hasQuorum { $0 == id }
    }

    /// What an entry of it carries.
    package var payload: [UInt8] {
        var writer = ByteWriter()
        encode(into: &writer)
        return writer.bytes
    }

    /// `nil` when the bytes are not exactly one configuration.
    package init?(payload: [UInt8]) {
        var reader = ByteReader(payload)
        do throws(ByteError) {
            let configuration = try Configuration(decoding: &reader)
            try reader.finish()
            self = configuration
        } catch {
            return nil
        }
    }
}
