import ConcordAPI
import ConcordClient
import ConcordCommandLine

extension Tool {
    private var root: String { parsed[ToolDeclaration.rootedPath] ?? "/" }

    func list() async throws(ConcordError) -> ExitCode {
        let (nodes, revision) = try await collect(recursive: false)
        if isJSON {
            printListing(nodes, revision)
        } else if parsed[ToolDeclaration.long] {
            var table = TextTable([
                ("NAME", .left), ("KIND", .left), ("REVISION", .right), ("CREATED", .right), ("VERSION", .right),
                ("CHILDREN", .right),
            ])
            for node in nodes {
                table.append([
                    Tool.shown(Tool.name(of: node.path)), node.kind, "\(node.revision)", "\(node.createRevision)",
                    "\(node.version)", "\(node.childrenCount)",
                ])
            }
            console.write([UInt8](table.text(console.paint).utf8))
        } else {
            for node in nodes { console.print(Tool.shown(Tool.name(of: node.path))) }
        }
        return .success
    }

    func tree() async throws(ConcordError) -> ExitCode {
        let (nodes, revision) = try await collect(recursive: true)
        if isJSON {
            printListing(nodes, revision)
            return .success
        }
        var children: [String: [String]] = [:]
        for node in nodes { children[Tool.parent(of: node.path), default: []].append(node.path) }
        console.print(Tool.shown(root))
        printBranches(of: root, indent: "", children)
        return .success
    }

    /// At most 64 levels deep, for no path is deeper.
    private func printBranches(of path: String, indent: String, _ children: [String: [String]]) {
        let branches = children[path] ?? []
        for (index, child) in branches.enumerated() {
            let isLast = index == branches.count - 1
            console.print("\(indent)\(isLast ? "└── " : "├── ")\(Tool.shown(Tool.name(of: child)))")
            printBranches(of: child, indent: indent + (isLast ? "    " : "│   "), children)
        }
    }

    private func collect(recursive: Bool) async throws(ConcordError) -> ([ConcordNode], UInt64) {
        let options = ListOptions(recursive: recursive, revision: atRevision, consistency: consistency)
        var nodes: [ConcordNode] = []
        var page = try await client.listPage(root, options)
        nodes += page.nodes
        while let cursor = page.next {
            page = try await client.listPage(root, options, cursor: cursor)
            nodes += page.nodes
        }
        return (nodes, page.revision)
    }

    private func printListing(_ nodes: [ConcordNode], _ revision: UInt64) {
        let documents = nodes.map { NodeDocument($0, withValue: false) }
        console.print(ToolJSON.text(of: ListOutput(path: root, revision: revision, nodes: documents)))
    }

    static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    /// A name as it may be shown: what would steer a terminal is replaced.
    package static func shown(_ name: String) -> String {
        var shown = ""
        for scalar in name.unicodeScalars {
            let steers = scalar.properties.generalCategory == .control || scalar.properties.isBidiControl
            shown.unicodeScalars.append(steers ? "\u{FFFD}" : scalar)
        }
        return shown
    }
}
