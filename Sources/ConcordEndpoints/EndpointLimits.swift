import ConcordAPI
import ConcordHTTP

package enum EndpointLimits {
    /// How long a request may take when it does not say.
    package static let timeoutMillisecondsStandard: UInt64 = 5000
    /// Longer waits belong to `wait`, which tells the server what is waited for.
    package static let timeoutMilliseconds: ClosedRange<UInt64> = 1...60_000
    /// Nodes that one revision of `?recursive&batch` removes: what one command may change by default.
    package static let batchNodesMax: UInt32 = 10_000
    /// Digits of a sequential name: any 64-bit number.
    package static let sequenceDigits: UInt8 = 20
    /// A JSON body of a request. The longest useful one names every setting; a longer one would cost the loop
    /// more time to refuse than it is worth.
    package static let documentBytesMax = 4096

    /// What a client is told to wait when enough snapshots are being sent.
    package static let backupRetryMilliseconds: UInt64 = 2000

    static func check(documentOf request: HTTPRequest) throws(Problem) {
        guard request.body.count <= documentBytesMax else {
            throw Problem(.tooLarge, "the document has more than \(documentBytesMax) bytes; send only what is needed")
        }
    }
}
