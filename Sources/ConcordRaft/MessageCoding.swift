package import ConcordBytes

extension Message {
    /// The version of a message's encoding. A member refuses others; a new version comes with a new feature
    /// level of the cluster.
    private static let version: UInt8 = 1

    private enum Kind: UInt8 {
        case preVoteRequest = 1
        case preVoteResponse = 2
        case voteRequest = 3
        case voteResponse = 4
        case append = 5
        case appendResponse = 6
        case heartbeat = 7
        case heartbeatResponse = 8
        case barrierRequest = 9
        case barrierResponse = 10
        case leaderResigned = 11
        case newerTerm = 12
        case doubtInquiry = 15
        case doubtAnswer = 16
        case timeoutNow = 13
    }

    private var kind: Kind {
        switch body {
        case .preVoteRequest: .preVoteRequest
        case .preVoteResponse: .preVoteResponse
        case .voteRequest: .voteRequest
        case .voteResponse: .voteResponse
        case .append: .append
        case .appendResponse: .appendResponse
        case .heartbeat: .heartbeat
        case .heartbeatResponse: .heartbeatResponse
        case .barrierRequest: .barrierRequest
        case .barrierResponse: .barrierResponse
        case .leaderResigned: .leaderResigned
        case .newerTerm: .newerTerm
        case .doubtInquiry: .doubtInquiry
        case .doubtAnswer: .doubtAnswer
        case .timeoutNow: .timeoutNow
        }
    }

    package func encode(into writer: inout ByteWriter) {
        writer.write(Message.version)
        writer.write(kind.rawValue)
        writer.write(from.rawValue)
        writer.write(to.rawValue)
        writer.write(term.rawValue)
        switch body {
        case .preVoteRequest(let request):
            request.encode(into: &writer)
        case .voteRequest(let request):
            request.encode(into: &writer)
            writer.write(request.isByTransfer)
        case .preVoteResponse(let response), .voteResponse(let response):
            writer.write(response.requestedTerm.rawValue)
            writer.write(response.granted)
        case .append(let request):
            request.encode(into: &writer)
        case .appendResponse(let response):
            response.encode(into: &writer)
        case .heartbeat(let heartbeat):
            writer.write(heartbeat.round)
            writer.write(heartbeat.clusterClock)
        case .heartbeatResponse(let response):
            writer.write(response.round)
        case .barrierRequest(let request):
            writer.write(request.id)
        case .barrierResponse(let response):
            writer.write(response.id)
            writer.write(response.index != nil)
            if let index = response.index { writer.write(index.rawValue) }
        case .doubtAnswer(let answer):
            answer.encode(into: &writer)
        case .timeoutNow(let order):
            writer.write(order.lastIndex.rawValue)
        case .leaderResigned, .doubtInquiry, .newerTerm:
            break
        }
    }

    /// Reads one message and refuses one that breaks a rule of the protocol: entries with a hole between
    /// them, falling terms or clocks, numbers so large that a sum could overflow.
    package init(decoding reader: inout ByteReader) throws(ByteError) {
        guard try reader.readUInt8() == Message.version else { throw .invalid }
        guard let kind = Kind(rawValue: try reader.readUInt8()) else { throw .invalid }
        let from = MemberID(try reader.readUInt128())
        let to = MemberID(try reader.readUInt128())
        let term = Term(try reader.readUInt64())
        let body = try Message.body(of: kind, decoding: &reader)
        self.init(from: from, to: to, term: term, body: body)
        guard isWellFormed else { throw .invalid }
    }

    private static func body(of kind: Kind, decoding reader: inout ByteReader) throws(ByteError) -> Body {
        switch kind {
        case .preVoteRequest: .preVoteRequest(try VoteRequest(decoding: &reader))
        case .preVoteResponse: .preVoteResponse(try VoteResponse(decoding: &reader))
        case .voteRequest:
            .voteRequest(
                VoteRequest(
                    lastIndex: LogIndex(try reader.readUInt64()), lastTerm: Term(try reader.readUInt64()),
                    isByTransfer: try reader.readBool()))
        case .voteResponse: .voteResponse(try VoteResponse(decoding: &reader))
        case .append: .append(try AppendRequest(decoding: &reader))
        case .appendResponse: .appendResponse(try AppendResponse(decoding: &reader))
        case .heartbeat:
            .heartbeat(Heartbeat(round: try reader.readUInt64(), clusterClock: try reader.readUInt64()))
        case .heartbeatResponse: .heartbeatResponse(HeartbeatResponse(round: try reader.readUInt64()))
        case .barrierRequest: .barrierRequest(BarrierRequest(id: try reader.readUInt64()))
        case .barrierResponse:
            .barrierResponse(
                BarrierResponse(
                    id: try reader.readUInt64(),
                    index: try reader.readBool() ? LogIndex(try reader.readUInt64()) : nil))
        case .leaderResigned: .leaderResigned
        case .newerTerm: .newerTerm
        case .doubtInquiry: .doubtInquiry
        case .doubtAnswer: .doubtAnswer(try DoubtAnswer(decoding: &reader))
        case .timeoutNow: .timeoutNow(TimeoutNow(lastIndex: LogIndex(try reader.readUInt64())))
        }
    }
}

extension Message.DoubtAnswer {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.write(last.term.rawValue)
        writer.write(last.index.rawValue)
        writer.write(isDoubtful)
        writer.write(configuration)
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        self.init(
            last: LastEntry(term: Term(try reader.readUInt64()), index: LogIndex(try reader.readUInt64())),
            isDoubtful: try reader.readBool(), configuration: try reader.readUInt128())
    }
}

extension Message.VoteRequest {
    /// What pre-votes and votes have in common.
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.write(lastIndex.rawValue)
        writer.write(lastTerm.rawValue)
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        self.init(lastIndex: LogIndex(try reader.readUInt64()), lastTerm: Term(try reader.readUInt64()))
    }
}

extension Message.VoteResponse {
    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        self.init(requestedTerm: Term(try reader.readUInt64()), granted: try reader.readBool())
    }
}

extension Message.AppendRequest {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.write(previousIndex.rawValue)
        writer.write(previousTerm.rawValue)
        writer.write(commit.rawValue)
        writer.write(round)
        writer.write(clusterClock)
        writer.write(UInt32(entries.count))
        for entry in entries { entry.encode(into: &writer) }
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        self.init(
            previousIndex: LogIndex(try reader.readUInt64()), previousTerm: Term(try reader.readUInt64()),
            commit: LogIndex(try reader.readUInt64()), round: try reader.readUInt64(),
            clusterClock: try reader.readUInt64(), entries: [])
        let count = try reader.readCount(limit: RaftLimits.appendEntriesMax, bytesEach: Entry.overheadBytes)
        entries.reserveCapacity(count)
        var payloadBytes = 0
        for _ in 0..<count {
            let entry = try Entry(decoding: &reader)
            payloadBytes += entry.payload.count
            guard payloadBytes <= RaftLimits.appendBytesMax || count == 1 else { throw .tooLong }
            entries.append(entry)
        }
    }
}

extension Message.AppendResponse {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.write(round)
        switch result {
        case .matched(let index):
            writer.write(true)
            writer.write(index.rawValue)
        case .conflict(let previousIndex, let hintIndex, let hintTerm):
            writer.write(false)
            writer.write(previousIndex.rawValue)
            writer.write(hintIndex.rawValue)
            writer.write(hintTerm.rawValue)
        }
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        let round = try reader.readUInt64()
        let isMatched = try reader.readBool()
        let index = LogIndex(try reader.readUInt64())
        guard !isMatched else {
            self.init(result: .matched(index), round: round)
            return
        }
        let hintIndex = LogIndex(try reader.readUInt64())
        let hintTerm = Term(try reader.readUInt64())
        self.init(
            result: .conflict(previousIndex: index, hintIndex: hintIndex, hintTerm: hintTerm), round: round)
    }
}
