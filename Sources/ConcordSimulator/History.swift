package import ConcordModel

/// One operation of a client on one key, as the client saw it.
package struct HistoryOperation: Sendable {
    package enum Action: Equatable, Sendable {
        case put([UInt8])
        /// `If-None-Match: *`
        case create([UInt8])
        /// `If-Match` with the revision at which the client had read `expected`.
        case replace(expected: [UInt8], with: [UInt8])
        case increment(Int64)
        case delete
        case get
    }

    package enum Result: Equatable, Sendable {
        /// The write took effect.
        case done
        /// The increment took effect and made this number.
        case number(Int64)
        /// The condition failed, or there was nothing to delete.
        case refused
        /// What a get found.
        case found([UInt8]?)
        /// It may have taken effect, and may yet.
        case unknown
        /// It did not take effect and never will.
        case nothing
    }

    package var client: Int
    package var key: Key
    package var action: Action
    package var invokedAt: UInt64
    package var returnedAt: UInt64
    package var result: Result
    /// The revision that the answer named.
    package var revision: Revision?

    package init(
        client: Int, key: Key, action: Action, invokedAt: UInt64, returnedAt: UInt64, result: Result,
        revision: Revision?
    ) {
        self.client = client
        self.key = key
        self.action = action
        self.invokedAt = invokedAt
        self.returnedAt = returnedAt
        self.result = result
        self.revision = revision
    }
}
