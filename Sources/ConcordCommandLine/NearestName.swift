/// Finds the name that somebody probably meant.
package enum NearestName {
    /// The candidate with the fewest edits from `name`, if few enough for a slip of the fingers: at most two,
    /// and fewer than half of the name. The first of several equally near ones.
    package static func of(_ name: String, among candidates: [String]) -> String? {
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(name, candidate)
            guard distance <= 2, distance * 2 < max(name.count, candidate.count) else { continue }
            if distance < best?.distance ?? Int.max {
                best = (candidate, distance)
            }
        }
        return best?.name
    }

    /// Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment).
    /// Words beyond 64 characters are infinitely far: nobody mistypes those, and the table stays small.
    static func distance(_ left: String, _ right: String) -> Int {
        let (a, b) = (Array(left), Array(right))
        guard a.count <= 64, b.count <= 64 else { return Int.max / 2 }
        var twoBack: [Int] = []
        var previous = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var cost = min(previous[j + 1] + 1, row[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    cost = min(cost, twoBack[j - 1] + 1)
                }
                row.append(cost)
            }
            twoBack = previous
            previous = row
        }
        return previous[b.count]
    }
}
