internal import ConcordLinux

/// A port of this member, which survives that no descriptor is left for a new connection.
final class Listener {
    private var socket: ListeningSocket?
    let token: Token
    let port: UInt16
    /// Nothing is accepted before this time: after a shortage.
    private(set) var resumesAt: UInt64?
    private let number: Int32
    private let poller: Poller
    /// Given up for a moment when no other descriptor is left, so that waiting clients are turned away instead of
    /// hanging.
    private var spare: Wakeup?

    /// Connections taken in one turn, so that a storm of them leaves time for those that are there.
    private static let acceptsPerTurn = 64
    private static let shortagePauseMilliseconds: UInt64 = 100

    init(_ address: SocketAddress, name: String, kind: Token.Kind, poller: Poller) throws(SystemError) {
        let socket = try ListeningSocket(address, name: name)
        port = try socket.localPort()
        token = Token(kind)
        try poller.loop.watch(socket.descriptor.number, token: token.rawValue, interest: .readable)
        spare = try Wakeup()
        number = socket.descriptor.number
        self.socket = consume socket
        self.poller = poller
    }

    /// Listens no more: whoever dials is refused from now on.
    func close() {
        socket = nil
        resumesAt = nil
    }

    /// Hands each waiting connection to `take`.
    /// - Returns: what the system lacks, when it lacks something.
    func acceptAll(now: UInt64, _ take: (consuming StreamSocket) -> Void) -> SystemError? {
        for _ in 0..<Listener.acceptsPerTurn {
            do throws(SystemError) {
                guard let connection = try socket?.accept() else { return nil }
                take(connection)
            } catch {
                if error.isDescriptorShortage { turnOneAway() }
                resumesAt = now + Listener.shortagePauseMilliseconds
                poller.loop.ignore(number)
                return error
            }
        }
        return nil
    }

    /// Begins to accept again when the pause is over.
    func tick(now: UInt64) {
        guard let resumesAt, resumesAt <= now else { return }
        if spare == nil { spare = try? Wakeup() }
        do throws(SystemError) {
            try poller.loop.watch(number, token: token.rawValue, interest: .readable)
            self.resumesAt = nil
        } catch {
            self.resumesAt = now + Listener.shortagePauseMilliseconds
        }
    }

    private func turnOneAway() {
        spare = nil
        if let connection = try? socket?.accept() { _ = connection.number }
        spare = try? Wakeup()
    }
}
