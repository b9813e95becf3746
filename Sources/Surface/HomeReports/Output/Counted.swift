/// A number and its noun as people read them: `1 file`, `2 files`. For nouns whose plural ends in a plain s.
package func counted(_ count: some BinaryInteger, _ noun: String) -> String { count == 1 ? "1 \(noun)" : "\(count) \(noun)s" }
