package import DropCore
import ThreadKit
package import TwinModel
import TwinService

extension ReferenceStore: GraphHistory {
    /// The state as it was at a moment.
    private func state(_ moment: Moment) -> State {
        var state = state.with { $0 }
        let count: Int
        switch moment {
        case .now: return state
        case .sequence(let number): count = min(Int(clamping: number), state.commits.count)
        case .time(let milliseconds):
            count = (state.commits.lastIndex { $0.ticks / 10_000 <= Int64(clamping: milliseconds) } ?? -1) + 1
        }
        // Models are asked as they are now.
        let models = state.present.models
        state.present = count == 0 ? Graph() : state.commits[count - 1].graph
        state.present.models = models
        return state
    }

    private func reading<T>(_ moment: Moment, _ body: (ReferenceCall) -> T) -> T {
        let state = state(moment)
        return body(ReferenceCall(state, ticks: state.ticks))
    }

    package func twin(_ id: String, asOf moment: Moment) throws(DropError) -> JSON? {
        reading(moment) { reader in
            var texts = TickTexts()
            return reader.twin(id).map { reader.view(of: $0, isDated: true).document(&texts) }
        }
    }

    package func relationships(of id: String, asOf moment: Moment) throws(DropError) -> [JSON] {
        reading(moment) { reader in
            guard let twin = reader.twin(id) else { return [] }
            let found = reader.relationships(at: .source, of: twin, named: nil, after: 0, limit: .max).map(\.relationship)
            return found.sorted { $0.name < $1.name }.map { link in
                RelationshipView.document(
                    reader.ids(of: link), tag: reader.tag(of: link), name: reader.name(of: link), reader.values(of: link))
            }
        }
    }

    package func forEachTwin(asOf moment: Moment, _ body: (JSON) -> Void) throws(DropError) {
        for name in state(moment).present.twins.keys.sorted() {
            if let twin = try twin(name.text, asOf: moment) { body(twin) }
        }
    }

    package func pending(limit: Int) throws(DropError) -> [PendingRelationship] {
        state(.now).present.waiting.prefix(limit).map { one in
            PendingRelationship(
                source: one.owner.source, drop: one.drop, record: one.stated.record, sourceID: one.name.source.text,
                name: one.word, targetID: one.target.text, id: one.name.id.text, expires: one.expires)
        }
    }

    package func expirePending(now milliseconds: UInt64) throws(DropError) -> Int {
        state.with { state in
            let count = state.present.waiting.count
            state.present.waiting.removeAll { $0.expires <= milliseconds }
            return count - state.present.waiting.count
        }
    }

    // MARK: History

    package func history(_ id: String, limit: Int) throws(DropError) -> [HistoryStep] {
        steps(limit, "/$metadata/$model") { graph in (graph.twins[Name(id)], graph.twinGraves[Name(id)]) }
    }

    package func history(ofRelationship id: String, of twin: String, limit: Int) throws(DropError) -> [HistoryStep] {
        let name = LinkName(source: Name(twin), id: Name(id))
        return steps(limit, "/$relationshipName") { graph in (graph.links[name], graph.linkGraves[name]) }
    }

    /// Each commit's graph is compared with the one before.
    private func steps(
        _ limit: Int, _ word: String, _ look: (Graph) -> (thing: Thing?, grave: UInt64?)
    ) -> [HistoryStep] {
        let commits = state(.now).commits
        var steps: [HistoryStep] = []
        for (index, commit) in commits.enumerated() {
            let old = index == 0 ? nil : look(commits[index - 1].graph).thing
            let (new, grave) = look(commit.graph)
            let isSame = old?.number == new?.number
            if let old, !isSame {
                let gone = Self.changes(from: old, to: nil, word)
                steps.append(HistoryStep(kind: .deleted, provenance: Self.origin(index, grave ?? 0, commits), changes: gone))
            }
            guard let new, old?.version != new.version else { continue }
            if isSame {
                let changes = Self.changes(from: old, to: new, word)
                let by = Self.origin(index, new.changed.record, commits)
                steps.append(HistoryStep(kind: .updated, provenance: by, changes: changes))
            } else {
                // A twin's model is no change of its making; a relationship's name is.
                let made = Self.changes(from: nil, to: new, word).filter { $0.pointer != "/$metadata/$model" }
                var by = Self.origin(index, new.made.record, commits)
                if let stated = new.stated {
                    let origin = Self.origin(Int(stated.commit) - 1, stated.record, commits).origin
                    by = Provenance(origin: origin, sequence: by.sequence, time: by.time)
                }
                steps.append(HistoryStep(kind: .created, provenance: by, changes: made))
            }
        }
        return Array(steps.reversed().prefix(limit))
    }

    private static func changes(from old: Thing?, to new: Thing?, _ word: String) -> [HistoryStep.Change] {
        var changes: [HistoryStep.Change] = []
        func note(_ pointer: String, _ before: JSON?, _ after: JSON?) {
            if before != after { changes.append(.init(pointer: pointer, before: before, after: after)) }
        }
        note(word, old?.word.map(JSON.string), new?.word.map(JSON.string))
        note("/$targetId", (old?.target?.text).map(JSON.string), (new?.target?.text).map(JSON.string))
        for name in Set((old?.properties.keys).map(Array.init) ?? []).union(new?.properties.keys.map { $0 } ?? []).sorted() {
            note(
                "/" + name.text.replacing("~", with: "~0"), old?.properties[name]?.value.json,
                new?.properties[name]?.value.json)
        }
        return changes
    }

    private static func origin(_ index: Int, _ record: UInt64, _ commits: [Commit]) -> Provenance {
        let origin: Provenance.Origin =
            switch commits[index].origin {
            case .drop(let drop, _, _):
                .record(.init(drop: drop.id, source: drop.source, fileName: drop.fileName, record: record, plugin: nil))
            case .call(let caller, let what): .call(.init(caller: caller, what: what))
            }
        return Provenance(origin: origin, sequence: UInt64(index) + 1, time: UInt64(commits[index].ticks / 10_000))
    }
}
