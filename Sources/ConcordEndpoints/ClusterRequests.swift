import ConcordAPI
import ConcordHTTP
import ConcordModel
import ConcordReplica

// What the requests about the cluster and about this member ask for.

extension Endpoints {
    func readCluster(_ request: HTTPRequest, _ parameters: QueryParameters) -> EndpointDecision {
        .submit(
            .cluster, timeoutMilliseconds: parameters.timeoutMilliseconds, PendingReply(.cluster, .root, request))
    }

    func readSettings(_ request: HTTPRequest, _ parameters: QueryParameters) -> EndpointDecision {
        .submit(
            .read(.settings, parameters.consistency, minimum: .zero),
            timeoutMilliseconds: parameters.timeoutMilliseconds, PendingReply(.settings, .root, request))
    }

    func changeSettings(_ request: HTTPRequest, _ parameters: QueryParameters) throws(Problem) -> EndpointDecision {
        guard request.headers.first("if-match") == nil, request.headers.first("if-none-match") == nil else {
            throw Problem(.invalidRequest, "settings have no entity tag; leave out If-Match and If-None-Match")
        }
        try EndpointLimits.check(documentOf: request)
        let document = try JSONDocument.decodeRequest(SettingsRequest.self, from: request.body)
        guard !document.settings.isEmpty else {
            throw Problem(.invalidRequest, "the body names no setting; send {\"settings\":{\"name\":number}}")
        }
        var values: [SettingValue] = []
        // In the order of their numbers: a dictionary's own differs from process to process.
        for setting in Setting.allCases {
            guard let value = document.settings[setting.name] else { continue }
            let range = setting.offered
            guard range.contains(value) else {
                throw Problem(
                    .invalidRequest, "\(setting.name) must be from \(range.lowerBound) to \(range.upperBound)")
            }
            values.append(SettingValue(setting, value))
        }
        if values.count < document.settings.count {
            let known = Setting.allCases.map(\.name)
            let unknown = document.settings.keys.filter { !known.contains($0) }.sorted().first ?? ""
            let advice = NearestName.advice(for: [UInt8](unknown.utf8)[...], among: known)
            throw Problem(.invalidRequest, "unknown setting \(advice)")
        }
        return try write(.changeSettings(values), .changeSettings(values), .root, request, parameters)
    }

    // MARK: This member alone

    func status(_ request: HTTPRequest, _ facts: MemberFacts) -> ReadyReply {
        let view = facts.status
        let reason: String? =
            switch facts.readiness {
            case .ready: nil
            case .notReady(let reason): reason
            }
        return ReadyReply(
            StatusDocument(
                member: view.memberText, name: view.name, boot: view.boot, clusterID: view.clusterText,
                role: view.roleWord, term: view.termNumber, leader: view.leaderText, leaderURL: view.leaderClientURL,
                commitIndex: view.commitNumber, appliedIndex: view.appliedNumber, lastIndex: view.lastNumber,
                revision: view.revision.rawValue, epoch: view.epoch.rawValue,
                clusterClockMilliseconds: view.clusterClock, stateHash: HexadecimalText.text(view.stateHash),
                nodesCount: view.nodesCount, waitingRequests: UInt64(clamping: view.waitingRequests),
                agreement: view.agreement.rawValue, comparedIndex: view.comparedNumber, ready: reason == nil,
                reason: reason, version: settings.version, build: settings.build, featureLevel: view.featureLevel),
            to: request)
    }

    func version(_ request: HTTPRequest, _ facts: MemberFacts) -> ReadyReply {
        ReadyReply(
            VersionDocument(
                version: settings.version, build: settings.build, featureLevel: ModelLimits.featureLevel,
                clusterFeatureLevel: facts.status.featureLevel),
            to: request)
    }

    /// The process runs its loop: that is all.
    func live(_ request: HTTPRequest) -> ReadyReply {
        ReadyReply(HealthDocument(status: "alive"), to: request)
    }

    func ready(_ request: HTTPRequest, _ facts: MemberFacts) -> ReadyReply {
        switch facts.readiness {
        case .ready: ReadyReply(HealthDocument(status: "ready"), to: request)
        case .notReady(let reason): ReadyReply(Problem(.recovering, reason), to: request)
        }
    }
}
