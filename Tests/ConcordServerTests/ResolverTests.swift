import ConcordLinux
import ConcordServer
import Synchronization
import Testing

@Suite("Looking up the names of peers")
struct ResolverTests {
    /// A system that does not answer for one name until it is let go.
    private final class SlowName: Sendable {
        let isFree = Atomic<Bool>(false)
        let name: String

        init(_ name: String) { self.name = name }

        func lookup(_ target: HostAndPort) throws(SystemError) -> [SocketAddress] {
            let pause = try Wakeup()
            while target.host == name, !isFree.load(ordering: .acquiring) { _ = pause.wait(milliseconds: 1) }
            guard let address = SocketAddress.literal(HostAndPort(host: "127.0.0.1", port: target.port)) else {
                return []
            }
            return [address]
        }
    }

    private func answers(of resolver: Resolver, count: Int) throws -> [HostAndPort] {
        let pause = try Wakeup()
        let deadline = SystemClock.monotonicMilliseconds() + 20_000
        var found: [HostAndPort] = []
        while found.count < count, SystemClock.monotonicMilliseconds() < deadline {
            found += resolver.takeAnswers().map(\.target)
            _ = pause.wait(milliseconds: 1)
        }
        return found
    }

    private func target(_ host: String, _ port: Int = 7401) -> HostAndPort {
        HostAndPort(host: host, port: UInt16(port))
    }

    @Test("holds up no name for another one whose answer does not come")
    func slowName() throws {
        let slow = SlowName("gone")
        let resolver = try Resolver(
            waking: try Wakeup(), lookup: { target throws(SystemError) in try slow.lookup(target) })
        let others = (0..<10).map { target("member-\($0)") }
        resolver.ask(target("gone"))
        for other in others { resolver.ask(other) }
        #expect(Set(try answers(of: resolver, count: 10)) == Set(others))
        slow.isFree.store(true, ordering: .releasing)
        #expect(try answers(of: resolver, count: 1) == [target("gone")])
    }

    @Test("answers every question, also with more names than threads, and more than are remembered")
    func manyNames() throws {
        let slow = SlowName("")
        let resolver = try Resolver(
            waking: try Wakeup(), lookup: { target throws(SystemError) in try slow.lookup(target) })
        let all = (1...3).flatMap { _ in (1...ServerLimits.lookupNamesMax + 44).map { target("member", $0) } }
        for one in all { resolver.ask(one) }
        let found = try answers(of: resolver, count: all.count)
        #expect(found.count == all.count)
        #expect(Set(found) == Set(all))
    }
}
