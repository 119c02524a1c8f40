package import ConcordModel

extension StateMachine {
    /// Turns the state of a backup into the first one of a new cluster.
    ///
    /// What stays is what clients stored, and what makes their retries safe: nodes, settings, the outcomes of clients and
    /// keys, the cluster clock that these are kept by, the feature level. What goes is what only the old cluster's life
    /// gave a meaning to:
    ///
    /// - the history: between the backup and now the old cluster may have given out revisions for other events, so no
    ///   revision up to the new one may be answered from here. Whoever watched from one is told that it is compacted;
    /// - the members, their change under way, and what they had sent for their clients;
    /// - leases with their nodes, locks and waits, once there are any: nobody keeps them alive, and whoever held them
    ///   cannot know whether he still does. They end here, in one place with the members.
    ///
    /// - Parameters:
    ///   - revision: far above any that the old cluster gave out, so that none is given out twice.
    ///   - epoch: the same for leaderships.
    ///   - members: of the new cluster, in order of id.
    package mutating func beginAnew(revision: Revision, epoch: Epoch, members: [ClusterMember]) {
        precondition(revision >= self.revision && epoch >= self.epoch, "a restored state would go back")
        tree.revision = revision
        tree.dropHistory(floor: revision.rawValue + 1)
        beginEntry(epoch: epoch, clock: clock)
        retries.forgetOrigins()
        membership.beginAnew(members)
    }
}
