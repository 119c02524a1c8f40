import ConcordBytes
import ConcordRaft
import Testing

/// Who is counted, and how.
struct ConfigurationTests {
    private func configuration(_ roles: [Configuration.Role]) -> Configuration {
        var members = voters(roles.count).members
        for position in roles.indices { members[position].role = roles[position] }
        return Configuration(members: members, intent: 3)
    }

    private func decode(_ bytes: [UInt8]) -> Configuration? {
        var reader = ByteReader(bytes)
        guard let found = try? Configuration(decoding: &reader), reader.remaining == 0 else { return nil }
        return found
    }

    private func encode(_ configuration: Configuration) -> [UInt8] {
        var writer = ByteWriter()
        configuration.encode(into: &writer)
        return writer.bytes
    }

    @Test func `A joint configuration needs a majority of the old voters and one of the new`() {
        let moved = configuration([.outgoing, .outgoing, .outgoing, .incoming, .incoming, .incoming])
        #expect(!moved.hasQuorum { $0.rawValue <= 4 }, "all of the old half and one of the new")
        #expect(!moved.hasQuorum { $0.rawValue >= 3 })
        #expect(moved.hasQuorum { [1, 2, 5, 6].contains($0.rawValue) })
        #expect(moved.isJoint && !voters(3).isJoint)
    }

    @Test func `Quorums of every configuration of four are those of a plain count`() {
        let roles: [Configuration.Role] = [.voter, .learner, .incoming, .outgoing]
        for code in 0..<256 {
            let chosen = (0..<4).map { roles[code >> (2 * $0) & 3] }
            let tested = configuration(chosen)
            for agreeing in 0..<16 {
                func majority(_ counted: [Configuration.Role]) -> Bool {
                    let half = (0..<4).filter { counted.contains(chosen[$0]) }
                    return 2 * half.filter { agreeing >> $0 & 1 == 1 }.count > half.count
                }
                let expected = majority([.voter, .outgoing]) && majority([.voter, .incoming])
                let found = tested.hasQuorum { agreeing >> (Int($0.rawValue) - 1) & 1 == 1 }
                #expect(found == expected, "\(chosen), agreeing \(agreeing)")
            }
        }
    }

    @Test func `Nobody is a quorum of nobody`() {
        #expect(!configuration([]).hasQuorum { _ in true })
        #expect(!configuration([.learner, .learner]).hasQuorum { _ in true })
        #expect(!configuration([.incoming]).hasQuorum { _ in true }, "the old half is empty")
    }

    @Test func `A configuration survives its encoding, and none other is taken for one`() {
        let sample = configuration([.voter, .learner, .incoming, .outgoing])
        let bytes = encode(sample)
        #expect(decode(bytes) == sample)
        for length in 0..<bytes.count { #expect(decode(Array(bytes[..<length])) == nil) }
        let first = 1 + 8 + 4
        var unknownRole = bytes
        unknownRole[first + 16] = 5
        #expect(decode(unknownRole) == nil)
        var repeated = bytes
        repeated[first] = 2
        #expect(decode(repeated) == nil, "two members of one id")
        var unsorted = bytes
        unsorted[first] = 9
        #expect(decode(unsorted) == nil)
    }
}
