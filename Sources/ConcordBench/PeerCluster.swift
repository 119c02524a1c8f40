import ConcordLinux
import Foundation

/// Three members of another coordination service, started and driven through a script and the service's own client.
package final class PeerCluster: Sendable {
    /// What a driver printed.
    package struct Figures: Sendable, Equatable {
        package var operationsPerSecond: Double
        package var p50Milliseconds: Double
        package var p99Milliseconds: Double
        package var errors: Int
    }

    let name: String
    private let script: String
    private let programs: String
    private let directory: String

    /// Starts the members; they are stopped by `stop`, also when a signal ends this program.
    init(_ name: String, script: String, programs: String, directory: String) throws {
        self.name = name
        self.script = script
        self.programs = URL(fileURLWithPath: programs).path
        self.directory = "\(directory)/concord-bench-\(name)-\(ProcessEnvironment.processIdentifier)"
        guard FileManager.default.isExecutableFile(atPath: driver) else {
            throw TestCluster.Failure(description: "\(driver) is missing; run: PEERS_BIN=\(programs) \(script) install")
        }
        try runScript(["start", name, self.directory])
    }

    func stop() {
        do {
            try runScript(["stop", name, directory])
        } catch {
            StandardDescriptor.error.writeAll([UInt8]("\(error)\n".utf8))
        }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// The leader's client address.
    func leader() throws -> String {
        let text = try runScript(["leader", name]).trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else { throw TestCluster.Failure(description: "\(name) has no leader") }
        return text
    }

    var processIdentifiers: [Int32] {
        let text = (try? String(contentsOfFile: "\(directory)/pids", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { Int32($0) }
    }

    /// Runs the service's own load driver against its leader.
    /// - Returns: `nil` for work that the service does not have.
    func measure(_ plan: LoadPlan, leader: String) throws -> Figures? {
        let numbers = ["\(Int(plan.seconds))", "\(plan.valueBytes)", "\(plan.keys)"]
        let arguments: [String]
        switch (name, plan.work) {
        case ("etcd", .put): arguments = [leader, "put", "\(plan.clients)"] + numbers
        case ("etcd", .get): arguments = [leader, "get", "\(plan.clients)"] + numbers
        case ("etcd", .localGet): arguments = [leader, "sget", "\(plan.clients)"] + numbers
        case ("zk", .put): arguments = [leader, "set"] + PeerCluster.connections(plan.clients) + numbers
        case ("zk", .localGet): arguments = [leader, "get"] + PeerCluster.connections(plan.clients) + numbers
        default: return nil
        }
        let text = try ProgramRun.run(driver, arguments)
        guard let figures = PeerCluster.parse(text) else {
            throw TestCluster.Failure(description: "the driver of \(name) printed: \(text)")
        }
        return figures
    }

    /// ZooKeeper's client is asynchronous: many requests on up to eight connections, a request under way for each
    /// client.
    private static func connections(_ clients: Int) -> [String] {
        let connections = min(clients, 8)
        return ["\(connections)", "\(max(1, clients / connections))"]
    }

    /// `etcd put clients=1 ops/s=822 p50=1.13ms p99=2.70ms p999=4.00ms errors=0`
    package static func parse(_ text: String) -> Figures? {
        var values: [Substring: Double] = [:]
        for word in text.split(whereSeparator: \.isWhitespace) {
            let halves = word.split(separator: "=", maxSplits: 1)
            guard halves.count == 2 else { continue }
            values[halves[0]] = Double(halves[1].hasSuffix("ms") ? halves[1].dropLast(2) : halves[1])
        }
        guard let rate = values["ops/s"], let p50 = values["p50"], let p99 = values["p99"],
            let errors = values["errors"]
        else { return nil }
        return Figures(
            operationsPerSecond: rate, p50Milliseconds: p50, p99Milliseconds: p99, errors: Int(errors.rounded()))
    }

    private var driver: String { "\(programs)/\(name)_bench" }

    @discardableResult
    private func runScript(_ arguments: [String]) throws -> String {
        try ProgramRun.run("bash", [script] + arguments, environment: ["PEERS_BIN=\(programs)"])
    }
}
