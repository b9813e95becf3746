package import TwinModel

extension JSON {
    /// An object with one more member, where there is a value.
    package func adding(_ name: String, _ value: JSON?) -> JSON {
        guard let value, let members else { return self }
        return .object(members + [.init(name, value)])
    }
}
