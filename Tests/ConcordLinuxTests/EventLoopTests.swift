import ConcordBytes
import ConcordLinux
import Testing

@Suite("An event loop")
struct EventLoopTests {
    @Test("waits until its deadline when nothing happens")
    func deadline() throws {
        let loop = try EventLoop()
        var ready: [ReadyDescriptor] = []
        let start = SystemClock.monotonicMilliseconds()
        try loop.wait(until: start + 20, into: &ready)
        #expect(ready.isEmpty)
        #expect(SystemClock.monotonicMilliseconds() >= start + 20)
    }

    @Test("comes back at once when the deadline is over")
    func deadlineInThePast() throws {
        let loop = try EventLoop()
        var ready = [ReadyDescriptor(token: 9, isReadable: true, isWritable: false, isClosed: false)]
        try loop.wait(until: 0, into: &ready)
        #expect(ready.isEmpty)
    }

    @Test("is woken by another thread, also when the signal came before the wait")
    func wakeup() throws {
        let loop = try EventLoop()
        let wakeup = loop.wakeup
        var ready: [ReadyDescriptor] = []
        let thread = try Thread.start(name: "waker") { wakeup.signal() }
        thread.join()
        try loop.wait(until: nil, into: &ready)
        #expect(ready.isEmpty)
        // The signal was taken back: the next wait is not woken by it.
        let start = SystemClock.monotonicMilliseconds()
        try loop.wait(until: start + 10, into: &ready)
        #expect(SystemClock.monotonicMilliseconds() >= start + 10)
    }

    @Test("tells connection, bytes, room and end of a socket under its token")
    func socketEvents() throws {
        let loop = try EventLoop()
        let loopback = try Loopback()
        try loop.watch(loopback.listener.descriptor.number, token: 1, interest: .readable)
        let client = try StreamSocket.connect(to: loopback.address)
        try loop.watch(client.number, token: 2, interest: .writable)
        var seen: Set<UInt64> = []
        var ready: [ReadyDescriptor] = []
        while seen.count < 2 {
            try loop.wait(until: soon(), into: &ready)
            try #require(!ready.isEmpty)
            for event in ready { seen.insert(event.token) }
        }
        #expect(client.connectionResult() == nil)
        guard let server = try loopback.listener.accept() else {
            Issue.record("the listener was ready and had no connection")
            return
        }
        let another = try loopback.listener.accept() == nil
        #expect(another, "one connection was accepted twice")

        try loop.change(client.number, token: 2, interest: .readable)
        try loop.watch(server.number, token: 3, interest: .readable)
        #expect(client.send(Array("hello".utf8), from: 0) == .moved(5))
        try loop.wait(until: soon(), into: &ready)
        #expect(ready == [ReadyDescriptor(token: 3, isReadable: true, isWritable: false, isClosed: false)])
        var queue = ByteQueue()
        let scratch = ScratchBuffer()
        #expect(server.receive(into: &queue, scratch: scratch) == .moved(5))
        #expect(queue.take(5) == Array("hello".utf8))
        #expect(server.receive(into: &queue, scratch: scratch) == .blocked)

        client.finishSending()
        try loop.wait(until: soon(), into: &ready)
        #expect(ready.map(\.token) == [3] && ready.allSatisfy(\.isReadable))
        #expect(server.receive(into: &queue, scratch: scratch) == .ended)
        loop.ignore(server.number)
        try loop.wait(until: 0, into: &ready)
        #expect(ready.isEmpty)
    }

    @Test("refuses a descriptor that is watched already")
    func watchedTwice() throws {
        let loop = try EventLoop()
        let wakeup = try Wakeup()
        try loop.watch(wakeup.number, token: 1, interest: .readable)
        #expect(throws: SystemError.self) {
            try loop.watch(wakeup.number, token: 2, interest: .readable)
        }
    }
}

@Suite("A mailbox")
struct MailboxTests {
    @Test("delivers what several threads post, each one's in order, and loses nothing")
    func manySenders() throws {
        let mailbox = Mailbox<(sender: Int, number: Int)>(waking: try Wakeup())
        let threads = try (0..<4).map { sender in
            try Thread.start(name: "sender") {
                for number in 0..<5_000 { mailbox.post((sender, number)) }
            }
        }
        var next = [0, 0, 0, 0]
        while next.reduce(0, +) < 20_000 {
            for (sender, number) in mailbox.waitAll() {
                #expect(next[sender] == number)
                next[sender] = number + 1
            }
        }
        threads.forEach { $0.join() }
        #expect(mailbox.takeAll().isEmpty)
    }

    @Test("posts many at once and none without a signal")
    func batches() throws {
        let mailbox = Mailbox<Int>(waking: try Wakeup())
        mailbox.post([])
        #expect(mailbox.waitAll(milliseconds: 1).isEmpty)
        mailbox.post([1, 2])
        mailbox.post([3])
        #expect(mailbox.waitAll() == [1, 2, 3])
    }

    @Test("gives up at the deadline")
    func deadline() throws {
        let mailbox = Mailbox<Int>(waking: try Wakeup())
        let start = SystemClock.monotonicMilliseconds()
        #expect(mailbox.waitAll(milliseconds: 15).isEmpty)
        #expect(SystemClock.monotonicMilliseconds() >= start + 15)
    }
}

/// A listener on a free port of this machine, and its address.
struct Loopback: ~Copyable {
    let listener: ListeningSocket
    let target: HostAndPort
    let address: SocketAddress

    init() throws {
        let any = try #require(SocketAddress.literal(HostAndPort(host: "127.0.0.1", port: 0)))
        let listener = try ListeningSocket(any, name: "127.0.0.1:0")
        let target = HostAndPort(host: "127.0.0.1", port: try listener.localPort())
        self.address = try #require(SocketAddress.literal(target))
        self.target = target
        self.listener = listener
    }
}

/// A deadline that a test meets unless it hangs.
func soon() -> UInt64 { SystemClock.monotonicMilliseconds() + 10_000 }
