internal import ConcordModel

/// What is said when this build is too old for its cluster.
enum FeatureLevelAdvice {
    static func reason(_ level: UInt16) -> String {
        "the cluster is at feature level \(level), and this build (\(ServerConfiguration.build)) supports levels up to "
            + "\(ModelLimits.featureLevel)"
    }

    static let advice =
        "start a build of that level or above, the one that this member last ran or a newer one: a level never falls "
        + "again, since members have written what only such builds can read"
}
