extension ConcordClient {
    /// How a client behaves. The defaults suit a service that would rather wait out an election than fail.
    public struct Options: Sendable {
        /// How long a call goes on trying, retries and waiting included; from 1 ms to 60 s.
        public var timeout: Duration = .seconds(30)
        /// How long one attempt at one member may take before the call turns to the next; from 1 ms to 60 s.
        public var attemptTimeout: Duration = .seconds(3)
        /// Connections kept to each member; more requests wait for a free one. Only the socket transport asks.
        public var connectionsPerEndpoint: Int = 64

        /// The defaults.
        public init() {}
    }
}

extension ConcordClient.Options {
    func checked() throws(ConcordError) -> ConcordClient.Options {
        let most = Duration.milliseconds(ClientLimits.callMillisecondsMax)
        let least = Duration.milliseconds(1)
        guard timeout >= least, timeout <= most else {
            throw ConcordError(.invalidArgument, detail: "timeout must be from 1 ms to 60 s")
        }
        guard attemptTimeout >= least, attemptTimeout <= most else {
            throw ConcordError(.invalidArgument, detail: "attemptTimeout must be from 1 ms to 60 s")
        }
        guard connectionsPerEndpoint >= 1, connectionsPerEndpoint <= 10_000 else {
            throw ConcordError(.invalidArgument, detail: "connectionsPerEndpoint must be from 1 to 10,000")
        }
        return self
    }
}
