import ConcordAPI
import ConcordBytes
import ConcordHTTP
import ConcordModel
import ConcordReplica

/// The query of a request, parsed: known parameters only, each at most once.
struct QueryParameters {
    private(set) var present: ParameterSet = []
    /// The flags that are true: `?raw` and `?raw=true`, not `?raw=false`.
    private(set) var flags: ParameterSet = []
    private(set) var revision: Revision?
    private(set) var minRevision = Revision.zero
    private(set) var consistency = ReadConsistency.linearizable
    private(set) var limit: Int?
    private(set) var batch: UInt32?
    private(set) var next: [UInt8]?
    private(set) var sequential: [UInt8]?
    private(set) var timeoutMilliseconds: UInt64 = EndpointLimits.timeoutMillisecondsStandard

    init(_ query: ArraySlice<UInt8>, endpoint: Endpoint) throws(Problem) {
        guard !query.isEmpty else { return }
        var start = query.startIndex
        while start <= query.endIndex {
            let end = query[start...].firstIndex(of: UInt8(ascii: "&")) ?? query.endIndex
            try read(query[start..<end], endpoint: endpoint)
            start = end + 1
        }
    }

    private mutating func read(_ piece: ArraySlice<UInt8>, endpoint: Endpoint) throws(Problem) {
        let equals = piece.firstIndex(of: UInt8(ascii: "="))
        let name = try QueryParameters.decode(piece[..<(equals ?? piece.endIndex)])
        guard let parameter = Parameter.allCases.first(where: { name.equals($0.name) }) else {
            throw QueryParameters.unknown(name, endpoint: endpoint)
        }
        let member = ParameterSet(parameter)
        guard endpoint.parameters.contains(member) else {
            throw QueryParameters.misplaced(parameter, endpoint: endpoint)
        }
        guard !present.contains(member) else {
            throw Problem(.invalidRequest, "the parameter \(parameter.name) is repeated; send it once")
        }
        present.insert(member)
        let value = try equals.map { equals throws(Problem) in try QueryParameters.decode(piece[(equals + 1)...]) }
        try set(parameter, value)
    }

    private mutating func set(_ parameter: Parameter, _ value: ArraySlice<UInt8>?) throws(Problem) {
        switch parameter {
        case .raw, .children, .values, .recursive, .count, .parents, .directory:
            if try QueryParameters.flag(value, parameter) { flags.insert(ParameterSet(parameter)) }
        case .batch:
            try setBatch(value)
        case .revision:
            let number = try QueryParameters.number(value, parameter)
            guard number > 0 else { throw QueryParameters.malformed(parameter, "a revision from 1 on") }
            revision = Revision(number)
        case .minRevision:
            minRevision = Revision(try QueryParameters.number(value, parameter))
        case .consistency:
            guard let value, value.equals("local") || value.equals("linearizable") else {
                throw QueryParameters.malformed(parameter, "local or linearizable")
            }
            consistency = value.equals("local") ? .local : .linearizable
        case .limit:
            limit = Int(clamping: try QueryParameters.number(value, parameter))
        case .next:
            guard let value, !value.isEmpty else { throw QueryParameters.malformed(parameter, "the cursor of a page") }
            next = [UInt8](value)
        case .sequential:
            sequential = [UInt8](value ?? [])
        case .timeout:
            try setTimeout(value)
        case .kind, .ttl, .lease, .wait, .after, .history:
            throw QueryParameters.malformed(parameter, "nothing: it is not served yet")
        }
    }

    private mutating func setTimeout(_ value: ArraySlice<UInt8>?) throws(Problem) {
        guard let value, let milliseconds = DurationText.milliseconds(value) else {
            throw QueryParameters.malformed(.timeout, "a number and a unit, such as 250ms or 2s")
        }
        guard EndpointLimits.timeoutMilliseconds.contains(milliseconds) else {
            throw QueryParameters.malformed(.timeout, "from 1ms to 60s")
        }
        timeoutMilliseconds = milliseconds
    }

    private mutating func setBatch(_ value: ArraySlice<UInt8>?) throws(Problem) {
        guard let value, let first = value.first, first.isASCIIDigit else {
            if try QueryParameters.flag(value, .batch) { batch = EndpointLimits.batchNodesMax }
            return
        }
        let number = try QueryParameters.number(value, .batch)
        guard number >= 1 && number <= UInt64(EndpointLimits.batchNodesMax) else {
            throw QueryParameters.malformed(.batch, "from 1 to \(EndpointLimits.batchNodesMax)")
        }
        batch = UInt32(number)
    }

    // MARK: Values

    private static func flag(_ value: ArraySlice<UInt8>?, _ parameter: Parameter) throws(Problem) -> Bool {
        guard let value else { return true }
        if value.equals("true") { return true }
        guard value.equals("false") else { throw malformed(parameter, "no value, true or false") }
        return false
    }

    private static func number(_ value: ArraySlice<UInt8>?, _ parameter: Parameter) throws(Problem) -> UInt64 {
        guard let value, let number = DecimalText.number(value), number < DecimalText.limit else {
            throw malformed(parameter, "a whole number below 2^53")
        }
        return number
    }

    /// Percent-decoded once. A plus sign stands for itself.
    private static func decode(_ text: ArraySlice<UInt8>) throws(Problem) -> ArraySlice<UInt8> {
        guard text.contains(UInt8(ascii: "%")) else { return text }
        var decoded: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            if text[index] != UInt8(ascii: "%") {
                decoded.append(text[index])
                index += 1
                continue
            }
            guard index + 2 < text.endIndex, let high = text[index + 1].hexadecimalValue,
                let low = text[index + 2].hexadecimalValue
            else {
                throw Problem(.invalidRequest, "a % of the query is not followed by two hexadecimal digits")
            }
            decoded.append(high << 4 | low)
            index += 3
        }
        return decoded[...]
    }

    // MARK: Refusals

    private static func malformed(_ parameter: Parameter, _ expected: String) -> Problem {
        Problem(.invalidRequest, "the parameter \(parameter.name) must be \(expected)")
    }

    private static func unknown(_ name: ArraySlice<UInt8>, endpoint: Endpoint) -> Problem {
        let known = endpoint.parameters.members.map(\.name.description)
        return Problem(.invalidRequest, "unknown parameter \(NearestName.advice(for: name, among: known))")
    }

    private static func misplaced(_ parameter: Parameter, endpoint: Endpoint) -> Problem {
        let name = parameter.name.description
        let isTree = endpoint.resource == .node || endpoint.resource == .root
        if isTree && ParameterSet.later.contains(ParameterSet(parameter)) {
            return Problem(.unsupported, "the parameter \(name) is not supported by this version yet; leave it out")
        }
        let known = endpoint.parameters.members.map(\.name.description)
        let list = known.isEmpty ? "it takes none" : "it takes " + known.joined(separator: ", ")
        return Problem(
            .invalidRequest,
            "the parameter \(name) does not go with \(endpoint.method.name) \(endpoint.resource.template); \(list)")
    }
}
