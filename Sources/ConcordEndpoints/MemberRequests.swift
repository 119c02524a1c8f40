import ConcordAPI
import ConcordBytes
import ConcordHTTP
import ConcordModel
import ConcordReplica

// What the requests that change the members ask for, and what is shown of a change.

extension Endpoints {
    func changeMembers(_ request: HTTPRequest, _ parameters: QueryParameters) throws(Problem) -> EndpointDecision {
        try refuseConditions(request)
        try EndpointLimits.check(documentOf: request)
        let document = try JSONDocument.decodeRequest(MemberChangeRequest.self, from: request.body)
        let (add, remove) = (document.add ?? [], document.remove ?? [])
        guard !add.isEmpty || !remove.isEmpty else {
            throw Problem(
                .invalidRequest,
                "the change is empty; send {\"add\":[{\"id\",\"name\",\"peer\"}],\"remove\":[\"id\"]}, or one of both")
        }
        guard max(add.count, remove.count) <= ModelLimits.membersMax else {
            throw Problem(.invalidRequest, "a cluster has at most \(ModelLimits.membersMax) members")
        }
        var operation = ChangeMembersOperation()
        for addition in add { operation.add.append(try member(addition)) }
        for id in remove { operation.remove.append(try memberID(id, "remove")) }
        let ids = operation.add.map(\.id) + operation.remove
        guard Set(ids).count == ids.count, Set(add.map(\.peer)).count == add.count else {
            throw Problem(.invalidRequest, "the change names an id or a peer address twice")
        }
        return try write(.changeMembers(operation), .memberChange, .root, request, parameters)
    }

    func cancelMemberChange(
        _ request: HTTPRequest, _ parameters: QueryParameters
    ) throws(Problem) -> EndpointDecision {
        try refuseConditions(request)
        return try write(.cancelMemberChange, .memberChange, .root, request, parameters)
    }

    private func refuseConditions(_ request: HTTPRequest) throws(Problem) {
        guard request.headers.first("if-match") == nil, request.headers.first("if-none-match") == nil else {
            throw Problem(.invalidRequest, "members have no entity tag; leave out If-Match and If-None-Match")
        }
    }

    private func member(_ document: AdditionDocument) throws(Problem) -> MemberAddition {
        guard MemberText.isName(document.name) else {
            throw Problem(
                .invalidRequest,
                "the name of a member has 1 to 64 letters, digits, '-', '_' and '.', and not "
                    + UTF8Text.quoted([UInt8](document.name.utf8).prefix(100)))
        }
        guard MemberText.isAddress(document.peer) else {
            throw Problem(
                .invalidRequest,
                "peer is HOST:PORT of the peer port, such as 10.0.0.4:7401, and not "
                    + UTF8Text.quoted([UInt8](document.peer.utf8).prefix(100)))
        }
        return MemberAddition(
            id: try memberID(document.id, "add"), name: document.name, peerAddress: document.peer)
    }

    private func memberID(_ text: String, _ list: String) throws(Problem) -> UInt128 {
        guard let id = HexadecimalText.number128([UInt8](text.utf8)[...]), id != 0 else {
            throw Problem(
                .invalidRequest,
                "\(list) names members by their ids of 32 hexadecimal digits, as GET /v1/cluster shows them, and not "
                    + UTF8Text.quoted([UInt8](text.utf8).prefix(100)))
        }
        return id
    }
}

/// Names and addresses as the command line of the server takes them.
private enum MemberText {
    static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                byte == 0x2D || byte == 0x2E || byte == 0x5F || isDigit(byte) || (0x41...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte)
            }
    }

    static func isAddress(_ text: String) -> Bool {
        let bytes = [UInt8](text.utf8)
        guard bytes.count <= 261, let colon = bytes.lastIndex(of: 0x3A) else { return false }
        let (host, port) = (bytes[..<colon], bytes[(colon + 1)...])
        guard (1...5).contains(port.count), port.allSatisfy(isDigit), port.first != 0x30,
            port.reduce(0, { $0 * 10 + Int($1 - 0x30) }) <= 65_535
        else { return false }
        if host.first == 0x5B {
            return host.count > 3 && host.last == 0x5D && host.dropFirst().dropLast().allSatisfy(isOfIPv6)
        }
        return !host.isEmpty
            && host.allSatisfy { $0 == 0x2D || $0 == 0x2E || $0 == 0x5F || isDigit($0) || isLetter($0) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) }
    private static func isOfIPv6(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == 0x3A || byte == 0x2E || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
}

extension ClusterDocument.Change {
    init?(_ view: ClusterView) {
        guard let change = view.change else { return nil }
        self.init(
            number: change.number,
            add: change.add.map {
                AdditionDocument(id: HexadecimalText.text($0.id), name: $0.name, peer: $0.peerAddress)
            },
            remove: change.remove.map { HexadecimalText.text($0) }, isCancelled: change.isCancelled,
            waitsFor: view.changeWaitsFor)
    }
}
