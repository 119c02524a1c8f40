import ConcordClient
import ConcordCommandLine
import Foundation
import Synchronization

extension Tool {
    /// Lists the names first, then reads the values at the listing's revision, several at a time.
    func exportFiles() async throws(ConcordError) -> ExitCode {
        let root = parsed[ToolDeclaration.path]
        let directory = parsed[ToolDeclaration.directory]
        var page = try await client.listPage(root, ListOptions(recursive: true))
        let revision = page.revision
        var paths = page.nodes.map(\.path)
        while let cursor = page.next {
            page = try await client.listPage(root, ListOptions(recursive: true), cursor: cursor)
            paths += page.nodes.map(\.path)
        }
        if let problem = Tool.prepare(directory) { return fail(problem) }

        let transfer = Transfer("exported", parsed, console)
        let export = Export(root: root, directory: directory, revision: revision, taken: Set(paths))
        let queue = Mutex(([root] + paths)[...])
        await transfer.run(parsed[ToolDeclaration.inFlight]) {
            while !transfer.hasFailed, let path = queue.withLock({ $0.popFirst() }) {
                await exportNode(path, export, transfer)
            }
        }
        return try transfer.finish(self, revision: revision)
    }

    private struct Export: Sendable {
        let root: String
        let directory: String
        let revision: UInt64
        /// Every path below the root.
        let taken: Set<String>
    }

    private func exportNode(_ path: String, _ export: Export, _ transfer: Transfer) async {
        guard let names = Tool.names(of: path, below: export.root) else {
            transfer.skip(path, "its name cannot be that of a file")
            return
        }
        do throws(ConcordError) {
            let node = try await client.get(path, at: export.revision).node
            try write(node, names, export, transfer)
        } catch {
            transfer.fail(error)
        }
    }

    private func write(
        _ node: ConcordNode, _ names: [String], _ export: Export, _ transfer: Transfer
    ) throws(ConcordError) {
        let place = ([export.directory] + names).joined(separator: "/")
        let isDirectory = names.isEmpty || node.childrenCount > 0 || node.value == nil
        do {
            if isDirectory {
                try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                transfer.addDirectory()
            }
            guard let value = node.value else { return }
            var file = place
            if isDirectory {
                let sibling = names.isEmpty ? Tool.child(of: node.path, ".value") : "\(node.path).value"
                let isLong = (names.last ?? "").utf8.count + 6 > ToolLimits.fileNameBytesMax
                guard !export.taken.contains(sibling), !isLong else {
                    transfer.skip(
                        node.path, "it has a value and children, and \(sibling) cannot hold the value")
                    return
                }
                file = names.isEmpty ? "\(place)/.value" : "\(place).value"
            } else {
                try FileManager.default.createDirectory(
                    atPath: Tool.parent(of: place), withIntermediateDirectories: true)
            }
            try value.data.write(to: URL(fileURLWithPath: file), options: .atomic)
            transfer.addFile(bytes: value.bytes.count)
        } catch {
            transfer.skip(node.path, "it cannot be written: \(Tool.reason(error))")
        }
    }

    private static func child(of path: String, _ name: String) -> String {
        path == "/" ? "/\(name)" : "\(path)/\(name)"
    }

    /// The names from the root down to `path`; `nil` when one of them would lead elsewhere than downwards. The
    /// members allow no such name, but files are written on their word.
    package static func names(of path: String, below root: String) -> [String]? {
        if path == root { return [] }
        let prefix = root == "/" ? "/" : "\(root)/"
        guard path.utf8.starts(with: prefix.utf8) else { return nil }
        let rest = path.utf8.dropFirst(prefix.utf8.count)
        var names: [String] = []
        for part in rest.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            let name = String(Substring(part))
            guard !part.isEmpty, name != ".", name != "..", !part.contains(0),
                part.count <= ToolLimits.fileNameBytesMax
            else { return nil }
            names.append(name)
        }
        return names
    }

    /// Makes the directory, or makes sure that it is empty: so no link in it can lead a file astray.
    private static func prepare(_ directory: String) -> String? {
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let isEmpty = try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty
            return isEmpty ? nil : "\(directory) is not empty"
        } catch {
            return "\(directory) cannot be made: \(reason(error))"
        }
    }
}
