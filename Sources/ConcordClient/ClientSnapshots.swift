/// What a member says of a snapshot before it sends it.
public struct SnapshotFacts: Hashable, Sendable {
    /// The state that it holds.
    public let position: ConcordPosition
    /// The id of its cluster, 32 hex digits.
    public let cluster: String
    /// The last log index whose effect the state shows.
    public let index: UInt64
}

/// What `snapshot` hands over.
public enum SnapshotPart: Sendable {
    /// A snapshot begins: what was handed over before belongs to one that broke off.
    case begins(SnapshotFacts)
    /// Its bytes that follow those before.
    case bytes([UInt8])
}

extension ConcordClient {
    /// Gets a snapshot of the whole state: a backup, in the form that docs/formats.md has.
    ///
    /// When a member dies in the middle, another one is asked for a snapshot of its own. That the last byte was handed
    /// over is known only when this returns; the file says by itself, too, whether it is whole.
    /// - Parameters:
    ///   - consistency: by default the snapshot has every write that was acknowledged before the call.
    ///   - take: gets the parts, one after the other; what it does not take yet waits at the member, which cuts a reader
    ///     off that makes no progress. When it returns false the rest is not wanted.
    /// - Returns: what the member said of the snapshot that was handed over.
    /// - Throws: `overloaded` while a member sends as many snapshots as it may, `cancelled` when `take` returned false, or
    ///   what any call may throw.
    @discardableResult
    public func snapshot(
        consistency: Consistency = .linearizable, _ take: @escaping @Sendable (SnapshotPart) -> Bool
    ) async throws(ConcordError) -> SnapshotFacts {
        var target = RequestTarget("/v1/snapshot")
        target.add(consistency)
        let patience = min(caller.options.attemptTimeout, caller.options.timeout)
        target.add("timeout", "\(Int64(max(1, patience / .milliseconds(1))))ms")
        return try await caller.download(TransportRequest(method: "GET", target: target.text), take)
    }
}

extension SnapshotFacts {
    fileprivate init(_ reply: TransportReply) {
        position = reply.position
        cluster = reply.header("Concord-Cluster") ?? ""
        index = reply.header("Concord-Index").flatMap(UInt64.init) ?? 0
    }
}

extension Caller {
    /// Asks one member after the other until one has sent all of it.
    fileprivate func download(
        _ request: TransportRequest, _ take: @escaping @Sendable (SnapshotPart) -> Bool
    ) async throws(ConcordError) -> SnapshotFacts {
        var member = ring.first
        var lastError = ConcordError(.timeout, detail: "there was no time for an attempt")
        for attempt in 1...(ClientLimits.downloadRoundsMax * ring.endpoints.count) {
            let pause: Duration
            switch try await downloadOnce(request, at: ring.endpoints[member], take) {
            case .done(let facts): return facts
            case .again(let error, let after): (lastError, pause) = (error, after)
            }
            member = ring.next(after: member)
            guard attempt % ring.endpoints.count == 0, attempt < ClientLimits.downloadRoundsMax * ring.endpoints.count
            else { continue }
            await surroundings.sleep(max(pause, .milliseconds(ClientLimits.backoffMillisecondsMax)))
            if Task.isCancelled { throw ConcordError(.cancelled, detail: "the task was cancelled") }
        }
        throw lastError
    }

    private enum DownloadStep {
        case done(SnapshotFacts)
        case again(ConcordError, after: Duration)
    }

    private func downloadOnce(
        _ request: TransportRequest, at endpoint: ConcordEndpoint, _ take: @escaping @Sendable (SnapshotPart) -> Bool
    ) async throws(ConcordError) -> DownloadStep {
        let patience = Duration.milliseconds(ClientLimits.downloadPatienceMilliseconds)
        let reply: TransportReply
        do throws(TransportFailure) {
            reply = try await transport.download(request, to: endpoint, patience: patience) { part in
                switch part {
                case .head(let reply): take(.begins(SnapshotFacts(reply)))
                case .bytes(let bytes): take(.bytes(bytes))
                }
            }
        } catch {
            return .again(try self.error(of: error, at: endpoint), after: .zero)
        }
        if reply.status == 200 { return .done(SnapshotFacts(reply)) }
        let problem = ReplyProblem(reply)
        guard problem.mayBeRetried else { throw problem.error }
        return .again(problem.error, after: problem.retryAfter)
    }

    /// What to say if no other member does better.
    private func error(
        of failure: TransportFailure, at endpoint: ConcordEndpoint
    ) throws(ConcordError) -> ConcordError {
        switch failure {
        case .notSent(let reason): return ConcordError(.unreachable, detail: "\(endpoint): \(reason)")
        case .interrupted(let reason):
            return ConcordError(.invalidReply, detail: "\(endpoint): the snapshot broke off: \(reason)")
        case .timedOut: return ConcordError(.timeout, detail: "\(endpoint) sent nothing for too long")
        case .cancelled: throw ConcordError(.cancelled, detail: "the rest was not wanted")
        case .closed: throw ConcordError(.closed, detail: "the client was shut down")
        }
    }
}
