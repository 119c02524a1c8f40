/// A file of Swift, taken apart: what is code, what is comment. Literals are neither, so a word in a text is not
/// taken for a word of the language.
struct SourceText {
    /// From the top of the repository: `Sources/ConcordRaft/Entry.swift`.
    let path: String
    let lines: [String]
    /// The lines with comments and literals blanked out.
    let code: [String]
    /// The lines with everything but comments blanked out.
    let comments: [String]

    init(path: String, text: String) {
        self.path = path
        var lexer = SourceLexer(bytes: [UInt8](text.utf8))
        lexer.run()
        lines = SourceText.split([UInt8](text.utf8))
        code = SourceText.split(lexer.code)
        comments = SourceText.split(lexer.comments)
    }

    /// The name of the target: the directory below `Sources` or `Tests`; `Jepsen-style/Checker` is ConcordChecker.
    var target: String {
        let parts = path.split(separator: "/")
        guard parts.count > 2 else { return "" }
        return parts[0] == "Jepsen-style" ? "Concord\(parts[1])" : String(parts[1])
    }

    var isProduct: Bool { path.hasPrefix("Sources/") || path.hasPrefix("Jepsen-style/") }
    var isTest: Bool { path.hasPrefix("Tests/") }

    private static func split(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}

/// Tells comments and literals from code, as far as the rules of the house need it.
private struct SourceLexer {
    let bytes: [UInt8]
    var code: [UInt8]
    var comments: [UInt8]
    var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
        let blank = bytes.map { $0 == UInt8(ascii: "\n") ? $0 : UInt8(ascii: " ") }
        code = blank
        comments = blank
    }

    mutating func run() {
        while position < bytes.count { step(inCode: true) }
    }

    /// Goes over one thing: a comment, a literal or a byte of code.
    private mutating func step(inCode: Bool) {
        if looksAt("//") {
            while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { takeComment() }
        } else if looksAt("/*") {
            skipBlockComment()
        } else if let hashes = literalAhead() {
            skipLiteral(hashes: hashes)
        } else {
            if inCode { code[position] = bytes[position] }
            position += 1
        }
    }

    private mutating func takeComment() {
        comments[position] = bytes[position]
        position += 1
    }

    private mutating func skipBlockComment() {
        var depth = 0
        repeat {
            if looksAt("/*") {
                depth += 1
                takeComment()
            } else if looksAt("*/") {
                depth -= 1
                takeComment()
            }
            takeComment()
        } while depth > 0 && position < bytes.count
    }

    /// The number of `#` before the quote, when a literal begins here.
    private func literalAhead() -> Int? {
        var at = position
        while at < bytes.count, bytes[at] == UInt8(ascii: "#") { at += 1 }
        guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { return nil }
        return at - position
    }

    private mutating func skipLiteral(hashes: Int) {
        position += hashes
        let quote = looksAt("\"\"\"") ? "\"\"\"" : "\""
        let end = quote + String(repeating: "#", count: hashes)
        let escape = "\\" + String(repeating: "#", count: hashes)
        position += quote.utf8.count
        while position < bytes.count {
            if looksAt(end) {
                position += end.utf8.count
                return
            }
            if looksAt(escape + "(") {
                position += escape.utf8.count + 1
                skipInterpolation()
            } else if looksAt(escape) {
                position += escape.utf8.count + 1
            } else if quote.utf8.count == 1, bytes[position] == UInt8(ascii: "\n") {
                return
            } else {
                position += 1
            }
        }
    }

    private mutating func skipInterpolation() {
        var depth = 1
        while depth > 0, position < bytes.count {
            if bytes[position] == UInt8(ascii: "(") { depth += 1 }
            if bytes[position] == UInt8(ascii: ")") { depth -= 1 }
            step(inCode: false)
        }
    }

    private func looksAt(_ text: String) -> Bool {
        var at = position
        for byte in text.utf8 {
            guard at < bytes.count, bytes[at] == byte else { return false }
            at += 1
        }
        return true
    }
}

extension String {
    /// Whether `text` stands here, not as a part of a longer name. A `text` that begins or ends with something else
    /// than a letter needs no boundary there.
    func mentions(_ text: String) -> Bool {
        let (bytes, wantedBytes) = (utf8, text.utf8)
        let (line, wanted) = (bytes.span, wantedBytes.span)
        guard !wanted.isEmpty, line.count >= wanted.count else { return false }
        for start in 0...(line.count - wanted.count) where line[start] == wanted[0] {
            var matched = 1
            while matched < wanted.count, line[start + matched] == wanted[matched] { matched += 1 }
            guard matched == wanted.count else { continue }
            let end = start + matched
            let freeBefore = start == 0 || !wanted[0].isPartOfName || !line[start - 1].isPartOfName
            let freeBehind = end == line.count || !wanted[matched - 1].isPartOfName || !line[end].isPartOfName
            if freeBefore && freeBehind { return true }
        }
        return false
    }

    /// The names and single other characters of a line of code, without blanks.
    var tokens: [String] {
        var tokens: [String] = []
        var name: [UInt8] = []
        for byte in utf8 {
            if byte.isPartOfName {
                name.append(byte)
                continue
            }
            if !name.isEmpty { tokens.append(String(decoding: name, as: UTF8.self)) }
            name = []
            if byte != UInt8(ascii: " ") { tokens.append(String(decoding: [byte], as: UTF8.self)) }
        }
        if !name.isEmpty { tokens.append(String(decoding: name, as: UTF8.self)) }
        return tokens
    }
}

extension UInt8 {
    var isPartOfName: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...0xFF:
            true
        default: false
        }
    }
}
