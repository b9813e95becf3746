import CodecKit
import DropCore
import SystemKit
import Yams

/// Reads one YAML file into values with places; every error has its place too.
///
/// Refused: more than one document, aliases that unfold into more than `nodesMax` values, nesting over `depthMax`, merge keys
/// (`<<`), tags, and keys that are not text. A key that is given twice is reported, every time, and its first value counts.
struct YAMLFile {
    static let nodesMax = 200_000
    static let depthMax = 64
    private static let duplicatesMax = 100

    let root: YAMLNode?
    let errors: [ConfigurationError]

    init(text: String, file: String) {
        var reader = Reader(file: file)
        root = reader.read(text)
        errors = reader.errors
    }

    private struct Reader {
        let file: String
        var errors: [ConfigurationError] = []
        var nodes = 0
        /// Keys that are given again later, by the character that hides them: see `hide(_:in:)`.
        var hidden: [String: String] = [:]

        init(file: String) { self.file = file }

        mutating func read(_ text: String) -> YAMLNode? {
            var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
            var scalars = text
            for _ in 0...YAMLFile.duplicatesMax {
                do {
                    guard let node = try Yams.compose(yaml: scalars, .basic, .default, .utf8) else { return nil }
                    return try value(node, keyPath: [], depth: 0)
                } catch let YamlError.duplicatedKeysInMapping(duplicates, context) {
                    guard let key = duplicates.first, hide(key, at: context.mark, in: &lines) else {
                        refuse(
                            context.mark, .duplicateKey, "the key \"\(duplicates.first ?? "")\" is given twice in one mapping.")
                        return nil
                    }
                    scalars = lines.map { line in String(String.UnicodeScalarView(line)) }.joined(separator: "\n")
                } catch let error as ConfigurationError {
                    errors.append(error)
                    return nil
                } catch {
                    errors.append(syntaxError(error, in: text))
                    return nil
                }
            }
            return nil
        }

        /// Yams stops at the first key that is given twice. To go on and find every error, that key is renamed where it
        /// stands first: its first character becomes one of the private-use area, which `value` knows again.
        private mutating func hide(_ key: String, at mark: Mark, in lines: inout [[Unicode.Scalar]]) -> Bool {
            guard hidden.count < YAMLFile.duplicatesMax, let mask = Unicode.Scalar(0xE000 + UInt32(hidden.count)),
                lines.indices.contains(mark.line - 1)
            else { return false }
            var column = mark.column - 1
            let line = lines[mark.line - 1]
            if line.indices.contains(column), line[column] == "\"" || line[column] == "'" { column += 1 }
            guard line.indices.contains(column), line[column] == key.unicodeScalars.first else { return false }
            lines[mark.line - 1][column] = mask
            hidden[String(mask) + String(key.unicodeScalars.dropFirst())] = key
            return true
        }

        private mutating func value(_ node: Node, keyPath: [String], depth: Int) throws -> YAMLNode {
            nodes += 1
            let place = place(node.mark)
            guard nodes <= YAMLFile.nodesMax, depth <= YAMLFile.depthMax else {
                throw ConfigurationError(
                    .tooLarge, at: place, keyPath: keyPath.joined(separator: "."),
                    "the file has more than \(YAMLFile.nodesMax) values, or values nested deeper than \(YAMLFile.depthMax).",
                    hint: "Split it, or remove aliases that repeat large parts.")
            }
            switch node {
            case .scalar(let scalar):
                // Yams gives quoted text the tag of text.
                if scalar.style == .plain || scalar.tag.description != "tag:yaml.org,2002:str" {
                    try refuseTag(scalar.tag, node.mark)
                }
                let kind = scalar.style == .plain ? YAMLNode.kind(ofPlain: scalar.string) : .text(scalar.string)
                return YAMLNode(kind: kind, place: place, written: scalar.string)
            case .sequence(let sequence):
                try refuseTag(sequence.tag, node.mark)
                var elements: [YAMLNode] = []
                for (index, element) in sequence.enumerated() {
                    elements.append(try value(element, keyPath: keyPath + [String(index)], depth: depth + 1))
                }
                return YAMLNode(kind: .list(elements), place: place, written: "")
            case .mapping(let mapping):
                try refuseTag(mapping.tag, node.mark)
                return YAMLNode(kind: .map(try entries(mapping, keyPath, depth)), place: place, written: "")
            case .alias:
                throw ConfigurationError(.syntax, at: place, "this alias has no value.", hint: "Write the value itself.")
            }
        }

        private mutating func entries(_ mapping: Node.Mapping, _ keyPath: [String], _ depth: Int) throws -> [YAMLNode.Entry] {
            var entries: [YAMLNode.Entry] = []
            var lines: [String: Int] = [:]
            for (key, node) in mapping {
                let place = place(key.mark)
                guard case .scalar(let scalar) = key, scalar.style != .plain || scalar.string != "<<" else {
                    refuse(key.mark, .syntax, "a key must be text, and merge keys (<<) are not read: write the values out.")
                    continue
                }
                let name = hidden[scalar.string] ?? scalar.string
                let value = try value(node, keyPath: keyPath + [name], depth: depth + 1)
                if let first = lines[name] {
                    errors.append(
                        ConfigurationError(
                            .duplicateKey, at: place, keyPath: (keyPath + [name]).joined(separator: "."),
                            "this key is given already on line \(first).", hint: "Keep one of the two."))
                } else {
                    lines[name] = place.line ?? 0
                    entries.append(YAMLNode.Entry(key: name, place: place, value: value))
                }
            }
            return entries
        }

        private func refuseTag(_ tag: Tag, _ mark: Mark?) throws {
            let name = tag.description
            guard name.isEmpty || name == "!" else {
                throw ConfigurationError(
                    .syntax, at: place(mark), "the tag \(Escaping.visible(name)) is not read.",
                    hint: "Remove it; quotes make a value text.")
            }
        }

        private mutating func refuse(_ mark: Mark?, _ code: ConfigurationError.Code, _ message: String) {
            errors.append(ConfigurationError(code, at: place(mark), message))
        }

        private func place(_ mark: Mark?) -> Place { Place(file: file, line: mark?.line, column: mark?.column) }

        private func syntaxError(_ error: any Error, in text: String) -> ConfigurationError {
            let hint =
                "See \(DocumentPage.path("configuration.md")) for the form; indent with blanks, and quote text that has "
                + "`: ` or ` #` in it."
            switch error {
            case YamlError.scanner(let context, let problem, let mark, _),
                YamlError.parser(let context, let problem, let mark, _),
                YamlError.composer(let context, let problem, let mark, _):
                let lead = context.map { $0.text + ": " } ?? ""
                return ConfigurationError(.syntax, at: place(mark), "this is not YAML: \(lead)\(problem).", hint: hint)
            case YamlError.reader(let problem, let offset, _, _):
                let before = text.utf8.prefix(offset ?? 0)
                let line = before.count { $0 == 0x0A } + 1
                return ConfigurationError(
                    .syntax, at: Place(file: file, line: line), "this is not YAML: \(problem).", hint: hint)
            default:
                return ConfigurationError(.syntax, at: Place(file: file), "this cannot be read as YAML: \(error).", hint: hint)
            }
        }
    }
}
