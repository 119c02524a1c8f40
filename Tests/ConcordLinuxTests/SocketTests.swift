import ConcordBytes
import ConcordLinux
import Testing

@Suite("Addresses")
struct AddressTests {
    @Test(
        "are read as people write them",
        arguments: [
            ("127.0.0.1:7400", "127.0.0.1", 7400), ("localhost:0", "localhost", 0), ("[::1]:65535", "::1", 65535),
            ("node-1.example.org:1", "node-1.example.org", 1), ("[fe80::1%eth0]:5", "fe80::1%eth0", 5),
        ])
    func parsed(text: String, host: String, port: Int) throws {
        let parsed = try #require(HostAndPort(text))
        #expect(parsed.host == host)
        #expect(Int(parsed.port) == port)
        #expect(parsed.description == text)
    }

    @Test(
        "are refused when host or port is missing, ambiguous or strange",
        arguments: [
            "", ":", "7400", ":7400", "host", "host:", "host:65536", "host:-1", "host:+1", "host:1x", "::1:7400",
            "[::1]", "[host]:1", "ho st:1", "host/x:1", "host\u{0}:1", "hóst:1", "[]:1", "host:٣",
            String(repeating: "a", count: 256) + ":1",
        ])
    func refused(text: String) {
        #expect(HostAndPort(text) == nil)
    }

    @Test("know loopback and wildcard")
    func kinds() throws {
        func address(_ text: String) throws -> SocketAddress {
            let target = try #require(HostAndPort(text))
            return try #require(SocketAddress.literal(target))
        }
        #expect(try address("127.0.0.1:1").isLoopback)
        #expect(try address("127.9.9.9:1").isLoopback)
        #expect(try address("localhost:1").isLoopback)
        #expect(try address("[::1]:1").isLoopback)
        #expect(try !address("10.0.0.1:1").isLoopback)
        #expect(try !address("[::2]:1").isLoopback)
        #expect(try !address("0.0.0.0:1").isLoopback)
        #expect(try address("0.0.0.0:1").isWildcard)
        #expect(try address("[::]:1").isWildcard)
        #expect(try !address("127.0.0.1:1").isWildcard)
    }

    @Test("of other names are not guessed without a resolver")
    func names() {
        #expect(SocketAddress.literal(HostAndPort(host: "no-such-host", port: 1)) == nil)
    }
}

@Suite("Sockets")
struct SocketTests {
    @Test("a refused connection says so")
    func refused() throws {
        let target: HostAndPort
        do {
            let loopback = try Loopback()
            target = loopback.target
        }
        #expect {
            _ = try BlockingStream.connect(to: target, timeoutMilliseconds: 5_000)
        } throws: { error in
            (error as? SystemError)?.isConnectionRefused == true
        }
    }

    @Test("a connection whose listener is closed before anybody accepts it is reset while it connects")
    func resetBeforeAccepted() throws {
        let connection: StreamSocket
        do {
            let loopback = try Loopback()
            connection = try StreamSocket.connect(to: loopback.address)
            _ = try loopback.listener.descriptor.waitReadable(milliseconds: 10_000)
        }
        _ = try connection.descriptor.waitWritable(milliseconds: 10_000)
        #expect(connection.connectionResult()?.isConnectionReset == true)
    }

    @Test("two listeners on one port are refused with the address in the message")
    func inUse() throws {
        let loopback = try Loopback()
        #expect {
            _ = try ListeningSocket(loopback.address, name: "\(loopback.target)")
        } throws: { error in
            guard let error = error as? SystemError else { return false }
            return error.isAddressInUse && error.description.contains("\(loopback.target)")
        }
    }

    @Test("a megabyte goes through a blocking stream in both directions")
    func echo() throws {
        let loopback = try Loopback()
        let sent = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let target = loopback.target
        let client = try Thread.start(name: "client") {
            do {
                let stream = try BlockingStream.connect(to: target, timeoutMilliseconds: 10_000)
                try stream.sendAll(sent, deadline: soon())
                stream.socket.finishSending()
                var echoed = ByteQueue()
                let scratch = ScratchBuffer()
                while try stream.receive(into: &echoed, scratch: scratch, deadline: soon()) {}
                #expect(echoed.take(echoed.count) == sent)
            } catch {
                Issue.record(error)
            }
        }
        _ = try loopback.listener.descriptor.waitReadable(milliseconds: 10_000)
        guard let accepted = try loopback.listener.accept() else {
            Issue.record("nobody connected")
            return
        }
        let server = BlockingStream(accepted)
        var received = ByteQueue()
        let scratch = ScratchBuffer(count: 1000)
        while try server.receive(into: &received, scratch: scratch, deadline: soon()) {}
        #expect(received.count == sent.count)
        try server.sendAll(&received, deadline: soon())
        server.socket.finishSending()
        client.join()
    }

    @Test("a blocking stream gives up at its deadline")
    func timeout() throws {
        let loopback = try Loopback()
        let stream = try BlockingStream.connect(to: loopback.target, timeoutMilliseconds: 5_000)
        var queue = ByteQueue()
        let scratch = ScratchBuffer()
        #expect {
            _ = try stream.receive(
                into: &queue, scratch: scratch, deadline: SystemClock.monotonicMilliseconds() + 10)
        } throws: { error in
            (error as? SystemError)?.isTimeout == true
        }
    }

    @Test("sending to a connection that the other side reset is an error and no signal")
    func brokenPipe() throws {
        let loopback = try Loopback()
        let stream = try BlockingStream.connect(to: loopback.target, timeoutMilliseconds: 5_000)
        _ = try loopback.listener.descriptor.waitReadable(milliseconds: 10_000)
        do {
            _ = try loopback.listener.accept()
        }
        #expect(throws: SystemError.self) {
            for _ in 0..<1_000 { try stream.sendAll([UInt8](repeating: 1, count: 1000), deadline: soon()) }
        }
    }
}
