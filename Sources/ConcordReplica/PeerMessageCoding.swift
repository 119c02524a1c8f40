package import ConcordBytes
import ConcordModel
import ConcordRaft

// The payload of a frame between members. docs/formats.md has the layout byte by byte.

extension PeerMessage {
    private enum Tag {
        static let raft: UInt8 = 1
        static let forward: UInt8 = 2
        static let forwardRefused: UInt8 = 3
        static let announce: UInt8 = 4
        static let formed: UInt8 = 5
        static let positionsRequest: UInt8 = 6
        static let positionsResponse: UInt8 = 7
        static let snapshotChunk: UInt8 = 8
        static let snapshotStatus: UInt8 = 9
        static let transferRequest: UInt8 = 10
        static let transferResponse: UInt8 = 11
        static let removed: UInt8 = 12
        static let membershipRequest: UInt8 = 13
        static let diskSpace: UInt8 = 19
        static let forwardRefusedForSpace: UInt8 = 20
        static let stateReport: UInt8 = 17
        static let snapshotRequest: UInt8 = 18
    }

    package func encode(into writer: inout ByteWriter) {
        switch self {
        case .raft(let message):
            writer.write(Tag.raft)
            message.encode(into: &writer)
        case .forward(let command):
            writer.write(Tag.forward)
            command.encode(into: &writer)
        case .forwardRefused(let boot, let sequence, let overloaded):
            writer.write(Tag.forwardRefused)
            writer.write(boot)
            writer.write(sequence)
            writer.write(overloaded)
        case .announce(let cluster):
            writer.write(Tag.announce)
            writer.write(cluster.rawValue)
        case .formed(let cluster, let configuration):
            writer.write(Tag.formed)
            writer.write(cluster.rawValue)
            configuration.encode(into: &writer)
        case .positionsRequest(let id):
            writer.write(Tag.positionsRequest)
            writer.write(id)
        case .positionsResponse(let id, let positions):
            writer.write(Tag.positionsResponse)
            writer.write(id)
            writer.write(UInt32(positions.count))
            for position in positions { position.encode(into: &writer) }
        case .snapshotChunk(let chunk):
            writer.write(Tag.snapshotChunk)
            chunk.encode(into: &writer)
        case .snapshotStatus(let status):
            writer.write(Tag.snapshotStatus)
            status.encode(into: &writer)
        case .transferRequest(let id, let target):
            writer.write(Tag.transferRequest)
            writer.write(id)
            writer.write(target != nil)
            if let target { writer.writeString(target) }
        case .transferResponse(let id, let answer):
            writer.write(Tag.transferResponse)
            writer.write(id)
            answer.encode(into: &writer)
        case .removed(let index):
            writer.write(Tag.removed)
            writer.write(index.rawValue)
        case .membershipRequest: writer.write(Tag.membershipRequest)
        case .diskSpace(let isFull):
            writer.write(Tag.diskSpace)
            writer.write(isFull)
        case .forwardRefusedForSpace(let boot, let sequence):
            writer.write(Tag.forwardRefusedForSpace)
            writer.write(boot)
            writer.write(sequence)
        case .stateReport(let report):
            writer.write(Tag.stateReport)
            report.encode(into: &writer)
        case .snapshotRequest(let index):
            writer.write(Tag.snapshotRequest)
            writer.write(index.rawValue)
        }
    }

    /// Reads one message; the bytes must hold nothing else.
    package init(decoding reader: inout ByteReader) throws(ByteError) {
        switch try reader.readUInt8() {
        case Tag.raft: self = .raft(try Message(decoding: &reader))
        case Tag.forward: self = .forward(try Command(decoding: &reader))
        case Tag.forwardRefused:
            self = .forwardRefused(
                boot: try reader.readUInt64(), sequence: try reader.readUInt64(), overloaded: try reader.readBool())
        case Tag.announce: self = .announce(ClusterID(try reader.readUInt128()))
        case Tag.formed:
            self = .formed(ClusterID(try reader.readUInt128()), try Configuration(decoding: &reader))
        case Tag.positionsRequest: self = .positionsRequest(id: try reader.readUInt64())
        case Tag.positionsResponse:
            let id = try reader.readUInt64()
            let count = try reader.readCount(limit: RaftLimits.membersMax, bytesEach: MemberPosition.encodedBytes)
            var positions: [MemberPosition] = []
            for _ in 0..<count { positions.append(try MemberPosition(decoding: &reader)) }
            self = .positionsResponse(id: id, positions)
        case Tag.snapshotChunk: self = .snapshotChunk(try SnapshotChunk(decoding: &reader))
        case Tag.snapshotStatus: self = .snapshotStatus(try SnapshotStatus(decoding: &reader))
        case Tag.transferRequest:
            self = .transferRequest(
                id: try reader.readUInt64(),
                target: try reader.readBool() ? try reader.readString(limit: RaftLimits.memberTextBytesMax) : nil)
        case Tag.transferResponse:
            self = .transferResponse(id: try reader.readUInt64(), try TransferAnswer(decoding: &reader))
        case Tag.removed: self = .removed(LogIndex(try reader.readUInt64()))
        case Tag.membershipRequest: self = .membershipRequest
        case Tag.diskSpace: self = .diskSpace(isFull: try reader.readBool())
        case Tag.forwardRefusedForSpace:
            self = .forwardRefusedForSpace(boot: try reader.readUInt64(), sequence: try reader.readUInt64())
        case Tag.stateReport: self = .stateReport(try StateReport(decoding: &reader))
        case Tag.snapshotRequest: self = .snapshotRequest(from: LogIndex(try reader.readUInt64()))
        default: throw .invalid
        }
        try reader.finish()
    }
}

extension TransferAnswer {
    fileprivate func encode(into writer: inout ByteWriter) {
        switch self {
        case .underWay(let member):
            writer.write(UInt8(1))
            writer.write(member.rawValue)
        case .leads(let term):
            writer.write(UInt8(2))
            writer.write(term.rawValue)
        case .refused(let refusal):
            writer.write(UInt8(3))
            writer.write(refusal.rawValue)
        }
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        switch try reader.readUInt8() {
        case 1: self = .underWay(MemberID(try reader.readUInt128()))
        case 2: self = .leads(Term(try reader.readUInt64()))
        case 3:
            guard let refusal = TransferRefusal(rawValue: try reader.readUInt8()) else { throw .invalid }
            self = .refused(refusal)
        default: throw .invalid
        }
    }
}

extension MemberPosition {
    fileprivate static let encodedBytes = 16 + 8 + 8 + 8

    fileprivate func encode(into writer: inout ByteWriter) {
        writer.write(id.rawValue)
        writer.write(matchIndex.rawValue)
        writer.write(lag)
        writer.write(silentMilliseconds)
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        self.init(
            id: MemberID(try reader.readUInt128()), matchIndex: LogIndex(try reader.readUInt64()),
            lag: try reader.readUInt64(), silentMilliseconds: try reader.readUInt64())
    }
}
