internal import ConcordBytes
internal import ConcordLinux

/// `concordd dev`: a whole cluster on this machine, every member a process of its own.
package enum DevCluster {
    package struct Options: Sendable {
        package var port: UInt16
        package var membersCount: Int
        package var dataDirectory: String

        package init(port: UInt16, membersCount: Int, dataDirectory: String) {
            self.port = port
            self.membersCount = membersCount
            self.dataDirectory = dataDirectory
        }
    }

    /// Runs the members until Ctrl-C or SIGTERM. A member that ends is not started again.
    package static func run(_ options: Options) -> ServerExit {
        do throws(SystemError) {
            SignalSource.ignoreBrokenPipes()
            let signals = try SignalSource([.terminate, .interrupt])
            for changed in try Directory.create(options.dataDirectory) { try Directory(changed).synchronize() }
            var cluster = try Members(options)
            cluster.introduce()
            return try cluster.watch(signals)
        } catch {
            StandardDescriptor.error.writeAll(Array("concordd dev: \(error)\n".utf8))
            return .failed
        }
    }

    fileprivate static func say(_ text: String) {
        StandardDescriptor.output.writeAll(Array("\(text)\n".utf8))
    }
}

private struct Member {
    let name: String
    let clientPort: UInt16
    let arguments: [String]
    let logPath: String
    let process: ChildProcess
    var hasEnded = false

    var url: String { "http://127.0.0.1:\(clientPort)" }
    var command: String { "concordd \(arguments.joined(separator: " "))" }
}

private struct Members {
    private static let stopMilliseconds: UInt64 = 5000
    private static let probeMilliseconds: UInt64 = 50

    private let options: DevCluster.Options
    private var members: [Member] = []
    private var isReady = false
    private var killsAt: UInt64?

    init(_ options: DevCluster.Options) throws(SystemError) {
        self.options = options
        let names = (0..<options.membersCount).map { String(UnicodeScalar(UInt8(ascii: "a") + UInt8($0))) }
        let ports = (0..<options.membersCount).map { options.port + 10 * UInt16($0) }
        let list = zip(names, ports).map { "\($0)=127.0.0.1:\($1 + 1)" }.joined(separator: ",")
        for (name, port) in zip(names, ports) {
            let arguments = [
                "serve", "--name", name, "--data", "\(options.dataDirectory)/\(name)", "--listen", "127.0.0.1:\(port)",
                "--peer-listen", "127.0.0.1:\(port + 1)", "--cluster", list,
            ]
            let logPath = "\(options.dataDirectory)/\(name).log"
            let log = try Descriptor.appending(logPath)
            let process = try ChildProcess(
                path: ProcessEnvironment.executablePath, arguments: arguments,
                environment: ProcessEnvironment.entries.filter { !$0.hasPrefix("CONCORD_") },
                standard: .init(error: log.number))
            members.append(
                Member(name: name, clientPort: port, arguments: arguments, logPath: logPath, process: process))
        }
    }

    func introduce() {
        DevCluster.say("A cluster of \(members.count) on this machine, its data in \(options.dataDirectory):\n")
        for member in members {
            DevCluster.say(
                "  \(member.name)  \(member.url)  process \(member.process.identifier)  log \(member.logPath)")
        }
        guard let first = members.first, let last = members.last else { return }
        DevCluster.say(
            """

            Try:
              curl -X PUT -d world \(first.url)/v1/kv/hello
              curl \(last.url)/v1/kv/hello
              curl \(first.url)/v1/cluster
              kill -9 \(first.process.identifier)    (and write again, to another member)

            """)
    }

    mutating func watch(_ signals: borrowing SignalSource) throws(SystemError) -> ServerExit {
        let loop = try EventLoop()
        let signalToken = UInt64(members.count)
        try loop.watch(signals.descriptor.number, token: signalToken, interest: .readable)
        for (index, member) in members.enumerated() {
            try loop.watch(member.process.descriptor.number, token: UInt64(index), interest: .readable)
        }
        var ready: [ReadyDescriptor] = []
        while members.contains(where: { !$0.hasEnded }) || killsAt == nil {
            let now = SystemClock.monotonicMilliseconds()
            try loop.wait(until: killsAt ?? (isReady ? nil : now + Members.probeMilliseconds), into: &ready)
            for event in ready {
                if event.token == signalToken {
                    while try signals.next() != nil { stop() }
                } else if let ending = members[Int(event.token)].process.poll() {
                    loop.ignore(members[Int(event.token)].process.descriptor.number)
                    members[Int(event.token)].hasEnded = true
                    report(members[Int(event.token)], ending)
                }
            }
            if let killsAt, killsAt <= SystemClock.monotonicMilliseconds() {
                for member in members { member.process.send(.kill) }
                self.killsAt = now + Members.stopMilliseconds
            }
            if !isReady && killsAt == nil { probe() }
            if !isReady && members.allSatisfy(\.hasEnded) { return .failed }
        }
        return .success
    }

    /// The first signal asks all members to end; after five seconds, or at a later signal, they are killed.
    private mutating func stop() {
        let now = SystemClock.monotonicMilliseconds()
        if let killsAt {
            let asked = killsAt - min(killsAt, Members.stopMilliseconds)
            if now >= asked + ServerLimits.impatienceMilliseconds { self.killsAt = now }
            return
        }
        killsAt = now + Members.stopMilliseconds
        for member in members { member.process.send(.terminate) }
    }

    private func report(_ member: Member, _ ending: ChildProcess.Ending) {
        guard killsAt == nil else { return }
        let how =
            switch ending {
            case .exited(let code): "ended with exit code \(code)"
            case .killed(let signal): "was ended by signal \(signal)"
            }
        var text = "member \(member.name) \(how); its log is \(member.logPath)"
        if case .exited = ending, let line = lastLine(of: member) {
            text += " and ends in:\n  \(line)\nT"
        } else {
            text += ". T"
        }
        DevCluster.say("\(text)o start it again:\n  \(member.command)")
    }

    private func lastLine(of member: Member) -> String? {
        guard let file = try? Directory(options.dataDirectory).open("\(member.name).log", creating: false),
            let size = try? file.size(), let bytes = try? file.read(at: max(0, size - 8192), count: 8192),
            let line = bytes.split(separator: UInt8(ascii: "\n")).last
        else { return nil }
        return String(decoding: line, as: UTF8.self)
    }

    private mutating func probe() {
        guard members.contains(where: { !$0.hasEnded && answers($0) }) else { return }
        isReady = true
        DevCluster.say("ready")
    }

    /// Whether the member says that it is ready.
    private func answers(_ member: Member) -> Bool {
        let deadline = SystemClock.monotonicMilliseconds() + 200
        let target = HostAndPort(host: "127.0.0.1", port: member.clientPort)
        var answer = ByteQueue()
        do throws(SystemError) {
            let stream = try BlockingStream.connect(to: target, timeoutMilliseconds: 200)
            let request = "GET /readyz HTTP/1.1\r\nHost: \(target)\r\nConnection: close\r\n\r\n"
            try stream.sendAll(Array(request.utf8), deadline: deadline)
            let scratch = ScratchBuffer(count: 4096)
            while answer.count < 12, try stream.receive(into: &answer, scratch: scratch, deadline: deadline) {}
        } catch {
            return false
        }
        return answer.count >= 12 && answer.take(12) == Array("HTTP/1.1 200".utf8)
    }
}
