import DropCore
import TwinModel

extension SettingsSchema {
    /// The word of `format` that marks an object of the settings as the dialect of delimited text.
    static let dialectFormat = "delimited-text"

    /// The dialect that `settings` state; nil where the schema marks no member as one. A member that is left out states the usual
    /// one.
    func dialect(in settings: JSON) -> TextDialect? {
        guard let schema = resolved(root) else { return nil }
        for property in schema["properties"]?.members ?? [] {
            guard resolved(property.value)?["format"]?.string == Self.dialectFormat else { continue }
            return TextDialect(settings[property.name] ?? .object([]))
        }
        return nil
    }
}
