internal import ConcordAPI
internal import ConcordBackup
internal import ConcordBytes
internal import ConcordCommandLine
internal import ConcordModel
internal import ConcordRaft
internal import ConcordStorage

/// The entries of a log as JSON, one object a line.
enum LogDump {
    /// Bytes that are handed to standard output at once.
    private static let writeBytes = 1 << 16

    static func print(_ check: DirectoryCheck) {
        var writer = ByteWriter()
        for entry in check.inspection.entries {
            write(entry, isCommitted: entry.index.rawValue <= check.committedIndex, into: &writer)
            guard writer.count >= writeBytes else { continue }
            // Whoever reads may have seen enough.
            guard StandardStream.output.write(writer.bytes) else { return }
            writer = ByteWriter()
        }
        StandardStream.output.write(writer.bytes)
    }

    /// - Parameter isCommitted: false when that is not known; of no entry it is known offline that it is not.
    static func write(_ entry: Entry, isCommitted: Bool, into writer: inout ByteWriter) {
        writer.writeRaw("{\"index\":")
        writer.writeJSONNumber(entry.index.rawValue)
        writer.writeRaw(",\"term\":")
        writer.writeJSONNumber(entry.term.rawValue)
        writer.writeRaw(",\"cluster_clock_ms\":")
        writer.writeJSONNumber(entry.clock)
        writer.writeRaw(isCommitted ? ",\"committed\":true" : ",\"committed\":null")
        switch entry.kind {
        case .noop: writer.writeRaw(",\"kind\":\"noop\"")
        case .configuration:
            writer.writeRaw(",\"kind\":\"configuration\"")
            if let configuration = Configuration(payload: entry.payload) {
                write(configuration, into: &writer)
            } else {
                writeUnreadable(entry.payload, into: &writer)
            }
        case .commands:
            writer.writeRaw(",\"kind\":\"commands\"")
            if let commands = try? CommandBatch.decode(entry.payload) {
                writeList("commands", commands, into: &writer) { command, writer in write(command, into: &writer) }
            } else {
                writeUnreadable(entry.payload, into: &writer)
            }
        }
        writer.writeRaw("}\n")
    }

    private static func writeUnreadable(_ payload: [UInt8], into writer: inout ByteWriter) {
        writer.writeRaw(",\"unreadable_bytes\":")
        writer.writeJSONNumber(UInt64(payload.count))
    }

    // MARK: Configurations

    private static func write(_ configuration: Configuration, into writer: inout ByteWriter) {
        writeNumber("change", configuration.intent, into: &writer)
        writeList("members", configuration.members, into: &writer) { member, writer in
            writer.writeRaw("{\"id\":")
            writer.writeJSONStringRepaired([UInt8]("\(member.id)".utf8))
            writeText("name", [UInt8](member.name.utf8), into: &writer)
            writeText("peer_address", [UInt8](member.peerAddress.utf8), into: &writer)
            writeText("role", [UInt8]("\(member.role)".utf8), into: &writer)
            writer.writeRaw("}")
        }
    }

    // MARK: Commands

    private static func write(_ command: Command, into writer: inout ByteWriter) {
        writer.writeRaw("{\"wall_ms\":")
        writer.writeJSONNumber(command.wallMilliseconds)
        writeNumber("feature_level", UInt64(command.featureLevel), into: &writer)
        if let origin = command.origin {
            writeText("origin", [UInt8]("\(MemberID(origin.member))".utf8), into: &writer)
            writeNumber("boot", origin.boot, into: &writer)
            writeNumber("sequence", origin.sequence, into: &writer)
        }
        switch command.retry {
        case .none: break
        case .client(let call):
            writeText("client", [UInt8](HexadecimalText.text(call.client).utf8), into: &writer)
            writeNumber("client_sequence", call.sequence, into: &writer)
        case .key(let key): writeText("idempotency_key", key, into: &writer)
        }
        if let term = command.decidedIn { writeNumber("decided_in_term", term.rawValue, into: &writer) }
        write(command.operation, into: &writer)
        writer.writeRaw("}")
    }

    private static func write(_ operation: Operation, into writer: inout ByteWriter) {
        switch operation {
        case .put(let put):
            begin("put", put.key, put.condition, into: &writer)
            writer.writeRaw(",")
            writer.writeJSONValueMember(put.value)
            if put.createsParents { writer.writeRaw(",\"parents\":true") }
        case .createSequential(let create):
            begin("create_sequential", create.parent, .none, into: &writer)
            writeText("prefix", create.prefix, into: &writer)
            writer.writeRaw(",")
            writer.writeJSONValueMember(create.value)
            if create.createsParents { writer.writeRaw(",\"parents\":true") }
        case .increment(let increment):
            begin("increment", increment.key, increment.condition, into: &writer)
            writer.writeRaw(",\"amount\":")
            writer.writeRaw([UInt8]("\(increment.amount)".utf8))
        case .delete(let delete):
            begin("delete", delete.key, delete.condition, into: &writer)
            if delete.recursive { writer.writeRaw(",\"recursive\":true") }
            if delete.batch > 0 { writeNumber("batch", UInt64(delete.batch), into: &writer) }
        case .changeSettings(let values):
            writer.writeRaw(",\"operation\":\"change_settings\"")
            writeList("settings", values, into: &writer) { value, writer in
                writer.writeRaw("{\"name\":")
                writer.writeJSONStringRepaired([UInt8](value.setting.name.utf8))
                writeNumber("value", value.value, into: &writer)
                writer.writeRaw("}")
            }
        case .raiseFeatureLevel(let level):
            writer.writeRaw(",\"operation\":\"raise_feature_level\"")
            writeNumber("level", UInt64(level), into: &writer)
        case .changeMembers(let change):
            writer.writeRaw(",\"operation\":\"change_members\"")
            writeList("add", change.add, into: &writer) { addition, writer in
                writer.writeRaw("{\"id\":")
                writer.writeJSONStringRepaired([UInt8]("\(MemberID(addition.id))".utf8))
                writeText("name", [UInt8](addition.name.utf8), into: &writer)
                writeText("peer", [UInt8](addition.peerAddress.utf8), into: &writer)
                writer.writeRaw("}")
            }
            writeList("remove", change.remove, into: &writer) { id, writer in
                writer.writeJSONStringRepaired([UInt8]("\(MemberID(id))".utf8))
            }
        case .cancelMemberChange: writer.writeRaw(",\"operation\":\"cancel_member_change\"")
        case .memberInfo(let told): write(told, into: &writer)
        }
    }

    private static func write(_ told: MemberInfoOperation, into writer: inout ByteWriter) {
        writer.writeRaw(",\"operation\":\"member_info\"")
        writeText("member", [UInt8]("\(MemberID(told.member))".utf8), into: &writer)
        writeNumber("member_boot", told.info.boot, into: &writer)
        writeText("peer", [UInt8](told.info.peerAddress.utf8), into: &writer)
        writeText("client_url", [UInt8](told.info.clientURL.utf8), into: &writer)
        writeNumber("member_feature_level", UInt64(told.info.featureLevel), into: &writer)
        writeText("build", [UInt8](told.info.build.utf8), into: &writer)
    }

    private static func begin(
        _ name: StaticString, _ key: Key, _ condition: Condition, into writer: inout ByteWriter
    ) {
        writer.writeRaw(",\"operation\":\"")
        writer.writeRaw(name)
        writer.writeRaw("\"")
        writeText("path", key.isRoot ? [Key.separator] : key.bytes, into: &writer)
        switch condition {
        case .none: break
        case .exists: writer.writeRaw(",\"if\":\"exists\"")
        case .absent: writer.writeRaw(",\"if\":\"absent\"")
        case .modifiedAt(let revisions):
            writeList("if_revision", revisions, into: &writer) { revision, writer in
                writer.writeJSONNumber(revision.rawValue)
            }
        }
    }

    // MARK: Members of an object, each behind another one

    private static func writeText(_ name: StaticString, _ text: [UInt8], into writer: inout ByteWriter) {
        writeName(name, into: &writer)
        writer.writeJSONStringRepaired(text)
    }

    private static func writeNumber(_ name: StaticString, _ number: UInt64, into writer: inout ByteWriter) {
        writeName(name, into: &writer)
        writer.writeJSONNumber(number)
    }

    private static func writeList<Element>(
        _ name: StaticString, _ elements: [Element], into writer: inout ByteWriter,
        _ write: (Element, inout ByteWriter) -> Void
    ) {
        writeName(name, into: &writer)
        writer.writeRaw("[")
        for (number, element) in elements.enumerated() {
            if number > 0 { writer.writeRaw(",") }
            write(element, &writer)
        }
        writer.writeRaw("]")
    }

    private static func writeName(_ name: StaticString, into writer: inout ByteWriter) {
        writer.writeRaw(",\"")
        writer.writeRaw(name)
        writer.writeRaw("\":")
    }
}
