/// Finds the word somebody probably meant.
package enum Suggestion {
    /// The candidate nearest to `word`, if it is near enough to be a slip: at most a third of its letters differ.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        let scored = candidates.map { (candidate: $0, distance: distance(folded(word), folded($0))) }
        guard let best = scored.min(by: { $0.distance < $1.distance }), best.distance <= max(1, best.candidate.utf8.count / 3)
        else { return nil }
        return best.candidate
    }

    /// `Did you mean X?`, or an empty text.
    package static func hint(for word: String, among candidates: [String]) -> String {
        nearest(to: word, among: candidates).map { "Did you mean \($0)?" } ?? ""
    }

    private static func folded(_ word: String) -> [UInt8] {
        word.utf8.prefix(128).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }
    }

    /// Optimal string alignment distance: insertions, deletions, replacements, and neighbours exchanged.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var rows = [Array(0...right.count)]
        for i in 1...left.count {
            var row = [i]
            for j in 1...right.count {
                let cost = left[i - 1] == right[j - 1] ? 0 : 1
                var best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + cost)
                if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
                    best = min(best, rows[i - 2][j - 2] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
