import DropCore
import TwinModel

extension SettingsSchema {
    /// The word of `format` that marks an object of the settings as the dialect of delimited text.
    static let dialectFormat = "delimited-text"

    /// The dialect that `settings` state, in a member that the schema marks, or as a whole where the schema itself is marked; nil
    /// where neither is. A member that is left out states the usual one.
    func dialect(in settings: JSON) -> TextDialect? {
        guard let schema = resolved(root) else { return nil }
        if schema["format"]?.string == Self.dialectFormat { return TextDialect(settings) }
        for property in schema["properties"]?.members ?? [] {
            guard resolved(property.value)?["format"]?.string == Self.dialectFormat else { continue }
            return TextDialect(settings[property.name] ?? .object([]))
        }
        return nil
    }
}
