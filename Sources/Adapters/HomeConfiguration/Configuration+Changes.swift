import DropCore
import TwinModel

extension Configuration {
    /// What changed in `twindrop.yaml` since this was read: keys of two parts, such as `http.listen` or `sources.assets (new)`.
    /// Empty if nothing changed, or the file is not YAML now. Blocking; from any thread.
    package func changes() -> [String] {
        var files = ConfigurationFiles(home: paths.home)
        let path = ConfigurationFiles.absolute(Self.fileName, from: paths.home)
        guard case .success(let bytes) = files.bytes(of: path, bytesMax: Self.fileBytesMax),
            let new = Self.value(of: bytes), let old = Self.value(of: origin.text)
        else { return [] }
        return Self.changes(from: old, to: new, [])
    }

    /// All mistakes, if one of them is outside the sources, or in a source that `old` has without a mistake or not at all; else
    /// nil.
    package func newMistakes(besides old: Configuration) -> [String]? {
        guard let all = allMistakes, !mistakes.isEmpty || !mistaken.isSubset(of: old.mistaken) else { return nil }
        return all.errors.map(\.description)
    }

    /// Sources with a mistake in their part of `twindrop.yaml`, or in a file it names.
    private var mistaken: Set<String> {
        Set(broken.map(\.name) + sources.filter { !$0.mistakes.isEmpty }.map(\.name.text))
    }

    private static func value(of text: [UInt8]) -> JSON? {
        guard let text = String(validating: text, as: UTF8.self) else { return nil }
        let file = YAMLFile(text: text, file: fileName)
        return file.errors.isEmpty ? file.root?.json ?? .object([]) : nil
    }

    private static func changes(from old: JSON?, to new: JSON?, _ path: [String]) -> [String] {
        if let old, let new, old.sameValue(as: new) { return [] }
        if path.count < 2, let before = old?.members, let after = new?.members {
            let names = before.map(\.name) + after.map(\.name).filter { name in !before.contains { $0.name == name } }
            return names.flatMap { changes(from: old?[$0], to: new?[$0], path + [$0]) }
        }
        let name = path.joined(separator: ".")
        return [old == nil ? "\(name) (new)" : new == nil ? "\(name) (gone)" : name]
    }
}
