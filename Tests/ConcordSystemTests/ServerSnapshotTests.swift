import ConcordLinux
import Testing

@Suite("Snapshots of real processes", .serialized)
struct ServerSnapshotTests {
    private func logFiles(_ cluster: ServerCluster, _ index: Int) throws -> [String] {
        let directory = try Directory(cluster.dataPath(index))
        return try directory.list().filter { $0.hasPrefix("log-") && !$0.hasSuffix(".new") }
    }

    private func writtenSnapshots(_ cluster: ServerCluster, _ index: Int) throws -> Int {
        try cluster.processes[index]?.log().split(separator: "\n").count { $0.contains("snapshot_written") } ?? 0
    }

    /// Writes until the member has made so many snapshots.
    private func write(_ cluster: ServerCluster, at index: Int, snapshots: Int) throws -> Int {
        let client = try cluster.client(index)
        // What was replaced is a part of the state, too.
        let settings = "{\"settings\":{\"history_bytes_max\":100000}}"
        #expect(try client.request("PUT", "/v1/cluster/settings", body: settings).status == 200)
        let value = String(repeating: "x", count: 40_000)
        var number = 0
        while try writtenSnapshots(cluster, index) < snapshots, number < 5000 {
            let answer = try client.request("PUT", "/v1/kv/k\(number % 10)", body: "\(number) \(value)")
            #expect(answer.status == 200 || answer.status == 201)
            number += 1
        }
        return number - 1
    }

    @Test("a member that lacks what the others have released is brought on by a snapshot")
    func followerBehind() throws {
        let cluster = try ServerCluster(adding: ["--snapshot-after", "256KiB"])
        try cluster.waitUntilReady()
        let leader = try cluster.leader()
        let behind = (leader + 1) % 3
        cluster.kill(behind)
        let last = try write(cluster, at: leader, snapshots: 4)
        try cluster.start(behind)
        try cluster.waitUntilReady([behind])
        let client = try cluster.client(behind)
        #expect(try client.request("GET", "/v1/kv/k\(last % 10)?raw").body.hasPrefix("\(last) "))
        try cluster.processes[behind]?.waitUntilLogged("snapshot_installed")
        try eventually("the members agree") {
            let hashes = try (0..<3).map { index in
                try cluster.status(index).split(separator: ",").first { $0.contains("state_hash") }
            }
            return hashes[0] != nil && hashes.allSatisfy { $0 == hashes[0] }
        }
        #expect(try client.request("PUT", "/v1/kv/after", body: "y").status == 201)
    }

    @Test("a cluster that was killed comes back from its snapshots, and its logs stay short")
    func allKilled() throws {
        let cluster = try ServerCluster(adding: ["--snapshot-after", "1MiB"])
        try cluster.waitUntilReady()
        let leader = try cluster.leader()
        #expect(try cluster.client(leader).request("PUT", "/v1/kv/first", body: "1").status == 201)
        let last = try write(cluster, at: leader, snapshots: 20)
        let files = try logFiles(cluster, leader)
        #expect(files.count <= 4, "\(files)")
        #expect(!files.contains("log-0000000000000001"))
        for index in 0..<3 { cluster.kill(index) }
        for index in 0..<3 { try cluster.start(index) }
        try cluster.waitUntilReady()
        let client = try cluster.client(leader)
        try cluster.processes[leader]?.waitUntilLogged("snapshot_restored")
        #expect(try client.request("GET", "/v1/kv/first?raw").body == "1")
        #expect(try client.request("GET", "/v1/kv/k\(last % 10)?raw").body.hasPrefix("\(last) "))
    }
}
