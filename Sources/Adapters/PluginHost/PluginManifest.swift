import CodecKit
package import DropCore
import SystemKit
package import TwinModel

/// What `NAME.plugin.json` says about the plugin `NAME.so` beside it.
package struct PluginManifest: Sendable, Equatable {
    /// 1 to 64 of `a`–`z`, `0`–`9`, `-`; the same as in the library's descriptor.
    package let id: String
    /// A semantic version; the same as in the library's descriptor.
    package let version: String
    /// One line for people.
    package let title: String
    /// Glob patterns of the file names it is made for. They are a suggestion: the sources decide about routing.
    package let accepts: [String]
    /// JSON Schema of its settings, if it has any.
    package let settingsSchema: JSON?
    /// The SHA-256 the library must have, if the manifest pins it.
    package let digest: ContentDigest?

    /// Parses a manifest. `path` is in messages only.
    ///
    /// Errors: `plugin-manifest`, remedy suspendSource: which member, what is wrong with it.
    package init(parsing bytes: [UInt8], path: String) throws(DropError) {
        func wrong(_ reason: String) -> DropError {
            DropError(
                .pluginManifest, "\(Escaping.visible(path)): \(reason)",
                hint: "Correct the manifest; \(DocumentPage.path("plugin-abi.md")) shows one.", remedy: .suspendSource)
        }
        let json: JSON
        do { json = try JSON(parsing: bytes) } catch { throw wrong("It is not JSON: \(error.message) (byte \(error.offset)).") }
        guard let members = json.members else { throw wrong("It is not a JSON object.") }
        let allowed = ["id", "version", "title", "accepts", "settings", "sha256"]
        for member in members where !allowed.contains(member.name) && !member.name.hasPrefix("x-") {
            let name = Escaping.visible(member.name, scalarsMax: 64)
            throw wrong("Member \(name) is unknown; known are \(allowed.joined(separator: ", ")), and x-….")
        }
        guard let id = json["id"]?.string, SourceName(id) != nil else {
            throw wrong("Member id must be a text of 1 to 64 of a–z, 0–9 and -.")
        }
        guard let version = json["version"]?.string, Self.isVersion(version) else {
            throw wrong("Member version must be a semantic version such as 1.0.0.")
        }
        guard let title = json["title"]?.string, !title.isEmpty, title.utf8.count <= 200 else {
            throw wrong("Member title must be a text of 1 to 200 bytes.")
        }
        var accepts: [String] = []
        if let patterns = json["accepts"] {
            guard let elements = patterns.elements, elements.allSatisfy({ $0.string?.isEmpty == false }) else {
                throw wrong("Member accepts must be a list of patterns such as *.csv.")
            }
            accepts = elements.compactMap(\.string)
        }
        if let schema = json["settings"], schema.members == nil { throw wrong("Member settings must be a JSON Schema object.") }
        var digest: ContentDigest?
        if let pin = json["sha256"] {
            digest = pin.string.flatMap { ContentDigest(hex: $0) }
            if digest == nil { throw wrong("Member sha256 must be 64 hexadecimal digits.") }
        }
        self.id = id
        self.version = version
        self.title = title
        self.accepts = accepts
        settingsSchema = json["settings"]
        self.digest = digest
    }

    /// `MAJOR.MINOR.PATCH`, each a number, with an optional `-pre` or `+build` (Semantic Versioning 2.0.0).
    private static func isVersion(_ text: String) -> Bool {
        guard text.utf8.count <= 64, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return false }
        let core = text.prefix { $0 != "-" && $0 != "+" }
        let parts = core.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 3
            && parts.allSatisfy { part in
                !part.isEmpty && part.utf8.allSatisfy { (0x30...0x39).contains($0) } && (part == "0" || part.first != "0")
            }
    }
}
