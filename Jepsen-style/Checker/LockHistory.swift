/// What a history says of one lock. Grants that were shared are left out of what only exclusive ones promise.
struct LockHistory {
    /// Who asks: the same one asked again keeps its place, and its token.
    struct Holder: Hashable {
        var lease: HistoryValue
        var owner: HistoryValue

        init(_ value: HistoryValue, or other: HistoryValue = .null) {
            lease = value["lease"] ?? other["lease"] ?? .null
            owner = value["owner"] ?? other["owner"] ?? .text("")
        }

        var shown: String { owner == .text("") ? lease.shown : "\(lease.shown) (\(owner.shown))" }
    }

    struct Grant {
        var token: Int64
        var holder: Holder
        var operation: RecordedOperation
    }

    private var acquires: [RecordedOperation] = []
    private var releases: [Int64: RecordedOperation] = [:]
    private var reads: [RecordedOperation] = []
    /// New ones, by acknowledgement or delivery, in the order of invocation.
    private var grants: [Grant] = []
    private let leases: LeaseLives

    init(_ operations: [RecordedOperation], _ leases: LeaseLives) throws(MalformedHistory) {
        self.leases = leases
        for operation in operations {
            switch operation.function {
            case "acquire":
                acquires.append(operation)
                guard operation.isAcknowledged else { continue }
                try add(operation)
            case "grant": try add(operation)
            case "release":
                let token = try operation.need("token", operation.argument["token"])
                let isWorse = releases[token].map { $0.isAcknowledged || !operation.isAcknowledged } ?? false
                if operation.outcome != .fail, operation.refusal == nil, !isWorse { releases[token] = operation }
            case "lock": if operation.isAcknowledged { reads.append(operation) }
            default: break
            }
        }
    }

    private mutating func add(_ operation: RecordedOperation) throws(MalformedHistory) {
        let token = try operation.need("token", operation.result["token"])
        guard operation.argument["shared"] != .bool(true), operation.result["shared"] != .bool(true) else { return }
        grants.append(
            Grant(
                token: token, holder: Holder(operation.result, or: operation.argument), operation: operation))
    }

    func violation() throws(MalformedHistory) -> Violation? {
        let found = twoHoldersOfAToken() ?? tokenNotRisen() ?? grantToTheDead() ?? twoHoldersAtOnce()
        if let found { return found }
        for read in reads {
            if let found = try twoHoldersRead(read) { return found }
            if let found = try overtaken(read) { return found }
        }
        return forgotten()
    }

    private func twoHoldersOfAToken() -> Violation? {
        var known: [Int64: Grant] = [:]
        for grant in grants {
            guard let other = known[grant.token] else {
                known[grant.token] = grant
                continue
            }
            if other.holder == grant.holder { continue }
            return .of(
                "token \(grant.token) was granted to \(other.holder.shown) and to \(grant.holder.shown)",
                [other.operation, grant.operation])
        }
        return nil
    }

    /// A grant that began when another was known has the higher token. The same token again is the same grant.
    private func tokenNotRisen() -> Violation? {
        let done = grants.sorted { $0.operation.returned < $1.operation.returned }
        var next = 0
        var highest: Grant?
        for grant in grants {
            while next < done.count && done[next].operation.returned < grant.operation.invoked {
                if highest.map({ $0.token < done[next].token }) ?? true { highest = done[next] }
                next += 1
            }
            guard let highest, grant.token < highest.token else { continue }
            // A stream of grants may lag behind the answers.
            if grant.operation.function == "grant", highest.operation.process != grant.operation.process { continue }
            return .of(
                "token \(grant.token) was granted after token \(highest.token) was known",
                [highest.operation, grant.operation])
        }
        return nil
    }

    private func grantToTheDead() -> Violation? {
        for grant in grants {
            guard let life = leases[grant.holder.lease],
                let death = life.deaths.first(where: { ($0.revision ?? .max) < grant.token })
            else { continue }
            return .of(
                "lease \(life.name.shown) was dead at revision \(death.revision ?? 0), and was granted the lock at "
                    + "\(grant.token)", [death.operation, grant.operation])
        }
        return nil
    }

    /// Granted while the holder before had not begun to release and its lease was surely alive.
    private func twoHoldersAtOnce() -> Violation? {
        var earliest: Grant?
        for grant in grants.sorted(by: { $0.token > $1.token }) {
            if let later = earliest, later.token > grant.token, later.holder != grant.holder,
                let life = leases[grant.holder.lease], let until = life.sureUntil,
                let learnt = later.operation.returnedTime, learnt < until,
                !(life.revocations + [releases[grant.token]].compactMap { $0 }).contains(where: {
                    $0.outcome != .fail && $0.invoked < later.operation.returned
                })
            {
                let renewal = life.renewals.last { $0.operation.isAcknowledged && $0.began + life.ttl == until }
                return .of(
                    "\(later.holder.shown) was granted token \(later.token) while \(grant.holder.shown) held token "
                        + "\(grant.token) with a lease alive until \(until) ns",
                    [grant.operation, later.operation] + [renewal?.operation].compactMap { $0 })
            }
            if earliest.map({ grant.operation.returned < $0.operation.returned }) ?? true { earliest = grant }
        }
        return nil
    }

    private func twoHoldersRead(_ read: RecordedOperation) throws(MalformedHistory) -> Violation? {
        let holders = (read.result["holders"]?.list ?? []).filter { $0["shared"] != .bool(true) }
        if holders.count > 1 { return .of("the lock had \(holders.count) holders at once", [read]) }
        guard let holder = holders.first else { return nil }
        let token = try read.need("token", holder["token"])
        let revision = try read.needRevision()
        if let newer = grants.first(where: { $0.token > token && $0.token <= revision }) {
            return .of(
                "token \(token) was valid at revision \(revision), though token \(newer.token) had been granted",
                [newer.operation, read])
        }
        return nil
    }

    /// Who stood behind in the queue was granted the lock before who stood in front, and who waited on.
    private func overtaken(_ read: RecordedOperation) throws(MalformedHistory) -> Violation? {
        let revision = try read.needRevision()
        var latest: (holder: Holder, operation: RecordedOperation, token: Int64)?
        for value in read.result["queue"]?.list ?? [] {
            let holder = Holder(value)
            if let latest,
                let granted = grants.first(where: {
                    $0.holder == holder && $0.token > revision && $0.token <= latest.token
                })
            {
                return .of(
                    "\(latest.holder.shown) stood before \(holder.shown) in the queue, which was granted the lock "
                        + "first, at \(granted.token)", [read, latest.operation, granted.operation])
            }
            // An acquire that began after the read is another place in the queue.
            let wait = acquires.first {
                Holder($0.argument, or: $0.result) == holder && $0.invoked < read.invoked && $0.returned > read.returned
            }
            guard let wait, let waited = wait.isAcknowledged ? wait.result["token"]?.int : wait.timedOutAt else {
                continue
            }
            if latest.map({ $0.token < waited }) ?? true { latest = (holder, wait, waited) }
        }
        return nil
    }

    /// Waited in vain for a lock that was free.
    private func forgotten() -> Violation? {
        for wait in acquires {
            guard let revision = wait.timedOutAt,
                !acquires.contains(where: { $0.outcome == .unknown && $0.invoked < wait.returned }),
                let last = grants.filter({ $0.token <= revision }).max(by: { $0.token < $1.token }),
                let release = releases[last.token], release.isAcknowledged, let free = release.revision,
                free <= revision
            else { continue }
            return .of(
                "\(Holder(wait.argument).shown) waited in vain until revision \(revision); the lock was free since "
                    + "\(free)", [last.operation, release, wait])
        }
        return nil
    }
}

extension RecordedOperation {
    /// The revision of the state in which a wait for a lock ended in vain.
    fileprivate var timedOutAt: Int64? { refusal == "lock_timeout" ? revision : nil }
}
