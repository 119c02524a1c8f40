import ConcordAPI

/// Helps with a misspelt name.
enum NearestName {
    /// `'chldren'; did you mean children?`, or the names there are.
    static func advice(for name: ArraySlice<UInt8>, among known: [String]) -> String {
        let quoted = UTF8Text.quoted(name, max: 40)
        guard !known.isEmpty else { return "\(quoted); there are none here" }
        if let nearest = find([UInt8](name), among: known) { return "\(quoted); did you mean \(nearest)?" }
        return "\(quoted); known are \(known.joined(separator: ", "))"
    }

    /// The name with the fewest changes of a character, if these are few.
    static func find(_ name: [UInt8], among known: [String]) -> String? {
        guard !name.isEmpty, name.count <= 40 else { return nil }
        var nearest: (name: String, distance: Int)?
        for candidate in known {
            let distance = distance(name, [UInt8](candidate.utf8))
            if distance < nearest?.distance ?? max(2, min(name.count, candidate.utf8.count) / 2 + 1) {
                nearest = (candidate, distance)
            }
        }
        return nearest?.name
    }

    /// Insertions, deletions, replacements and swaps of neighbours (Damerau 1964, in the restricted form).
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = [Int](0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforeLast[j - 1] + 1) }
                row.append(best)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
