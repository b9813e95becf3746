package import TwinModel

extension JSON {
    /// The same value, whatever the order of members, and whether a whole number is written with a fraction.
    package func isSame(as other: JSON) -> Bool { utf8(.canonical) == other.utf8(.canonical) }
}
