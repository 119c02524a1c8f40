import Testing

/// Bytes of a stopped member's files change, field by field, and the member is started on them. It answers what clients
/// were told and nothing else, or it does not start, says which file it is, and changes nothing.
@Suite("Damage of a directory", .serialized)
struct ServerDamageTests {
    @Test("of a member of three: the middle and the last group of its log")
    func groups() throws {
        let trial = try DamageTrial(members: 3)
        let places = try DamagePlaces(in: trial.image).ofMiddleAndLastGroup()
        #expect(places.count >= 60)
        print(try trial.run(places))
    }

    @Test("of a member of three: its log where something stands for it, votes, member record and snapshots")
    func otherFiles() throws {
        let trial = try DamageTrial(members: 3)
        let table = try DamagePlaces(in: trial.image)
        let places = try table.ofTheRestOfTheLog() + table.ofVotes() + table.ofMember() + table.ofSnapshots()
        #expect(places.count >= 60)
        print(try trial.run(places))
    }

    @Test("of a member of three that had lost something before")
    func scarred() throws {
        let trial = try DamageTrial(members: 3)
        try trial.scar()
        let table = try DamagePlaces(in: trial.image)
        let votes = try table.ofVotes()
        #expect(votes.contains { $0.name.contains("index of the claim") }, "the slots hold no doubt")
        print(try trial.run(try table.ofEnd() + votes))
    }

    @Test("of an only member")
    func alone() throws {
        let trial = try DamageTrial(members: 1)
        let table = try DamagePlaces(in: trial.image)
        let places =
            try table.ofMiddleAndLastGroup() + table.ofTheRestOfTheLog() + table.ofVotes() + table.ofMember()
            + table.ofSnapshots()
        #expect(places.count >= 60)
        print(try trial.run(places))
    }
}
