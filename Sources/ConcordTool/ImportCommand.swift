import ConcordAPI
import ConcordClient
import ConcordCommandLine
import Foundation
import Synchronization

extension Tool {
    func importFiles() async throws(ConcordError) -> ExitCode {
        let directory = parsed[ToolDeclaration.directory]
        let root = parsed[ToolDeclaration.path]
        do {
            _ = try NodePath(root)
        } catch {
            throw ConcordError(.invalidPath, detail: error.detail, path: root)
        }
        let walk: FileWalk
        do {
            walk = try FileWalk(directory: directory, node: root)
        } catch {
            return fail("\(directory) cannot be read: \(Tool.reason(error))")
        }
        let transfer = Transfer("imported", parsed, console)
        let items = Mutex(walk)
        await transfer.run(parsed[ToolDeclaration.inFlight]) {
            while !transfer.hasFailed, let item = items.withLock({ $0.next() }) {
                await importItem(item, transfer)
            }
        }
        return try transfer.finish(self, revision: nil)
    }

    private func importItem(_ item: FileWalk.Item, _ transfer: Transfer) async {
        switch item {
        case .refused(let file, let reason):
            transfer.skip(file, reason)
        case .directory(let node):
            do throws(ConcordError) {
                try await repeatForgotten { () throws(ConcordError) in
                    try await client.put(node, nil, if: .absent, createsParents: true)
                }
                transfer.addDirectory()
            } catch {
                // Another task made it as a parent, or it was there before.
                error.code == .alreadyExists ? transfer.addDirectory() : judge(error, of: node, transfer)
            }
        case .file(let file, let node):
            let value: ConcordValue
            do {
                value = try Tool.readFile(file)
            } catch {
                transfer.skip(file, error.sentence)
                return
            }
            do throws(ConcordError) {
                try await repeatForgotten { () throws(ConcordError) in
                    try await client.put(node, value, createsParents: true)
                }
                transfer.addFile(bytes: value.bytes.count)
            } catch {
                judge(error, of: file, transfer)
            }
        }
    }

    /// Writing the same value once more does no harm, so a write whose outcome the members forgot is repeated.
    private func repeatForgotten(
        _ write: () async throws(ConcordError) -> WriteResult
    ) async throws(ConcordError) {
        for _ in 0..<2 {
            do throws(ConcordError) {
                _ = try await write()
                return
            } catch  where error.code == .clientExpired {
                continue
            }
        }
        _ = try await write()
    }

    /// What is wrong with one file is no reason to leave out the others; what is wrong with the cluster is.
    private func judge(_ error: ConcordError, of name: String, _ transfer: Transfer) {
        switch error.status {
        case 400, 404, 409, 412, 413, 414, 431:
            transfer.skip(name, error.description)
        case 403 where error.code.rawValue == "guarded", 429 where error.code == .limitExceeded:
            transfer.skip(name, error.description)
        default:
            error.code == .invalidPath ? transfer.skip(name, error.description) : transfer.fail(error)
        }
    }

    struct Unreadable: Error {
        let sentence: String
    }

    /// A file that no cluster takes is not even read.
    private static func readFile(_ file: String) throws(Unreadable) -> ConcordValue {
        do {
            let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
            guard size <= ToolLimits.fileBytesMax else {
                throw Unreadable(sentence: "it has \(size) bytes, more than any value may have")
            }
            return ConcordValue(try Data(contentsOf: URL(fileURLWithPath: file)))
        } catch let error as Unreadable {
            throw error
        } catch {
            throw Unreadable(sentence: "it cannot be read: \(reason(error))")
        }
    }
}

/// The bounds of the command line.
enum ToolLimits {
    /// Far above the largest value that a cluster can be told to take.
    static let fileBytesMax = 16 << 20
    /// A name in the file systems of Linux.
    static let fileNameBytesMax = 255
}
