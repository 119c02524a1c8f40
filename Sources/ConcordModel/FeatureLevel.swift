// Feature levels: which commands and formats every member of a cluster understands. docs/decisions/0024

extension Operation {
    /// The level from which on it may stand in the log: builds that know less cannot read it.
    package var featureLevel: UInt16 {
        switch self {
        case .put, .createSequential, .increment, .delete, .changeSettings, .raiseFeatureLevel, .changeMembers,
            .cancelMemberChange:
            1
        case .memberInfo: 2
        }
    }

    /// What a leader decides by itself is never forwarded, and no client may ask for it.
    package var isLeaders: Bool {
        switch self {
        case .raiseFeatureLevel, .memberInfo: true
        case .put, .createSequential, .increment, .delete, .changeSettings, .changeMembers, .cancelMemberChange: false
        }
    }
}

extension Command {
    /// The level that a build must support to apply it, and to go on behind it.
    package var featureLevelNeeded: UInt16 {
        let needed = max(featureLevel, operation.featureLevel)
        if case .raiseFeatureLevel(let level) = operation { return max(needed, level) }
        return needed
    }
}
