import Synchronization

/// The members that a client may ask, and which of them it asks first: the one that answered last.
final class EndpointRing: Sendable {
    let endpoints: [ConcordEndpoint]
    private let preferred = Mutex(0)

    init(_ endpoints: [ConcordEndpoint]) {
        precondition(!endpoints.isEmpty, "a client has no endpoint")
        self.endpoints = endpoints
    }

    /// Where a new call starts.
    var first: Int { preferred.withLock { $0 } }

    /// The member after `index`, which did not answer; later calls do not start with that one.
    func next(after index: Int) -> Int {
        let next = (index + 1) % endpoints.count
        preferred.withLock { preferred in
            if preferred == index { preferred = next }
        }
        return next
    }
}
