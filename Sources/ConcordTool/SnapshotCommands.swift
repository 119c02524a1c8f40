import ConcordBackup
import ConcordClient
import ConcordCommandLine
import Foundation

extension ToolDeclaration {
    static let snapshotFile = Argument("FILE", .path("FILE"), help: "The file of the snapshot.")
    static let force = Switch("force", short: "f", help: "Replace FILE if it exists and is a regular file.")

    static let snapshot = CommandDeclaration(
        "snapshot", summary: "Saves the whole state to a file, or shows what such a file holds.",
        discussion: """
            A snapshot is a backup of everything: nodes, history, settings and the outcomes of retries. A new cluster is \
            made of one by 'concordd restore'.
            """,
        examples: [
            .init("snapshot save monday.snapshot", "Save the state to a file"),
            .init("snapshot inspect monday.snapshot", "Show what is in it"),
        ],
        subcommands: [saveSnapshot, inspectSnapshot])

    private static let saveSnapshot = CommandDeclaration(
        "save", summary: "Saves the whole state to a file.",
        discussion: """
            The snapshot has every write that was acknowledged before. It is written beside FILE, to a name of its own \
            that ends in '.part'; every checksum is verified as it arrives, the file is made durable, and only then it \
            gets its name, in one step: so a file without '.part' is whole. Nothing but a regular file is ever replaced. \
            A save that is killed leaves its '.part', which may be removed. When a member dies in the middle, the next \
            one is asked for a snapshot of its own.
            """,
        arguments: [snapshotFile], flags: [force, local],
        examples: [
            .init("snapshot save monday.snapshot", "Save the state to a file"),
            .init("snapshot save last.snapshot --force --json", "Replace the last one, from a script"),
            .init(
                "snapshot save b.snapshot --local --endpoints http://10.0.0.2:7400",
                "The state as one member has it, also when no leader is there"),
        ])

    private static let inspectSnapshot = CommandDeclaration(
        "inspect", summary: "Reads a snapshot's file and shows what it holds.",
        discussion: """
            Every checksum is verified, the state is made of it in memory, and its hash is made anew from every record: a \
            file that passes is one that a cluster can be restored from. No member is asked.
            """,
        arguments: [snapshotFile],
        examples: [
            .init("snapshot inspect monday.snapshot", "Show what is in it"),
            .init("snapshot inspect monday.snapshot --json", "The same for a program"),
        ])
}

extension Tool {
    func snapshot() async throws(ConcordError) -> ExitCode {
        switch parsed.command.last {
        case "save": try await saveSnapshot()
        case "inspect": inspectSnapshot()
        default: preconditionFailure("a command is declared that nobody runs")
        }
    }

    // MARK: Saving

    private func saveSnapshot() async throws(ConcordError) -> ExitCode {
        let file = parsed[ToolDeclaration.snapshotFile]
        let isReplacing = parsed[ToolDeclaration.force]
        if let refusal = SnapshotFile.objection(to: file, replacing: isReplacing) {
            return fail(refusal)
        }
        let start = ContinuousClock.now
        let output: SnapshotFile
        do throws(SnapshotFile.Failure) {
            output = try SnapshotFile(file, replacing: isReplacing, showsProgress: console.errorIsTerminal)
        } catch {
            return fail(error.sentence)
        }
        let facts: SnapshotFacts
        do throws(ConcordError) {
            facts = try await client.snapshot(consistency: consistency) { output.take($0) }
        } catch {
            let failure = output.discard()
            if let failure { return fail(failure.sentence) }
            throw error
        }
        do throws(SnapshotFile.Failure) {
            let summary = try output.finish()
            let milliseconds = (ContinuousClock.now - start).wholeMilliseconds
            printSaved(SavedOutput(file: file, facts: facts, summary: summary, milliseconds: milliseconds))
            return .success
        } catch {
            _ = output.discard()
            return fail(error.sentence)
        }
    }

    private func printSaved(_ saved: SavedOutput) {
        if isJSON {
            console.print(ToolJSON.text(of: saved))
        } else {
            console.print(
                "saved revision \(saved.revision) to \(Tool.shown(saved.file)): \(saved.bytes) bytes, verified, "
                    + "\(saved.milliseconds) ms")
        }
    }

    // MARK: Inspecting

    private func inspectSnapshot() -> ExitCode {
        let file = parsed[ToolDeclaration.snapshotFile]
        guard let handle = FileHandle(forReadingAtPath: file) else {
            return fail("\(Tool.shown(file)) cannot be read: there is no such file, or this user may not read it")
        }
        defer { try? handle.close() }
        var reader = BackupReader(.state)
        do {
            while let data = try handle.read(upToCount: SnapshotFile.readBytes), !data.isEmpty {
                try reader.take([UInt8](data))
            }
            printInspected(InspectOutput(file: file, try reader.finish().summary()))
            return .success
        } catch let fault as BackupFault {
            return fail("\(Tool.shown(file)) \(fault)")
        } catch {
            return fail("\(Tool.shown(file)) cannot be read: \(Tool.reason(error))")
        }
    }

    private func printInspected(_ output: InspectOutput) {
        if isJSON { return console.print(ToolJSON.text(of: output)) }
        let members = output.members.map { "\(Tool.shown($0.name)) \($0.peerAddress) \($0.role) \($0.id)" }
        var rows = [
            ("revision", "\(output.revision)"), ("epoch", "\(output.epoch)"), ("index", "\(output.index)"),
            ("term", "\(output.term)"), ("cluster", output.cluster), ("nodes", "\(output.nodes)"),
            ("history from", "\(output.historyFloor)"), ("cluster clock", "\(output.clusterClockMilliseconds) ms"),
            ("feature level", "\(output.featureLevel)"), ("state hash", output.stateHash),
            ("bytes", "\(output.bytes)"), ("checksum", output.checksum),
        ]
        for (number, member) in members.enumerated() { rows.append((number == 0 ? "members" : "", member)) }
        for (name, value) in rows {
            console.print(name + String(repeating: " ", count: 15 - name.count) + value)
        }
    }
}

private struct SavedOutput: Encodable {
    var file: String
    var revision: UInt64
    var epoch: UInt64
    var index: UInt64
    var term: UInt64
    var cluster: String
    var bytes: UInt64
    var checksum: String
    var milliseconds: Int64

    init(file: String, facts: SnapshotFacts, summary: BackupSummary, milliseconds: Int64) {
        self.file = file
        revision = facts.position.revision
        epoch = facts.position.epoch
        index = summary.index
        term = summary.term
        cluster = summary.cluster
        bytes = summary.bytes
        checksum = summary.checksum
        self.milliseconds = milliseconds
    }
}

private struct InspectOutput: Encodable {
    struct Member: Encodable {
        var id: String
        var name: String
        var peerAddress: String
        var role: String

        private enum CodingKeys: String, CodingKey {
            case id, name, role
            case peerAddress = "peer_address"
        }
    }

    var file: String
    var cluster: String
    var index: UInt64
    var term: UInt64
    var revision: UInt64
    var epoch: UInt64
    var historyFloor: UInt64
    var clusterClockMilliseconds: UInt64
    var featureLevel: UInt16
    var nodes: UInt64
    var stateHash: String
    var bytes: UInt64
    var checksum: String
    var members: [Member]

    init(file: String, _ summary: BackupSummary) {
        guard let state = summary.state else { preconditionFailure("a snapshot was shown whose state was not read") }
        self.file = file
        cluster = summary.cluster
        index = summary.index
        term = summary.term
        revision = state.revision
        epoch = state.epoch
        historyFloor = state.historyFloor
        clusterClockMilliseconds = state.clusterClockMilliseconds
        featureLevel = state.featureLevel
        nodes = state.nodes
        stateHash = state.hash
        bytes = summary.bytes
        checksum = summary.checksum
        members = summary.members.map {
            Member(id: $0.id, name: $0.name, peerAddress: $0.peerAddress, role: $0.role)
        }
    }

    private enum CodingKeys: String, CodingKey {
        case file, cluster, index, term, revision, epoch, nodes, bytes, checksum, members
        case historyFloor = "history_floor"
        case clusterClockMilliseconds = "cluster_clock_ms"
        case featureLevel = "feature_level"
        case stateHash = "state_hash"
    }
}
