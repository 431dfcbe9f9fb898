/// "Did you mean": the nearest of known words.
package enum EditDistance {
    /// The nearest candidate that is near enough to be a slip of the fingers: a third of its letters at most.
    package static func nearest(to word: String, in candidates: [String]) -> String? {
        let ranked = candidates.map { (distance(word, $0), $0) }.min { $0.0 < $1.0 }
        guard let (distance, best) = ranked, distance <= max(1, best.utf8.count / 3) else { return nil }
        return best
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
    static func distance(_ left: String, _ right: String) -> Int {
        // Longer words are no slip; cut, so that a hostile key costs nothing.
        let a = Array(left.lowercased().utf8.prefix(80))
        let b = Array(right.lowercased().utf8.prefix(80))
        var rows = [Array(0...b.count)]
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var cost = min(rows[i][j] + (a[i] == b[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, rows[i - 1][j - 1] + 1) }
                row.append(cost)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
