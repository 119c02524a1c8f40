import ConcordLinux
import Foundation
import Testing

/// What clients were told.
struct AcknowledgedWrites {
    struct Version {
        let path: String
        let revision: UInt64
        /// `nil`: the node was deleted then.
        let value: String?
    }

    private(set) var versions: [Version] = []
    /// The nodes that are there, each with its revision and value.
    private(set) var nodes: [String: String] = [:]

    var revision: UInt64 { versions.last?.revision ?? 0 }

    mutating func put(_ path: String, _ value: String, through client: RawClient) throws {
        let answer = try client.request("PUT", "/v1/kv\(path)", body: value)
        try acknowledge(path, value, answer)
    }

    mutating func delete(_ path: String, through client: RawClient) throws {
        try acknowledge(path, nil, try client.request("DELETE", "/v1/kv\(path)"))
    }

    mutating func enqueue(_ value: String, through client: RawClient) throws {
        let answer = try client.request("POST", "/v1/kv/jobs?sequential=job-&parents", body: value)
        guard let location = answer.headers["location"] else { throw DamageFailure("no name was told: \(answer)") }
        try acknowledge(String(location.dropFirst("/v1/kv".count)), value, answer)
    }

    private mutating func acknowledge(_ path: String, _ value: String?, _ answer: Answer) throws {
        guard [200, 201].contains(answer.status), let revision = answer.headers["concord-revision"].flatMap(UInt64.init)
        else { throw DamageFailure("a write of \(path) was answered with \(answer)") }
        versions.append(Version(path: path, revision: revision, value: value))
        nodes[path] = value.map { "\(revision) \($0)" }
    }

    /// The same without the newest write, which replaced nothing.
    func withoutLast() -> AcknowledgedWrites {
        var earlier = self
        if let last = earlier.versions.popLast() { earlier.nodes[last.path] = nil }
        return earlier
    }

    /// Asks a member for everything: linearizably, locally, and for each version at its revision.
    func check(_ client: RawClient, _ what: String) throws {
        for query in ["", "&consistency=local&min_revision=\(revision)"] {
            let answer = try client.request("GET", "/v1/kv?children&recursive&values\(query)")
            #expect(answer.status == 200, "\(what): \(answer.body)")
            var found = try listing(answer.body)
            // Made by the first of the numbered nodes, not by a write of its own.
            #expect(found.removeValue(forKey: "/jobs") != nil, "\(what)")
            let wrong = Set(found.keys).union(nodes.keys).filter { found[$0] != nodes[$0] }.sorted()
            #expect(wrong.isEmpty, "\(what): wrong or missing or too much with '\(query)': \(wrong.prefix(5))")
        }
        try client.send(
            versions.map {
                RawClient.text("GET", "/v1/kv\($0.path)?raw&consistency=local&revision=\($0.revision)")
            }.joined())
        for version in versions {
            let answer = try client.answer()
            let isRight = version.value.map { answer.status == 200 && answer.body == $0 } ?? (answer.status == 404)
            #expect(isRight, "\(what): \(version.path) at \(version.revision) was answered with \(answer.status)")
        }
    }

    private func listing(_ body: String) throws -> [String: String] {
        let document = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
        guard let list = document?["nodes"] as? [[String: Any]], document?["next"] == nil else {
            throw DamageFailure("this is no listing: \(body.prefix(200))")
        }
        var found: [String: String] = [:]
        for node in list {
            guard let path = node["path"] as? String, let revision = node["revision"] as? Int else { continue }
            found[path] = "\(revision) \(node["value"] as? String ?? "without a value")"
        }
        return found
    }
}

/// A member that is stopped, and started again and again on copies of its directory that are damaged in one place each.
///
/// Going back to an earlier directory is what no member does, so the others must not remember what it said in between: a
/// new leader is there for each start, each write is acknowledged while the member is down, and before it is killed both
/// others have answered from the newest term and entry.
final class DamageTrial {
    let cluster: ServerCluster
    /// The member.
    let index: Int
    private let others: [Int]
    private(set) var acknowledged = AcknowledgedWrites()
    private(set) var image = DirectoryImage()
    private var starts = 0
    /// What each start says that it put right, also one on the directory as it is: the scar of an earlier loss.
    private var toldAnyway: Set<String> = []
    private var counts: [DamageConsequence: Int] = [:]

    private var isAlone: Bool { others.isEmpty }

    /// Some hundred writes, two snapshots and more writes behind them. One of three members got the older snapshot from
    /// another one, so that its log has a base.
    init(members: Int) throws {
        cluster = try ServerCluster(members, adding: ["--snapshot-after", "16KiB"])
        try cluster.waitUntilReady()
        let leader = try cluster.leader()
        let chosen = (leader + 1) % members
        index = chosen
        others = (0..<members).filter { $0 != chosen }
        if !isAlone {
            cluster.kill(index)
            try write(at: leader, untilSnapshots: 2, of: leader)
            try cluster.start(index)
            try cluster.waitUntilReady([index])
            try cluster.processes[index]?.waitUntilLogged("snapshot_installed")
        }
        try write(at: leader, untilSnapshots: 2, of: index)
        try stopBehindSnapshots("behind", at: leader)
    }

    /// One write after the other, of every kind.
    private func write(at writer: Int, untilSnapshots count: Int, of member: Int) throws {
        let client = try cluster.client(writer)
        let directory = cluster.dataPath(member)
        func snapshots() throws -> Int {
            try Directory(directory).list().count { $0.hasPrefix("snapshot-") && !$0.hasSuffix(".new") }
        }
        let filling = String(repeating: "x", count: 700)
        for number in 0..<500 {
            let value = "\(acknowledged.versions.count) \(filling)"
            switch number % 8 {
            case 3: try acknowledged.enqueue(value, through: client)
            case 6: try acknowledged.delete("/k\((number - 1) % 12)", through: client)
            default: try acknowledged.put("/k\(number % 12)", value, through: client)
            }
            if try snapshots() >= count { return }
        }
        throw DamageFailure("no snapshots were made")
    }

    /// Small values and some of two blocks. The last write makes a node of its own, so that it can be missed.
    private func writeBehind(_ name: String, at writer: Int) throws {
        let client = try cluster.client(writer)
        for number in 0..<10 {
            let size = [4, 9].contains(number) ? 5000 : 20
            let value = "\(name) \(number) " + String(repeating: "y", count: size)
            try acknowledged.put("/\(name)\(number)", value, through: client)
        }
    }

    /// Stops the member with a log that has something to lose: a snapshot that is made at the last moment stands for all
    /// that was written for it.
    private func stopBehindSnapshots(_ name: String, at writer: Int) throws {
        for attempt in 0..<5 {
            try writeBehind("\(name)\(attempt)-", at: writer)
            image = try stopped()
            if try DamagePlaces(in: image).isComplete { return }
            try cluster.start(index)
            try cluster.waitUntilReady([index])
        }
        throw DamageFailure("a snapshot was made each time before the member was stopped")
    }

    /// Kills the member once its disk has the last write.
    private func stopped() throws -> DirectoryImage {
        guard let last = acknowledged.versions.last?.value else { throw DamageFailure("nothing was written") }
        let path = cluster.dataPath(index)
        try eventually("the last write is on the member's disk") {
            let name = "log-0000000000000001"
            let groups = try DiskGroup.all(try DirectoryImage(of: path).file(name), file: name)
            return groups.last?.stream.firstRange(of: Array(last.utf8)) != nil
        }
        try settle()
        cluster.kill(index)
        return try DirectoryImage(of: path)
    }

    /// Both others know the newest term and everything that is committed.
    private func settle() throws {
        for other in others {
            let answer = try cluster.client(other).request("GET", "/v1/kv?children&count")
            #expect(answer.status == 200, "the others go on serving: \(answer)")
        }
    }

    /// While the member is down: whoever leads now knows nothing of how far its log went.
    private func moveLeadership() throws {
        let leader = try cluster.leader()
        guard let next = others.first(where: { $0 != leader }) else { return }
        let wish = "{\"to\":\"\(cluster.seats[next].name)\"}"
        try eventually("another one leads") {
            try cluster.client(leader).request("POST", "/v1/cluster/leader", body: wish).status == 200
        }
    }

    /// Makes the member lose something, so that its directory has the traces of that: an end in the log, and the doubt in
    /// the vote slots. An election that comes afterwards by chance takes the doubt away.
    func scar() throws {
        for attempt in 0..<5 {
            let middle = try DamagePlaces(in: image).middle()
            let edit = DamageEdit(file: middle.file, offset: middle.offset + 200, change: .flip(1))
            try image.damaged([edit]).write(to: cluster.dataPath(index))
            try cluster.start(index)
            try cluster.waitUntilReady([index])
            try stopBehindSnapshots("scarred\(attempt)-", at: index)
            guard try image.file("vote").read(4..<5) == [2], (try? DamagePlaces(in: image).ofEnd()) != nil else {
                continue
            }
            try moveLeadership()
            let server = try ServerProcess(
                cluster.arguments(index) + cluster.flags, in: cluster.scratch, name: "as-it-is")
            guard try outcome(of: server) == nil else { throw DamageFailure("it does not start with its scar") }
            toldAnyway = DamageTrial.repairs(in: try server.log())
            try settle()
            server.process.killAndWait()
            return
        }
        throw DamageFailure("the vote slots never held a doubt")
    }

    // MARK: One place

    /// Tries all of them.
    /// - Returns: in one line, what they came to.
    func run(_ places: [DamagedPlace]) throws -> String {
        #expect(Set(places.map(\.name)).count == places.count, "two places have one name")
        var failures = 0
        for place in places where failures < 5 {
            do {
                try run(place)
            } catch {
                Issue.record("\(place): \(error)")
                failures += 1
            }
        }
        let said = DamageConsequence.allCases.compactMap { consequence in
            counts[consequence].map { "\($0) \(consequence.rawValue)" }
        }
        return "damage: \(places.count) places of \(isAlone ? "an only member" : "a member of three"): "
            + said.joined(separator: ", ")
    }

    private func run(_ place: DamagedPlace) throws {
        let path = cluster.dataPath(index)
        let damaged = try image.damaged(place.edits)
        try damaged.write(to: path)
        if !isAlone {
            let writer = try cluster.client(others[starts % others.count])
            try moveLeadership()
            try acknowledged.put("/beat", "\(place)", through: writer)
        }
        starts += 1
        let server = try ServerProcess(
            cluster.arguments(index) + cluster.flags, in: cluster.scratch, name: "place-\(starts)")
        let ending = try outcome(of: server)
        try settle()
        if let ending {
            let log = try server.log()
            #expect(ending == .exited(code: 65), "\(place): \(log.suffix(600))")
            let isNamed = log.contains("start_failed") && place.names.contains { log.contains($0) }
            #expect(isNamed, "\(place): \(log.suffix(600))")
            #expect(try DirectoryImage(of: path) == damaged, "\(place): a refusal changed the directory")
            return count(.refused, place)
        }
        let log = try server.log()
        var consequence = consequence(of: log)
        if isAlone, place.expected.alone == .givenUp {
            #expect(log.contains("last group"), "\(place): \(log)")
            try acknowledged.withoutLast().check(try cluster.client(index), "\(place)")
            consequence = .givenUp
        } else {
            try acknowledged.check(try cluster.client(index), "\(place)")
        }
        if consequence == .refetched {
            try eventually("\(place): the doubt is over") { try server.log().contains("doubt_over") }
        }
        count(consequence, place)
        try settle()
        server.process.killAndWait()
    }

    /// - Returns: how the process ended, or `nil` once it is ready.
    private func outcome(of server: ServerProcess) throws -> ChildProcess.Ending? {
        var ending: ChildProcess.Ending?
        try eventually("it is ready or ends", within: 15_000) {
            ending = server.process.poll()
            if ending != nil { return true }
            return try cluster.client(index).request("GET", "/readyz").status == 200
        }
        // What it says of its files stands before this.
        if ending == nil { try server.waitUntilLogged("\"event\":\"listening\"") }
        return ending
    }

    private static func repairs(in log: String) -> Set<String> {
        let event = "\"event\":\"recovered\""
        return Set(
            log.split(separator: "\n").compactMap { line in
                line.firstRange(of: event).map { String(line[$0.upperBound...]) }
            })
    }

    private func consequence(of log: String) -> DamageConsequence {
        let isDoubtful = ["and groups were written after it: the entries from", "a doubtful last group was cut off"]
            .contains { log.contains($0) }
        if isDoubtful { return .refetched }
        return !DamageTrial.repairs(in: log).isSubset(of: toldAnyway) ? .repaired : .unnoticed
    }

    private func count(_ consequence: DamageConsequence, _ place: DamagedPlace) {
        counts[consequence, default: 0] += 1
        let expected = isAlone ? place.expected.alone : place.expected.ofThree
        #expect(consequence == expected, "\(place) came to '\(consequence.rawValue)'")
    }
}
