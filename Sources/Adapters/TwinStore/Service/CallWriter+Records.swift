import DropCore
import TwinModel
import TwinService

/// Drafts of the rules as records. What a call did not touch keeps its bytes and its stamps.
extension CallWriter {
    func record(of draft: TwinDraft, old: TwinRecord?) -> TwinRecord {
        var record = old ?? TwinRecord(created: effects.dropNumber, base: stamp)
        record.properties = []
        record.extras = .init()
        var stamped: Set<String> = []
        for property in draft.properties {
            let key = store.keys.number(of: property.path.key)
            if !property.isNew, let kept = old?.property(key) {
                record.properties.append(kept)
                continue
            }
            let value = PropertyValue(property.value, property.schema).encoded()
            record.properties.append(.init(key: key, value: value[...], stamp: stamp))
            if let component = property.path.component { stamped.insert(component) }
        }
        record.properties.sort { $0.key < $1.key }
        for (path, text) in draft.document.sourceTimes {
            record.extras.sourceTimes.append((store.keys.number(of: path.key), Array(text.utf8)))
        }
        record.extras.sourceTimes.sort { $0.key < $1.key }
        record.extras.levels = levels(draft, old, stamped)
        return record
    }

    /// Components whose last change no property of theirs shows.
    private func levels(_ draft: TwinDraft, _ old: TwinRecord?, _ stamped: Set<String>) -> [(key: UInt32, drop: UInt64)] {
        var levels: [(key: UInt32, drop: UInt64)] = []
        for (name, isNew) in draft.components where !stamped.contains(name) {
            let key = store.keys.number(of: name)
            if isNew {
                levels.append((key, effects.dropNumber))
            } else if let kept = old?.extras.levels.first(where: { $0.key == key }) {
                levels.append(kept)
            }
        }
        return levels.sorted { $0.key < $1.key }
    }

    func record(of draft: RelationshipDraft, old: TwinRecord?) -> TwinRecord {
        var record = old ?? TwinRecord(created: effects.dropNumber, base: stamp)
        record.properties = draft.properties.map { property in
            let key = store.keys.number(of: property.name)
            if !property.isNew, let kept = old?.property(key) { return kept }
            return .init(key: key, value: PropertyValue(property.value, property.schema).encoded()[...], stamp: stamp)
        }
        record.properties.sort { $0.key < $1.key }
        return record
    }
}

extension TwinRecord {
    /// The properties that `newer` changes, as they are here; those it adds, as absent. A stamp counts as a change.
    func replaced(by newer: TwinRecord) -> [Property] {
        var result: [Property] = []
        var left = properties[...]
        var right = newer.properties[...]
        while true {
            if let before = left.first, right.first.map({ before.key < $0.key }) ?? true {
                left.removeFirst()
                result.append(before)
            } else if let now = right.popFirst() {
                if let before = left.first, before.key == now.key {
                    left.removeFirst()
                    if before != now { result.append(before) }
                } else {
                    result.append(.init(key: now.key, value: [PropertyType.absent.rawValue], stamp: now.stamp))
                }
            } else {
                return result
            }
        }
    }
}
