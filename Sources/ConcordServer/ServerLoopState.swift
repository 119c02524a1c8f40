internal import ConcordRaft
internal import ConcordReplica
internal import ConcordStorage

// What a person should know of a state that was found to be wrong, of backups, and of the end of joining.

extension ServerLoop {
    func reportState(_ notice: Notice) {
        switch notice {
        case .stateDistrusted(let index, let cause):
            log.error(
                "state_diverged",
                [
                    ("index", .number(index.rawValue)), ("reason", .text(reason(cause))),
                    (
                        "advice",
                        .text(
                            "nobody is served here until another member has sent its state, which begins by itself; "
                                + advice(cause))
                    ),
                ])
        case .statesDivided(let index):
            log.error(
                "states_divided",
                [
                    ("index", .number(index.rawValue)),
                    ("reason", "the voters' states differ, and none of them is a majority's"),
                    (
                        "advice",
                        .text(
                            "nothing is written any more; compare state_hash of GET /v1/status at equal "
                                + "applied_index, and start those that are wrong again, so that they read their disks")
                    ),
                ])
        case .statesAgreeAgain(let index):
            log.info("states_agree", [("index", .number(index.rawValue))])
        case .snapshotUnusable(let identity):
            log.warning(
                "snapshot_unusable",
                [
                    ("index", .number(identity.index.rawValue)),
                    ("reason", "it has changed on the disk since it was written; another one is made"),
                    ("advice", "check this member's disk"),
                ])
        case .formed, .standing, .transferAbandoned, .listDiffers, .snapshotInstalled, .snapshotRefused,
            .snapshotPostponed, .diskHangs, .doubtOver, .lostEverywhere:
            break
        }
    }

    private func reason(_ cause: DistrustCause) -> String {
        switch cause {
        case .outvoted(let index):
            "a majority of the voters had another state hash at index \(index.rawValue)"
        case .memory: "what memory holds is not what was written to it"
        case .remembered: "it was so when this member last ended"
        }
    }

    private func advice(_ cause: DistrustCause) -> String {
        switch cause {
        case .memory: "test the memory of this machine"
        case .outvoted, .remembered: "report it: equal logs must give equal states"
        }
    }

    func report(_ backup: EndedBackup, cutBy reason: LogValue = "the client went away, or was too slow") {
        let fields: [(StaticString, LogValue)] = [
            ("bytes", .number(backup.bytes)), ("milliseconds", .number(backup.milliseconds)),
        ]
        if backup.isWhole {
            log.info("backup_sent", fields)
        } else {
            log.warning("backup_cut", fields + [("reason", reason)])
        }
    }

    /// Asking the cluster to take this member in is of no use any more.
    func halt(_ end: JoinThread.End) {
        switch end {
        case .buildTooOld(let level): halt(.buildTooOld(featureLevel: level))
        case .formerMember: haltFormer()
        }
    }

    private func haltFormer() {
        log.error(
            "former_member",
            [
                ("id", "\(replica.record.id)"),
                (
                    "reason",
                    .text(
                        "the cluster never uses this id again: the change that was to add it was cancelled, or it was a "
                            + "member and was removed")
                ),
                ("advice", "take the data directory away, and start the new member with an empty one"),
            ])
        exit = .removed
    }

    func haltUnsound() {
        log.error(
            "state_unsound",
            [
                ("reason", "what memory holds is not what was written to it, and no other voter has a copy"),
                ("advice", "test the memory of this machine; a start reads the state from the disk again"),
            ])
    }
}
