import Foundation

/// The lines of a member's log, from some moment on.
package struct MemberLog: Sendable {
    package struct Event: Sendable {
        package var name: String
        package var wallMilliseconds: UInt64
        package var numbers: [String: UInt64]
    }

    private let path: String
    private var offset: UInt64

    /// - Parameter path: of a log, of which only what is written from now on counts.
    package init(fromEndOf path: String) throws {
        self.path = path
        offset = try FileHandle(forReadingFrom: URL(fileURLWithPath: path)).seekToEnd()
    }

    /// The events that are new since the last call.
    package mutating func read() throws -> [Event] {
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        try handle.seek(toOffset: offset)
        guard let data = try handle.readToEnd(), let end = data.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        offset += UInt64(data.distance(from: data.startIndex, to: end) + 1)
        return data[..<end].split(separator: UInt8(ascii: "\n")).compactMap {
            MemberLog.event(String(decoding: $0, as: UTF8.self))
        }
    }

    /// - Returns: `nil` when it is no line of a log, as what the linker or a sanitizer says is not.
    package static func event(_ line: String) -> Event? {
        guard let fields = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
            let name = fields["event"] as? String, let time = fields["time"] as? String,
            let date = try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(time)
        else { return nil }
        let numbers = fields.compactMapValues { $0 as? UInt64 }
        return Event(
            name: name, wallMilliseconds: UInt64((date.timeIntervalSince1970 * 1000).rounded()), numbers: numbers)
    }
}
