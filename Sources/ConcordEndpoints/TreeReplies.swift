import ConcordAPI
import ConcordBytes
import ConcordHTTP
import ConcordModel
import ConcordReplica

// The replica's answers about the tree, as responses.

extension ReplyWriter {
    // MARK: Writes

    func write(_ outcome: Outcome, for pending: PendingReply, into writer: inout ByteWriter) {
        switch outcome.verdict {
        case .refused(let refusal):
            var problem = Problem(refusal, for: pending)
            problem.valuesOmitted = outcome.valuesOmitted
            write(problem, into: &writer)
        case .applied(let results):
            guard let result = results.first, results.count == 1 else { return writeMismatch(into: &writer) }
            if let node = result.node {
                write(result, node, for: pending, into: &writer)
            } else if case .changeSettings(let values) = pending.kind {
                begin(200, into: &writer)
                write(json: JSONDocument.encode(SettingsDocument(values, featureLevel: nil)), into: &writer)
            } else if pending.kind.isMemberChange {
                begin(200, into: &writer)
                let number = UInt64(clamping: result.number ?? 0)
                write(json: JSONDocument.encode(MemberChangeReply(change: number)), into: &writer)
            } else if result.status == .deleted && !outcome.valuesOmitted {
                writePartial(result, outcome, into: &writer)
            } else {
                writeOmitted(result, outcome, into: &writer)
            }
        }
    }

    private func write(
        _ result: OperationResult, _ node: Node, for pending: PendingReply, into writer: inout ByteWriter
    ) {
        begin(result.status == .created ? 201 : 200, into: &writer)
        switch pending.kind {
        case .put:
            writeEntityTag(node.modifyRevision, into: &writer)
            finishJSON(into: &writer) { $0.writeNodeDocument(node, withValue: false) }
        case .sequential:
            writeLocation(node.key, into: &writer)
            writeEntityTag(node.modifyRevision, into: &writer)
            finishJSON(into: &writer) { $0.writeNodeDocument(node, withValue: false) }
        case .increment:
            writeEntityTag(node.modifyRevision, into: &writer)
            finishJSON(into: &writer) { $0.writeCounterDocument(node, number: result.number ?? 0) }
        case .delete:
            let count = UInt64(clamping: result.number ?? 1)
            finishJSON(into: &writer) { $0.writeDeletionDocument(node, deletedCount: count) }
        case .node, .list, .cluster, .leader, .settings, .snapshot, .changeSettings, .memberChange:
            finishJSON(into: &writer) { $0.writeNodeDocument(node, withValue: false) }
        }
    }

    /// A repetition so late that its node lies below the history's floor.
    private func writeOmitted(_ result: OperationResult, _ outcome: Outcome, into writer: inout ByteWriter) {
        begin(result.status == .created ? 201 : 200, into: &writer)
        if result.status == .created { writeLocation(result.key, into: &writer) }
        let isDeletion = result.status == .deleted
        let document = OmittedNodeDocument(
            path: result.key.text, revision: outcome.revision.rawValue,
            value: isDeletion ? nil : result.number.map(String.init),
            deletedCount: isDeletion ? result.number.map { UInt64(clamping: $0) } : nil)
        write(json: JSONDocument.encode(document), into: &writer)
    }

    /// A batch after which the node itself still stands.
    private func writePartial(_ result: OperationResult, _ outcome: Outcome, into writer: inout ByteWriter) {
        begin(200, into: &writer)
        let document = PartialDeletionDocument(
            path: result.key.text, revision: outcome.revision.rawValue,
            deletedCount: UInt64(clamping: result.number ?? 0))
        write(json: JSONDocument.encode(document), into: &writer)
    }

    private func writeLocation(_ key: Key, into writer: inout ByteWriter) {
        writer.writeRaw("Location: /v1/kv")
        writer.writeRaw(NodePath.percentEncode(key.bytes))
        writer.writeRaw("\r\n")
    }

    // MARK: Reads

    func write(_ answer: QueryResult, for pending: PendingReply, into writer: inout ByteWriter) {
        switch (answer, pending.kind) {
        case (.node(let node), .node(let raw, let tags)):
            if let tags, tags.contains(node.modifyRevision) {
                begin(304, into: &writer)
                writeEntityTag(node.modifyRevision, into: &writer)
                writer.writeNoBody()
            } else if raw {
                writeRaw(node, into: &writer)
            } else {
                begin(200, into: &writer)
                writeEntityTag(node.modifyRevision, into: &writer)
                finishJSON(into: &writer) { $0.writeNodeDocument(node, withValue: true) }
            }
        case (.page(let page), .list(let shape)):
            write(page, shape, key: pending.key, into: &writer)
        case (.settings(let values, let featureLevel), .settings):
            begin(200, into: &writer)
            write(json: JSONDocument.encode(SettingsDocument(values, featureLevel: featureLevel)), into: &writer)
        case (.notFound, _), (.compacted, _), (.futureRevision, _), (.tooMuchWork, _):
            write(Problem(unanswered: answer, for: pending), into: &writer)
        case (.node, _), (.page, _), (.settings, _):
            writeMismatch(into: &writer)
        }
    }

    /// The value as it is, what else is known of the node in headers. A node without a value has no content: that
    /// is not an empty value.
    private func writeRaw(_ node: Node, into writer: inout ByteWriter) {
        begin(node.value == nil ? 204 : 200, into: &writer)
        writeEntityTag(node.modifyRevision, into: &writer)
        writer.writeHeader("Concord-Modify-Revision", decimal: node.modifyRevision.rawValue)
        writer.writeHeader("Concord-Create-Revision", decimal: node.createRevision.rawValue)
        writer.writeHeader("Concord-Version", decimal: node.version)
        writer.writeHeader("Concord-Child-Revision", decimal: node.childRevision.rawValue)
        writer.writeHeader("Concord-Children-Count", decimal: node.childrenCount)
        writer.writeHeader("Concord-Kind", [UInt8](node.kind.word.utf8))
        if let lease = node.lease {
            writer.writeHeader("Concord-Lease", [UInt8](HexadecimalText.text(lease.rawValue).utf8))
        }
        guard let value = node.value else { return writer.writeNoBody() }
        // A browser must not guess that a value is a page and run it.
        writer.writeHeader("Content-Type", "application/octet-stream")
        writer.writeHeader("X-Content-Type-Options", "nosniff")
        finish(value, into: &writer)
    }

    private func write(_ page: ListPage, _ shape: ListShape, key: Key, into writer: inout ByteWriter) {
        begin(200, into: &writer)
        if shape.scope == .children {
            writer.writeRaw("ETag: \"c")
            writer.writeDecimal(page.childRevision.rawValue)
            writer.writeRaw("\"\r\n")
        }
        finishJSON(into: &writer) { writer in
            writer.writeRaw("{\"path\":")
            writer.writeJSONStringRepaired(key.isRoot ? [Key.separator] : key.bytes)
            writer.writeRaw(",\"revision\":")
            writer.writeJSONNumber(page.revision.rawValue)
            if shape.detail == .count {
                writer.writeRaw(",\"count\":")
                writer.writeJSONNumber(page.count)
            } else {
                writer.writeRaw(",\"nodes\":[")
                for (index, node) in page.nodes.enumerated() {
                    if index > 0 { writer.write(UInt8(ascii: ",")) }
                    writer.writeNodeDocument(node, withValue: shape.detail == .values)
                }
                writer.write(UInt8(ascii: "]"))
                if page.hasMore, let last = page.nodes.last {
                    let cursor = ListCursor(revision: page.revision, after: last.key)
                    writer.writeRaw(",\"next\":\"")
                    writer.writeRaw(cursor.text(key: key, shape: shape))
                    writer.write(UInt8(ascii: "\""))
                }
            }
            writer.write(UInt8(ascii: "}"))
        }
    }

    /// The replica answered another question than was asked.
    private func writeMismatch(into writer: inout ByteWriter) {
        write(
            Problem(.internal, "the answer does not belong to the request; please report this", outcomeUnknown: true),
            into: &writer)
    }
}

extension SettingsDocument {
    init(_ values: [SettingValue], featureLevel: UInt16?) {
        var settings: [String: UInt64] = [:]
        for value in values { settings[value.setting.name] = value.value }
        self.init(settings: settings, featureLevel: featureLevel)
    }
}

extension ClusterDocument {
    init(_ view: ClusterView) {
        let members = view.members.map { member in
            Member(
                id: member.idText, name: member.name, role: member.roleWord,
                isLeader: member.idText == view.leaderText, peerAddress: member.peerAddress,
                clientURL: member.clientURL, build: member.build, featureLevel: member.featureLevel,
                matchIndex: member.matchNumber, lag: member.lag, silentMilliseconds: member.silentMilliseconds)
        }
        self.init(
            clusterID: view.clusterText, leader: view.leaderText, members: members, change: Change(view),
            featureLevel: view.featureLevel)
    }
}
