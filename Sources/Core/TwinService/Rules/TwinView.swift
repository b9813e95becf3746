package import TwinModel

/// A twin as the service shows it (docs/azure-contract.md, "Twins"), put together part by part. Times are in units of 100
/// nanoseconds since 1970.
package struct TwinView: Sendable {
    /// The twin itself, or one component.
    private struct Part {
        let component: String?
        var values: [JSON.Member] = []
        var metadata: [JSON.Member] = []
        /// The last change that is known of it.
        var ticks: Int64?
    }

    private let id: String
    private let tag: String
    private let model: String?
    /// The twin itself first, then its components in the order in which they were named.
    private var parts = [Part(component: nil)]
    /// When anything of the twin was last changed.
    package var lastUpdate: Int64 = 0

    package init(id: String, tag: String, model: String?) { (self.id, self.tag, self.model) = (id, tag, model) }

    /// A property, and when it was last set.
    package mutating func add(
        _ path: PropertyPath, _ value: JSON, at ticks: Int64, sourceTime: String?, _ texts: inout TickTexts
    ) {
        let place = path.component.map { index($0) } ?? 0
        parts[place].values.append(.init(path.name, value))
        var times: [JSON.Member] = [.init("lastUpdateTime", .string(texts.text(ticks)))]
        if let sourceTime { times.append(.init("sourceTime", .string(sourceTime))) }
        parts[place].metadata.append(.init(path.name, .object(times)))
        parts[place].ticks = max(parts[place].ticks ?? 0, ticks)
    }

    /// A component it has, with or without properties.
    package mutating func add(component: String) { _ = index(component) }

    /// When something of a component was last changed; for one that was added.
    package mutating func note(component: String, at ticks: Int64) {
        guard let place = parts.firstIndex(where: { $0.component == component }) else { return }
        parts[place].ticks = max(parts[place].ticks ?? 0, ticks)
    }

    /// The last change that its properties and components tell.
    package var newest: Int64 { parts.compactMap(\.ticks).max() ?? 0 }

    private mutating func index(_ component: String) -> Int {
        let known = parts.firstIndex { $0.component.map { $0.utf8.elementsEqual(component.utf8) } ?? false }
        if let known { return known }
        parts.append(Part(component: component))
        return parts.count - 1
    }

    // MARK: JSON

    /// `$dtId`, `$etag`, properties and components, `$metadata`.
    package func document(_ texts: inout TickTexts) -> JSON {
        var root: [JSON.Member] = []
        if let model { root.append(.init("$model", .string(model))) }
        root.append(.init("$lastUpdateTime", .string(texts.text(lastUpdate))))
        var members: [JSON.Member] = [.init("$dtId", .string(id)), .init("$etag", .string(tag))]
        for part in parts {
            guard let component = part.component else {
                members += part.values
                root += part.metadata
                continue
            }
            members.append(.init(component, Self.object(part, &texts)))
        }
        members.append(.init("$metadata", .object(root)))
        return .object(members)
    }

    /// The object of one component; nil where the twin has none of that name.
    package func component(_ name: String, _ texts: inout TickTexts) -> JSON? {
        parts.first { $0.component.map { $0.utf8.elementsEqual(name.utf8) } ?? false }.map { Self.object($0, &texts) }
    }

    private static func object(_ part: Part, _ texts: inout TickTexts) -> JSON {
        var metadata: [JSON.Member] = []
        if let ticks = part.ticks { metadata.append(.init("$lastUpdateTime", .string(texts.text(ticks)))) }
        return .object(part.values + [.init("$metadata", .object(metadata + part.metadata))])
    }
}

/// Times as text. Most properties of a page were set by few drops: the last text is kept.
package struct TickTexts: Sendable {
    private var last: (ticks: Int64, text: String) = (0, CalendarText.ticks(0))

    package init() {}

    package mutating func text(_ ticks: Int64) -> String {
        if ticks != last.ticks { last = (ticks, CalendarText.ticks(ticks)) }
        return last.text
    }
}

/// A relationship as the service shows it (docs/azure-contract.md, "Relationships"): ids, name, then its properties.
package enum RelationshipView {
    package static func document(_ ids: RelationshipIDs, tag: String, name: String, _ values: [JSON.Member]) -> JSON {
        let head: [JSON.Member] = [
            .init("$relationshipId", .string(ids.id)), .init("$etag", .string(tag)), .init("$sourceId", .string(ids.source)),
            .init("$relationshipName", .string(name)), .init("$targetId", .string(ids.target)),
        ]
        return .object(head + values)
    }
}
