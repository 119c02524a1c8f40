import ConcordAPI
import ConcordClient
import ConcordCommandLine
import Foundation

extension Tool {
    func get() async throws(ConcordError) -> ExitCode {
        let path = parsed[ToolDeclaration.path]
        let node = try await client.get(path, consistency: consistency, at: atRevision).node
        if isJSON {
            console.print(ToolJSON.text(of: NodeDocument(node, withValue: true)))
        } else if parsed[ToolDeclaration.showRevision] {
            console.print("\(node.revision)")
        } else if let value = node.value {
            return show(value)
        } else {
            console.complain("\(path) has no value\n")
        }
        return .success
    }

    private func show(_ value: ConcordValue) -> ExitCode {
        if parsed[ToolDeclaration.raw] || value.string == nil && !console.outputIsTerminal {
            console.write(value.bytes)
        } else if let text = value.string {
            console.write(value.bytes)
            if !text.hasSuffix("\n") { console.write([UInt8(ascii: "\n")]) }
        } else {
            return fail("the value is \(value.bytes.count) bytes that are no text; --raw writes them all the same")
        }
        return .success
    }

    func put() async throws(ConcordError) -> ExitCode {
        let value: ConcordValue?
        switch parsed[ToolDeclaration.value] {
        case nil:
            value = nil
        case "-":
            value = ConcordValue(console.readInput())
        case let text? where text.hasPrefix("@"):
            do {
                value = ConcordValue(try Data(contentsOf: URL(fileURLWithPath: String(text.dropFirst()))))
            } catch {
                return fail("\(text.dropFirst()) cannot be read: \(Tool.reason(error))")
            }
        case let text?:
            value = ConcordValue(text)
        }
        if parsed[ToolDeclaration.create], parsed[ToolDeclaration.ifMatch] != nil {
            let error = UsageError(command: "concord put", .rule("'--create' and '--if-match' exclude each other"))
            console.complain(error.text)
            return .usage
        }
        let result = try await client.put(
            parsed[ToolDeclaration.path], value, if: parsed[ToolDeclaration.create] ? .absent : matchCondition,
            createsParents: parsed[ToolDeclaration.parents])
        show(result, created: result.created)
        return .success
    }

    func remove() async throws(ConcordError) -> ExitCode {
        let result = try await client.delete(
            parsed[ToolDeclaration.path], if: matchCondition, recursive: parsed[ToolDeclaration.recursive])
        show(result, created: nil)
        return .success
    }

    private var matchCondition: Condition {
        parsed[ToolDeclaration.ifMatch].map { .anyRevision($0.map { UInt64($0) }) } ?? .none
    }

    /// The revision of the write: what the next `--if-match` needs.
    private func show(_ result: WriteResult, created: Bool?) {
        if isJSON {
            let output = WriteOutput(
                revision: result.position.revision, epoch: result.position.epoch, created: created,
                deletedCount: result.deletedCount, node: result.node.map { NodeDocument($0, withValue: false) })
            console.print(ToolJSON.text(of: output))
        } else {
            console.print("\(result.position.revision)")
        }
    }

    /// What Foundation has to say about a file, as short as it gets.
    static func reason(_ error: any Error) -> String {
        let error = error as NSError
        if let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError { return underlying.localizedDescription }
        return error.localizedDescription
    }
}
