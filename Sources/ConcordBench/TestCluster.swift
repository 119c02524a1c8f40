package import ConcordClient
import ConcordLinux
import Foundation
import Synchronization

/// Members of one's own, three unless told, found beside this program, to be frozen, killed and started again. Members are killed
/// by the kernel when this program ends, however that happens.
package final class TestCluster: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package struct Member: Sendable {
        let name: String
        let endpoint: HostAndPort
        let dataDirectory: String
        let logPath: String
        let arguments: [String]

        var url: String { "http://\(endpoint)" }
    }

    private let program: String
    private let environment: [String]
    package let directory: String
    package let members: [Member]
    private let processes: Mutex<[ChildProcess?]>

    /// Makes the directories and chooses ports; starts nothing.
    /// - Parameters:
    ///   - program: `concordd`; by default the one beside this program.
    ///   - directory: by default a new one among the temporary files.
    ///   - preload: a library that every member is made to load first.
    ///   - count: how many members, at most nine.
    ///   - flags: of every member.
    package init(
        program: String? = nil, directory: String? = nil, preload: String? = nil, members count: Int = 3,
        flags: [String] = []
    ) throws {
        let beside = URL(fileURLWithPath: ProcessEnvironment.executablePath).deletingLastPathComponent()
        self.program = program ?? beside.appendingPathComponent("concordd").path
        guard FileManager.default.isExecutableFile(atPath: self.program) else {
            throw Failure(description: "\(self.program) is missing; build it, or name it with --concordd")
        }
        let base = directory ?? FileManager.default.temporaryDirectory.path
        self.directory = "\(base)/concord-bench-\(ProcessEnvironment.processIdentifier)"
        try FileManager.default.createDirectory(atPath: self.directory, withIntermediateDirectories: true)
        var environment = ProcessEnvironment.entries.filter { !$0.hasPrefix("CONCORD_") }
        if let preload { environment.append("LD_PRELOAD=\(preload)") }
        self.environment = environment
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"].prefix(count)
        let ports = try TestCluster.freePorts(2 * names.count)
        let list = zip(names, ports.dropFirst(names.count)).map { "\($0)=127.0.0.1:\($1)" }.joined(separator: ",")
        var members: [Member] = []
        for (index, name) in names.enumerated() {
            let endpoint = HostAndPort(host: "127.0.0.1", port: ports[index])
            let data = "\(self.directory)/\(name)"
            members.append(
                Member(
                    name: name, endpoint: endpoint, dataDirectory: data, logPath: "\(self.directory)/\(name).log",
                    arguments: [
                        "serve", "--name", name, "--data", "\(data)/member", "--listen", "\(endpoint)", "--peer-listen",
                        "127.0.0.1:\(ports[names.count + index])", "--cluster", list,
                    ] + flags))
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        }
        self.members = members
        self.processes = Mutex([ChildProcess?](repeating: nil, count: names.count))
    }

    /// Ports that nobody listens on, below those that the kernel gives to outgoing connections: while a member is
    /// down no connection may take its port.
    private static func freePorts(_ count: Int) throws -> [UInt16] {
        for _ in 0..<1000 {
            let base = UInt16.random(in: 10_000...30_000)
            let ports = (0..<count).map { base + UInt16($0) }
            if ports.allSatisfy(isFree) { return ports }
        }
        throw Failure(description: "no free ports were found")
    }

    private static func isFree(_ port: UInt16) -> Bool {
        guard let address = SocketAddress.literal(HostAndPort(host: "127.0.0.1", port: port)) else { return false }
        return (try? ListeningSocket(address, name: "a free port")) != nil
    }

    // MARK: Processes

    /// - Parameters:
    ///   - other: a build other than the cluster's own.
    ///   - flags: besides those that every start has.
    package func start(_ index: Int, program other: String? = nil, flags: [String] = []) throws {
        let member = members[index]
        let log = try Descriptor.appending(member.logPath)
        let process = try ChildProcess(
            path: other ?? program, arguments: member.arguments + flags, environment: environment,
            standard: ChildProcess.Standard(output: log.number, error: log.number))
        processes.withLock { $0[index] = process }
    }

    package func startAll() throws {
        for index in members.indices { try start(index) }
    }

    func process(_ index: Int) throws -> ChildProcess {
        guard let process = processes.withLock({ $0[index] }) else {
            throw Failure(description: "the member \(members[index].name) does not run")
        }
        return process
    }

    package var processIdentifiers: [Int32] { processes.withLock { $0.compactMap { $0?.identifier } } }

    /// Kills members with SIGKILL, all before waiting for any.
    package func kill(_ indices: [Int]) {
        let killed = processes.withLock { processes in
            indices.compactMap { index in
                defer { processes[index] = nil }
                return processes[index]
            }
        }
        for process in killed { process.send(.kill) }
        for process in killed { process.killAndWait() }
    }

    package func killAll() { kill(Array(members.indices)) }

    /// Kills what still runs and removes the directory, unless it may tell what went wrong.
    package func cleanUp(keepingFiles: Bool) {
        killAll()
        if !keepingFiles { try? FileManager.default.removeItem(atPath: directory) }
    }

    // MARK: Asking

    /// - Parameter first: which member is asked first.
    package func client(first: Int = 0, timeout: Duration = .seconds(30)) throws -> ConcordClient {
        var options = ConcordClient.Options()
        options.timeout = timeout
        let order = members.indices.map { members[($0 + first) % members.count].url }
        return try ConcordClient(endpoints: order, options: options)
    }

    /// Waits until a member says that it leads and is ready.
    package func waitForLeader(seconds: Double = 30) async throws -> Int {
        let client = try client()
        defer { client.shutdown() }
        let deadline = SystemClock.monotonicMilliseconds() + UInt64(seconds * 1000)
        while SystemClock.monotonicMilliseconds() < deadline {
            for (index, member) in members.enumerated() {
                guard let endpoint = ConcordEndpoint(member.url), let status = try? await client.status(of: endpoint),
                    status.role == "leader", status.isReady
                else { continue }
                return index
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Failure(description: "no leader within \(seconds) s; the logs are in \(directory)")
    }

    /// Waits until every member answers and is ready.
    package func waitUntilAllReady(seconds: Double = 30) async throws {
        let client = try client()
        defer { client.shutdown() }
        let deadline = SystemClock.monotonicMilliseconds() + UInt64(seconds * 1000)
        for member in members {
            guard let endpoint = ConcordEndpoint(member.url) else { continue }
            while (try? await client.status(of: endpoint))?.isReady != true {
                guard SystemClock.monotonicMilliseconds() < deadline else {
                    throw Failure(description: "\(member.name) is not ready; its log is \(member.logPath)")
                }
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }
}
