import CodecKit
import DropCore
import TwinModel

/// What the configuration needs of a plugin's manifest, `NAME.plugin.json`.
struct SettingsManifest: Sendable {
    let id: String
    /// Absolute.
    let path: String
    /// Nil: the manifest has no schema, and any settings are passed on.
    let schema: SettingsSchema?
    let errors: [ConfigurationError]

    static let suffix = ".plugin.json"
    static let bytesMax = 4 << 20

    /// - Parameter shown: the path as errors name it.
    init(_ bytes: [UInt8], id: String, path: String, shown: String) {
        self.id = id
        self.path = path
        let place = Place(file: shown)
        do throws(JSONError) {
            let json = try JSON(parsing: bytes)
            var faults: [String] = []
            if let stated = json["id"]?.string, !stated.utf8.elementsEqual(id.utf8) {
                faults.append("the id is \(Escaping.visible(stated)), but the file's name says \(id).")
            }
            var schema: SettingsSchema?
            if let settings = json["settings"] {
                let (read, found) = SettingsSchema.read(settings)
                schema = found.isEmpty ? read : nil
                faults += found
            }
            self.schema = schema
            errors = faults.map { ConfigurationError(.manifest, at: place, $0, hint: "Correct the plugin's manifest.") }
        } catch {
            schema = nil
            let line = bytes.prefix(error.offset).count { $0 == 0x0A } + 1
            errors = [ConfigurationError(.manifest, at: Place(file: shown, line: line), "this is not JSON: \(error.message).")]
        }
    }
}
