internal import ConcordBytes
internal import ConcordEndpoints
internal import ConcordHTTP
internal import ConcordReplica

/// A backup on its way to a client, as its connection sees it.
struct BackupTransfer {
    /// By which the backups' thread knows it: that of the request.
    let id: UInt64
    let keepAlive: Bool
    let begunAt: UInt64
    /// A part was asked for and has not come yet.
    var isAsked = false
    /// Bytes of the file that were put into the output.
    var bytes: UInt64 = 0
    /// Bytes of the connection that the client's system has taken since.
    var sentBytes: UInt64 = 0

    /// When this client has been too slow. As long as it reads, the state that it reads is held in memory, so it must
    /// get on; the first seconds are for buffers to fill.
    var deadline: UInt64 {
        begunAt + ServerLimits.sendMilliseconds + sentBytes * 1000 / ServerLimits.backupBytesPerSecondMin
    }
}

/// A backup that is on its way no more, for the log.
struct EndedBackup {
    var bytes: UInt64
    var milliseconds: UInt64
    var isWhole: Bool
}

extension ClientConnections {
    /// A request for a backup was submitted: it counts from now on.
    func reserveBackup(on connection: Connection) {
        connection.holdsBackup = true
        backupsCount += 1
        facts.isBusyWithBackups = backupsCount >= ServerLimits.backupsMax
    }

    /// The connection has no backup any more, neither one to come nor one under way.
    func releaseBackup(of connection: Connection, isWhole: Bool, now: UInt64) {
        guard connection.holdsBackup else { return }
        if let transfer = connection.backup {
            endedBackups.append(
                EndedBackup(bytes: transfer.bytes, milliseconds: now - transfer.begunAt, isWhole: isWhole))
            if !isWhole { backups.end(transfer.id) }
        }
        connection.backup = nil
        connection.holdsBackup = false
        backupsCount -= 1
        facts.isBusyWithBackups = backupsCount >= ServerLimits.backupsMax
    }

    /// Ends what is still on its way: this member ends.
    func cutBackups(now: UInt64) -> [EndedBackup] {
        for connection in connections.elements { releaseBackup(of: connection, isWhole: false, now: now) }
        return endedBackups
    }

    /// The head of the answer is in the output, and the file is to follow.
    func beginBackup(_ source: BackupSource, on connection: Connection, id: RequestID, keepAlive: Bool, now: UInt64) {
        connection.backup = BackupTransfer(id: id.rawValue, keepAlive: keepAlive, begunAt: now)
        backups.begin(id.rawValue, source)
        continueBackup(of: connection)
    }

    /// Asks for the next part once the client has taken enough of those before: so a slow one holds two parts.
    func continueBackup(of connection: Connection) {
        guard let transfer = connection.backup, !transfer.isAsked,
            connection.output.count <= ServerLimits.backupOutputBytes
        else { return }
        connection.backup?.isAsked = true
        backups.next(transfer.id)
    }

    func deliver(_ part: BackupThread.Part, now: UInt64) {
        guard let connection = connections[index: Int(SlotTable<Connection>.index(of: part.id))],
            let transfer = connection.backup, transfer.id == part.id
        else { return }
        connection.backup?.isAsked = false
        connection.backup?.bytes += UInt64(part.bytes.count)
        connection.output.write { $0.writeChunk(part.bytes) }
        if part.isLast {
            connection.output.write { $0.endChunkedBody() }
            releaseBackup(of: connection, isWhole: true, now: now)
            finishAnswer(on: connection, keepAlive: transfer.keepAlive && !isStopping, now: now)
        }
        markDirty(connection)
    }
}
