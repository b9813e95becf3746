import CodecKit
import DropCore
import TwinModel
import ValueRules

/// One value of a YAML file, with its place.
///
/// Plain scalars are read as JSON has them, and nothing else: `true`, `false`, `null`, `~`, whole and decimal numbers. So `no`,
/// `NULL`, `0123`, `0x1F`, `+49…` and `2026-11-21` stay the text that was written; whatever is in quotes is text.
struct YAMLNode: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        let key: String
        let place: Place
        let value: YAMLNode
    }

    enum Kind: Sendable, Equatable {
        case null
        case bool(Bool)
        case int(Int64)
        case double(Double)
        case text(String)
        case list([YAMLNode])
        case map([Entry])
    }

    let kind: Kind
    let place: Place
    /// The scalar as written, without quotes; empty for lists and maps.
    let written: String

    /// The value of `key`, if this is a map that has it.
    subscript(key: String) -> YAMLNode? {
        guard case .map(let entries) = kind else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// What was found, in words for people: `"stabel"`, `5`, `a list`.
    var found: String {
        switch kind {
        case .null: "nothing"
        case .bool, .int, .double: written
        case .text(let text): "\"\(Escaping.visible(text, scalarsMax: 60))\""
        case .list: "a list"
        case .map: "a mapping"
        }
    }

    /// This value as JSON; maps keep their order.
    var json: JSON {
        switch kind {
        case .null: .null
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .double(let value): .double(value)
        case .text(let text): .string(text)
        case .list(let elements): .array(elements.map(\.json))
        case .map(let entries): .object(entries.map { JSON.Member($0.key, $0.value.json) })
        }
    }

    /// The meaning of a plain scalar.
    static func kind(ofPlain text: String) -> Kind {
        switch text {
        case "", "~", "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        default: break
        }
        guard let first = text.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
            // Not a number as JSON writes it, or one that would lose digits: then it is text.
            (try? JSONText.check(Array(text.utf8).span)) != nil, let number = try? JSON(parsing: text)
        else { return .text(text) }
        switch number {
        case .int(let value): return .int(value)
        case .double(let value): return .double(value)
        default: return .text(text)
        }
    }
}
