import TwinModel
import TwinService

/// What a query has to know of the models: which extend which, and which have what component.
package struct ModelFamily: Sendable {
    /// Everything a model extends, directly or not, itself included; of an unknown model itself or nothing.
    package let ancestors: @Sendable (String) -> [String]
    /// Names of the components a model has, inherited ones included.
    package let components: @Sendable (String) -> [String]

    package init(
        ancestors: @escaping @Sendable (String) -> [String] = { [$0] },
        components: @escaping @Sendable (String) -> [String] = { _ in [] }
    ) {
        self.ancestors = ancestors
        self.components = components
    }

    /// The models of a graph.
    init(_ catalog: ModelCatalog) {
        ancestors = { catalog.entries[$0]?.effective.ancestors ?? [] }
        components = { catalog.entries[$0]?.effective.components.keys.map { $0 } ?? [] }
    }
}

/// Turns the names of a query into the numbers of this graph.
struct QueryCompiler {
    let keys: GlobalKeys
    let family: ModelFamily
    let variables: [Query.Variable]
    /// Models that may stand on twins of this graph.
    private let models: [(key: UInt32, name: String)]

    init(_ keys: GlobalKeys, _ family: ModelFamily, _ variables: [Query.Variable]) {
        self.keys = keys
        self.family = family
        self.variables = variables
        models = keys.all(startingWith: "dtmi:")
    }

    func test(_ condition: QueryCondition) -> RowTest {
        switch condition {
        case .and(let parts): return .and(parts.map(test))
        case .or(let parts): return .or(parts.map(test))
        case .not(let part): return .not(test(part))
        case .compare(.path(let path), let comparison, .literal(let value)):
            return .compare(self.path(path), comparison, RowLiteral(value))
        case .compare(.literal(let value), let comparison, .path(let path)):
            return .compare(self.path(path), comparison.mirrored, RowLiteral(value))
        case .compare(let left, let comparison, let right):
            return .compareOperands(operand(left), comparison, operand(right))
        case .among(.path(let path), let values, let isNegated):
            return .among(self.path(path), values.map(RowLiteral.init), isNegated: isNegated)
        case .among(.literal(let value), let values, let isNegated):
            let tests = values.map { RowTest.compareOperands(.literal(RowLiteral(value)), .equal, .literal(RowLiteral($0))) }
            return isNegated ? .not(.or(tests)) : .or(tests)
        case .type(let type, let path): return .type(type, self.path(path))
        case .text(let test, .path(let path), .literal(.string(let part))):
            return .text(test, self.path(path), Array(part.utf8))
        case .text(let test, let text, let part): return .textOperands(test, operand(text), operand(part))
        case .arrayContains(let array, let value): return .arrayContains(operand(array), operand(value))
        case .ofModel(let variable, let model, let isExact):
            return .ofModel(variable: variable, modelSet(model, isExact: isExact))
        case .truth(let path): return .truth(self.path(path))
        }
    }

    private func operand(_ operand: QueryCondition.Operand) -> RowTest.Operand {
        switch operand {
        case .path(let path): .path(self.path(path))
        case .literal(let value): .literal(RowLiteral(value))
        }
    }

    // MARK: Paths

    func path(_ path: Query.Path) -> RowPath {
        guard let variable = path.variable, let first = path.segments.first else {
            return RowPath(variable: path.variable ?? 0, head: path.variable == nil ? .nowhere : .document([]))
        }
        let segments = path.segments
        if segments.contains("$metadata") {
            let isModel = segments == ["$metadata", "$model"] && variables[variable].kind == .twin
            return RowPath(variable: variable, head: isModel ? .model : .document(segments))
        }
        if segments.count == 1, let head = special(first, variables[variable].kind) {
            return RowPath(variable: variable, head: head)
        }
        if first.utf8.first == UInt8(ascii: "$") { return RowPath(variable: variable, head: .document(segments)) }
        var properties: [(key: UInt32, rest: [String])] = []
        if let key = keys.known(first) { properties.append((key, Array(segments.dropFirst()))) }
        if segments.count > 1, variables[variable].kind == .twin, let key = keys.known(PropertyPath(first, segments[1]).key) {
            properties.append((key, Array(segments.dropFirst(2))))
        }
        let mayBeComponent = segments.count == 1 && variables[variable].kind == .twin && isComponent(first)
        guard !properties.isEmpty || mayBeComponent else { return RowPath(variable: variable, head: .nowhere) }
        return RowPath(variable: variable, head: .properties(properties), fallback: mayBeComponent ? segments : nil)
    }

    private func special(_ name: String, _ kind: Query.Variable.Kind) -> RowPath.Head? {
        switch (name, kind) {
        case ("$etag", _): .etag
        case ("$dtId", .twin): .twinID
        case ("$relationshipId", .relationship): .relationshipID
        case ("$relationshipName", .relationship): .relationshipName
        case ("$sourceId", .relationship): .sourceID
        case ("$targetId", .relationship): .targetID
        default: nil
        }
    }

    private func isComponent(_ name: String) -> Bool {
        if !keys.all(startingWith: name + "/").isEmpty { return true }
        return models.contains { family.components($0.name).contains { $0.utf8.elementsEqual(name.utf8) } }
    }

    // MARK: Models

    /// The graph's models that are the given one, a higher version of it, or extend one of these; only the given one where
    /// `isExact` (docs/query-language.md, "Grammar").
    func modelSet(_ model: String, isExact: Bool) -> ModelKeys {
        let wanted = ModelName(model)
        var result = ModelKeys()
        for (key, name) in models {
            if name.utf8.elementsEqual(model.utf8) {
                result.insert(key)
            } else if !isExact,
                ModelName(name).isOf(wanted) || family.ancestors(name).contains(where: { ModelName($0).isOf(wanted) })
            {
                result.insert(key)
            }
        }
        return result
    }
}

/// A model's id, taken apart: `dtmi:path;major.minor`.
private struct ModelName {
    let path: [UInt8]
    /// Nil where there is none, or where it is no number.
    let version: (major: Int64, minor: Int64)?
    let isNumbered: Bool

    init(_ id: String) {
        let bytes = Array(id.utf8)
        guard let semicolon = bytes.lastIndex(of: UInt8(ascii: ";")) else {
            (path, version, isNumbered) = (bytes, (0, 0), false)
            return
        }
        path = Array(bytes[..<semicolon])
        isNumbered = true
        let parts = String(decoding: bytes[(semicolon + 1)...], as: UTF8.self)
            .split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        if let major = parts.first ?? nil, parts.count <= 2, let minor = parts.count == 2 ? parts[1] : 0 {
            version = (major, minor)
        } else {
            version = nil
        }
    }

    /// The same path, in the same or a higher version.
    func isOf(_ other: ModelName) -> Bool {
        guard path == other.path, let version, let base = other.version else { return false }
        return version >= base
    }
}

extension GlobalKeys {
    /// The names that start so, with their numbers, in the order of the numbers.
    func all(startingWith prefix: String) -> [(key: UInt32, name: String)] {
        withNames { names in
            names.enumerated().filter { $0.element.utf8.starts(with: prefix.utf8) }.map { (UInt32($0.offset + 1), $0.element) }
        }
    }
}
