public import Foundation

/// A client of a Concord cluster. It may be used from any task; calls run at the same time as far as connections
/// allow.
///
/// Every call turns to another member when one does not answer, and goes on for as long as `Options.timeout`
/// allows. A write takes effect once, however often it had to be sent: it carries this client's identity and a
/// sequence, and the members keep its first outcome.
public final class ConcordClient: Sendable {
    /// The members that are asked.
    public let endpoints: [ConcordEndpoint]
    let caller: Caller

    /// A client of the members at `endpoints`, in the order in which they are tried.
    /// - Parameter endpoints: `http://HOST:PORT` each; one is enough, more survive the loss of members.
    /// - Throws: `invalidArgument` when an endpoint or an option is wrong.
    public convenience init(endpoints: [String], options: Options = Options()) throws(ConcordError) {
        let parsed = try ConcordClient.parse(endpoints)
        let transport = try ConcordClient.defaultTransport(for: parsed, options: try options.checked())
        try self.init(parsed, transport: transport, options: options, surroundings: .system)
    }

    /// A client of the members at `endpoints`, in the order in which they are tried.
    /// - Throws: `invalidArgument` when a URL is more than scheme, host and port, or an option is wrong.
    public convenience init(endpoints: [URL], options: Options = Options()) throws(ConcordError) {
        try self.init(endpoints: endpoints.map(\.absoluteString), options: options)
    }

    /// A client that sends its requests through `transport`, for tests and for networks of one's own.
    /// - Throws: `invalidArgument` when an endpoint or an option is wrong.
    public convenience init(
        endpoints: [String], transport: any ConcordTransport, options: Options = Options()
    ) throws(ConcordError) {
        try self.init(
            try ConcordClient.parse(endpoints), transport: transport, options: options, surroundings: .system)
    }

    package convenience init(
        endpoints: [String], transport: any ConcordTransport, options: Options, surroundings: Surroundings
    ) throws(ConcordError) {
        try self.init(
            try ConcordClient.parse(endpoints), transport: transport, options: options, surroundings: surroundings)
    }

    private init(
        _ endpoints: [ConcordEndpoint], transport: any ConcordTransport, options: Options, surroundings: Surroundings
    ) throws(ConcordError) {
        self.endpoints = endpoints
        self.caller = Caller(
            ring: EndpointRing(endpoints), transport: transport, ledger: WriteLedger(surroundings: surroundings),
            options: try options.checked(), surroundings: surroundings)
    }

    /// Closes all connections. Calls under way and later ones fail with `closed`.
    public func shutdown() {
        caller.transport.close()
    }

    private static func parse(_ texts: [String]) throws(ConcordError) -> [ConcordEndpoint] {
        guard !texts.isEmpty, texts.count <= ClientLimits.endpointsMax else {
            throw ConcordError(
                .invalidArgument, detail: "there must be 1 to \(ClientLimits.endpointsMax) endpoints")
        }
        var endpoints: [ConcordEndpoint] = []
        for text in texts {
            guard let endpoint = ConcordEndpoint(text) else {
                throw ConcordError(.invalidArgument, detail: "'\(text)' is no endpoint; one is http://HOST:PORT")
            }
            endpoints.append(endpoint)
        }
        return endpoints
    }

    private static func defaultTransport(
        for endpoints: [ConcordEndpoint], options: Options
    ) throws(ConcordError) -> any ConcordTransport {
        #if SocketTransport
            if endpoints.allSatisfy({ $0.scheme == "http" }) {
                return try SocketTransport(connectionsPerEndpoint: options.connectionsPerEndpoint)
            }
        #endif
        #if URLSessionTransport || !SocketTransport
            return URLSessionTransport(connectionsPerEndpoint: options.connectionsPerEndpoint)
        #else
            throw ConcordError(.invalidArgument, detail: "this build of Concord speaks http only, and no https")
        #endif
    }
}
