import CodecKit
import DropCore
import ValueRules

/// The time zones that the system knows: files of compiled rules, as the package tzdata installs them.
struct ZoneFolder {
    static let folders = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"]
    static let fileBytesMax = 1 << 20

    /// The rules of the zone `name` in the form plugins get; nil if there is none of this name.
    static func rules(of name: String, reading files: inout ConfigurationFiles) -> String? {
        for folder in folders {
            let path = ConfigurationFiles.absolute(name, from: folder)
            guard case .success(let bytes) = files.bytes(of: path, bytesMax: fileBytesMax) else { continue }
            return ZoneRules(tzif: bytes)?.text
        }
        return nil
    }

    /// Whether the system has any.
    static func isThere(_ files: ConfigurationFiles) -> Bool { folders.contains { !files.names(in: $0).isEmpty } }

    /// The hint for an unknown name.
    static func hint(for name: String, _ files: ConfigurationFiles) -> String {
        guard isThere(files) else { return "Install the time zones of the system (the package tzdata)." }
        let area = name.split(separator: "/").first.map(String.init) ?? ""
        let names = folders.flatMap { folder in
            files.names(in: folder + "/" + area).map { area + "/" + $0 } + files.names(in: folder)
        }
        let near = Suggestion.hint(for: name, among: names)
        return near.isEmpty ? "Names are written as Area/City: Europe/Berlin." : near
    }
}

extension SourceReader {
    /// The rules of the time zones that settings name, each once; unknown names are reported.
    func readZones(_ names: [SettingsSchema.Name], into diagnosis: Diagnosis) -> [LookupTable.Row] {
        var rows: [LookupTable.Row] = []
        for name in names where ZoneRules.offsetMinutes(name.text) == nil && !rows.contains(where: { $0.key == name.text }) {
            if ZoneRules.isName(name.text), let rules = ZoneFolder.rules(of: name.text, reading: &loader.files) {
                rows.append(LookupTable.Row(key: name.text, value: rules))
                continue
            }
            diagnosis.report(
                ConfigurationError(
                    .badValue, at: name.place, keyPath: name.keyPath.joined(separator: "."),
                    "found \"\(Escaping.visible(name.text, scalarsMax: 60))\", expected Z, an offset from UTC such as "
                        + "+01:00, or a time zone such as Europe/Berlin.",
                    hint: ZoneFolder.hint(for: name.text, loader.files)))
        }
        return rows
    }
}
