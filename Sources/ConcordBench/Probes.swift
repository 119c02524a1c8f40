import ConcordBytes
package import ConcordLinux

/// What the machine itself gives, measured beside every figure: without it a figure says nothing.
package struct Probes: Sendable {
    /// Half of the writes of 4 KiB over blocks that were written before were durable within this time.
    package var synchroniseMicroseconds: Double
    package var synchroniseMicrosecondsP99: Double
    /// A byte there and back over a TCP connection on loopback, half of the times.
    package var roundTripMicroseconds: Double

    /// - Parameter directory: on the file system whose disk is asked.
    package static func measure(in directory: String) throws(SystemError) -> Probes {
        let disk = try synchronise(in: directory)
        return Probes(
            synchroniseMicroseconds: disk.median, synchroniseMicrosecondsP99: disk.quantile(0.99),
            roundTripMicroseconds: try roundTrip().median)
    }

    private static let writes = 400
    private static let fileBytes = 4 << 20
    private static let blockBytes = 4096

    private static func synchronise(in path: String) throws(SystemError) -> Sample {
        _ = try Directory.create(path)
        let directory = try Directory(path)
        let name = ".concord-bench-\(ProcessEnvironment.processIdentifier)"
        let file = try directory.open(name, creating: true)
        defer { _ = try? directory.remove(name) }
        let chunk = [UInt8](repeating: 0x55, count: 1 << 20)
        for offset in stride(from: 0, to: fileBytes, by: chunk.count) { try file.write(chunk, at: offset) }
        try file.synchronize()
        let block = [UInt8](repeating: 0xAA, count: blockBytes)
        var times: [Double] = []
        for index in 0..<writes {
            let start = SystemClock.monotonicNanoseconds()
            try file.write(block, at: index * blockBytes % fileBytes)
            try file.synchronizeData()
            times.append(Double(SystemClock.monotonicNanoseconds() - start) / 1000)
        }
        return Sample(times)
    }

    private static let exchanges = 2000

    private static func roundTrip() throws(SystemError) -> Sample {
        guard let any = SocketAddress.literal(HostAndPort(host: "127.0.0.1", port: 0)) else {
            throw SystemError(operation: "probe loopback", text: "there is no loopback address")
        }
        let listener = try ListeningSocket(any, name: "127.0.0.1:0")
        let target = HostAndPort(host: "127.0.0.1", port: try listener.localPort())
        let answering = try Thread.start(name: "echo") { echo(to: target) }
        defer { answering.join() }
        guard try listener.descriptor.waitReadable(milliseconds: 5000), let socket = try listener.accept() else {
            throw .timeout("probe loopback")
        }
        let stream = BlockingStream(socket)
        let scratch = ScratchBuffer(count: 64)
        var input = ByteQueue()
        var times: [Double] = []
        for _ in 0..<exchanges {
            let start = SystemClock.monotonicNanoseconds()
            let deadline = start / 1_000_000 + 5000
            try stream.sendAll([1], deadline: deadline)
            guard try stream.receive(into: &input, scratch: scratch, deadline: deadline) else { break }
            input.consume(input.count)
            times.append(Double(SystemClock.monotonicNanoseconds() - start) / 1000)
        }
        return Sample(times)
    }

    /// Sends every byte back until the other side closes.
    private static func echo(to target: HostAndPort) {
        guard let stream = try? BlockingStream.connect(to: target, timeoutMilliseconds: 5000) else { return }
        let scratch = ScratchBuffer(count: 64)
        var input = ByteQueue()
        while true {
            let deadline = SystemClock.monotonicMilliseconds() + 5000
            guard (try? stream.receive(into: &input, scratch: scratch, deadline: deadline)) ?? false,
                (try? stream.sendAll(&input, deadline: deadline)) != nil
            else { return }
        }
    }
}
