import ConcordAPI
import Foundation

/// Finds what is to be imported, one item after the other, in the order of names. Symbolic links are followed;
/// a directory that is reached again from within itself is refused.
struct FileWalk {
    enum Item: Equatable {
        /// A regular file and the node that it becomes.
        case file(file: String, node: String)
        case directory(node: String)
        case refused(file: String, reason: String)
    }

    private struct Level {
        let directory: String
        /// Without links, to recognise it.
        let realDirectory: String
        let node: String
        var names: ArraySlice<String>
    }

    private var levels: [Level] = []
    private var pending: Item?

    /// - Throws: a sentence, when `directory` cannot be listed.
    init(directory: String, node: String) throws {
        let real = FileWalk.real(directory)
        levels = [
            Level(directory: directory, realDirectory: real, node: node, names: try FileWalk.names(in: real)[...])
        ]
        if node != "/" { pending = .directory(node: node) }
    }

    /// The next item; a directory comes before what is in it.
    mutating func next() -> Item? {
        if let item = pending.take() { return item }
        while !levels.isEmpty {
            let top = levels.count - 1
            guard let name = levels[top].names.popFirst() else {
                levels.removeLast()
                continue
            }
            return visit(name, in: levels[top])
        }
        return nil
    }

    private mutating func visit(_ name: String, in level: Level) -> Item {
        let file = "\(level.directory)/\(name)"
        let node = level.node == "/" ? "/\(name)" : "\(level.node)/\(name)"
        // Foundation shows bytes that are no UTF-8 as this character, and then finds no such file.
        if name.unicodeScalars.contains("\u{FFFD}") {
            return .refused(file: file, reason: "its name is not valid UTF-8")
        }
        do {
            _ = try NodePath(node)
        } catch {
            return .refused(file: file, reason: error.detail)
        }
        let real = FileWalk.real("\(level.realDirectory)/\(name)")
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: real) else {
            return .refused(file: file, reason: "it cannot be examined, or it is a link that leads nowhere")
        }
        switch attributes[.type] as? FileAttributeType {
        case .typeRegular: return .file(file: real, node: node)
        case .typeDirectory: return enter(file, real, node)
        default: return .refused(file: file, reason: "it is neither a file nor a directory")
        }
    }

    private mutating func enter(_ directory: String, _ real: String, _ node: String) -> Item {
        if levels.contains(where: { $0.realDirectory == real }) {
            return .refused(file: directory, reason: "it is a link back to a directory that it lies in")
        }
        do {
            let names = try FileWalk.names(in: real)
            levels.append(Level(directory: directory, realDirectory: real, node: node, names: names[...]))
            return .directory(node: node)
        } catch {
            return .refused(file: directory, reason: Tool.reason(error))
        }
    }

    private static func names(in directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).sorted {
            $0.utf8.lexicographicallyPrecedes($1.utf8)
        }
    }

    private static func real(_ path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }
}
