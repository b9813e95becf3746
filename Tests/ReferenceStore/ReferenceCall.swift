import DropCore
package import TwinModel
package import TwinService

/// One moment of the graph, or one call's transaction on it. Used by one thread.
package final class ReferenceCall: TwinWriter {
    package struct Twin {
        let name: Name
        let thing: Thing
    }

    package struct Relationship {
        let name: LinkName
        let thing: Thing
    }

    private let commits: [ReferenceStore.Commit]
    private let before: Graph
    private var graph: Graph
    let ticks: Int64
    private(set) var hasChanged = false

    init(_ state: ReferenceStore.State, ticks: Int64) {
        (commits, before, graph, self.ticks) = (state.commits, state.present, state.present, ticks)
        (graph.twinGraves, graph.linkGraves) = ([:], [:])
    }

    private var commit: UInt64 { UInt64(commits.count) + 1 }
    private var stamp: Stamp { Stamp(commit: commit) }

    /// The graph as the call leaves it.
    func finished() -> Graph {
        var graph = graph
        graph.activateWaiting(at: commit, time: UInt64(ticks / 10_000), after: before)
        return graph
    }

    private func ticks(of commit: UInt64) -> Int64 { commit == self.commit ? ticks : commits[Int(commit) - 1].ticks }
    package var models: ModelCatalog { graph.models }
    package var time: Int64 { ticks / 10 }
    package var twinCount: Int { graph.twins.count }

    // MARK: Twins

    package func twin(_ id: String) -> Twin? { graph.twins[Name(id)].map { Twin(name: Name(id), thing: $0) } }
    package func model(of twin: Twin) -> String? { twin.thing.word }
    package func tag(of twin: Twin) -> String { tag(twin.thing) }
    private func tag(_ thing: Thing) -> String { "W/\"\(thing.number)-\(thing.version)\"" }

    package func document(of twin: Twin) -> TwinDocument {
        let properties = twin.thing.sorted.map { (path: PropertyPath(key: $0.name.text), value: $0.said.value.json) }
        let times = twin.thing.sourceTimes.map { (PropertyPath(key: $0.key.text), $0.value) }
        return TwinDocument(
            model: twin.thing.word, properties: properties, sourceTimes: Dictionary(uniqueKeysWithValues: times))
    }

    package func knownComponents(of twin: Twin) -> [String] {
        let named = twin.thing.properties.keys.compactMap { PropertyPath(key: $0.text).component }
        return Set(named + twin.thing.components.keys.map(\.text)).sorted()
    }

    package func view(of twin: Twin, isDated: Bool) -> TwinView {
        let thing = twin.thing
        var (view, texts) = (TwinView(id: twin.name.text, tag: tag(thing), model: thing.word), TickTexts())
        for (name, said) in thing.sorted {
            view.add(
                PropertyPath(key: name.text), said.value.json, at: ticks(of: said.stamp.commit),
                sourceTime: thing.sourceTimes[name], &texts)
        }
        let components = models.shape(thing.word).map { Array($0.components.keys) } ?? thing.components.keys.map(\.text)
        for name in components.sorted() { view.add(component: name) }
        for (name, commit) in thing.components { view.note(component: name.text, at: ticks(of: commit)) }
        view.lastUpdate = max(view.newest, ticks(of: thing.changed.commit))
        return view
    }

    package func create(twin id: String, _ draft: TwinDraft) -> Twin {
        write(graph.newThing(stamp, nil, word: draft.model), Name(id), draft)
    }

    package func revise(twin: Twin, _ draft: TwinDraft) -> Twin { write(twin.thing, twin.name, draft) }

    private func write(_ old: Thing, _ name: Name, _ draft: TwinDraft) -> Twin {
        var new = revised(old, word: draft.model)
        let said = draft.properties.map { property in
            let name = Name(property.path.key)
            let kept = property.isNew ? nil : old.properties[name]
            return (name, kept ?? Said(value: PropertyValue(property.value, property.schema), stamp: stamp))
        }
        new.properties = Dictionary(uniqueKeysWithValues: said)
        let times = draft.document.sourceTimes.map { (Name($0.key.key), $0.value) }
        new.sourceTimes = Dictionary(uniqueKeysWithValues: times)
        new.components = [:]
        for (name, isNew) in draft.components { new.components[Name(name)] = isNew ? commit : old.components[Name(name)] }
        graph.twins[name] = new
        return Twin(name: name, thing: new)
    }

    private func revised(_ old: Thing, word: String?) -> Thing {
        hasChanged = true
        var new = old
        (new.word, new.changed, new.version) = (word, stamp, graph.nextVersion())
        return new
    }

    package func delete(twin: Twin) {
        hasChanged = true
        _ = graph.delete(twin: twin.name, 0, by: nil)
    }

    package func hasRelationships(_ twin: Twin) -> Bool { !graph.links(at: twin.name).isEmpty }

    package func hasEdges(_ count: Int, at end: RelationshipEnd, of twin: Twin) -> Bool {
        links(at: end, of: twin).count >= count
    }

    package func forEachTwin(_ body: (Twin) throws -> Void) throws {
        for (name, thing) in graph.twins.sorted(by: { $0.value.number < $1.value.number }) {
            try body(Twin(name: name, thing: thing))
        }
    }

    // MARK: Relationships

    package func relationship(_ id: String, of source: Twin) -> Relationship? {
        let name = LinkName(source: source.name, id: Name(id))
        return graph.links[name].map { Relationship(name: name, thing: $0) }
    }

    package func tag(of relationship: Relationship) -> String { tag(relationship.thing) }
    package func name(of relationship: Relationship) -> String { relationship.thing.word ?? "" }

    package func values(of relationship: Relationship) -> [JSON.Member] {
        relationship.thing.sorted.map { .init($0.name.text, $0.said.value.json) }
    }

    package func ids(of relationship: Relationship) -> RelationshipIDs {
        let name = relationship.name
        return RelationshipIDs(id: name.id.text, source: name.source.text, target: relationship.thing.target?.text ?? "")
    }

    private func links(at end: RelationshipEnd, of twin: Twin) -> [Relationship] {
        graph.links.filter { (end == .source ? $0.key.source : $0.value.target) == twin.name }
            .map { Relationship(name: $0.key, thing: $0.value) }.sorted { $0.thing.number < $1.thing.number }
    }

    package func relationships(
        at end: RelationshipEnd, of twin: Twin, named: String?, after: Int64, limit: Int
    ) -> [(place: Int64, relationship: Relationship)] {
        let found = links(at: end, of: twin).filter { link in
            link.thing.number > after && (named.map { Name($0) == Name(link.thing.word ?? "") } ?? true)
        }
        return found.prefix(limit).map { ($0.thing.number, $0) }
    }

    package func create(
        relationship id: String, from source: Twin, to target: Twin, _ draft: RelationshipDraft
    ) -> Relationship {
        let thing = graph.newThing(stamp, nil, word: draft.name, target: target.name)
        return write(thing, LinkName(source: source.name, id: Name(id)), draft)
    }

    package func revise(relationship: Relationship, to target: Twin?, _ draft: RelationshipDraft) -> Relationship {
        var old = relationship.thing
        if let target { old.target = target.name }
        return write(old, relationship.name, draft)
    }

    private func write(_ old: Thing, _ name: LinkName, _ draft: RelationshipDraft) -> Relationship {
        var new = revised(old, word: draft.name)
        let said = draft.properties.map { property in
            let kept = property.isNew ? nil : old.properties[Name(property.name)]
            return (Name(property.name), kept ?? Said(value: PropertyValue(property.value, property.schema), stamp: stamp))
        }
        new.properties = Dictionary(uniqueKeysWithValues: said)
        graph.links[name] = new
        return Relationship(name: name, thing: new)
    }

    package func delete(relationship: Relationship) {
        hasChanged = true
        graph.delete(link: relationship.name, 0)
    }

    package func forEachRelationship(_ body: (Relationship, String?, String?) throws -> Void) throws {
        for (name, thing) in graph.links.sorted(by: { $0.value.number < $1.value.number }) {
            let target = thing.target.flatMap { graph.twins[$0]?.word }
            try body(Relationship(name: name, thing: thing), graph.twins[name.source]?.word, target)
        }
    }

    // MARK: The rest

    package func write(_ change: ModelChange) {
        hasChanged = true
        graph.models = change.catalog
    }

    package func eventRoutes(after: String, limit: Int) -> [EventRoute] {
        let routes = graph.routes.sorted { $0.key < $1.key }.filter { $0.key > Name(after) }
        return routes.prefix(limit).map(\.value)
    }

    package func eventRoute(_ id: String) -> EventRoute? { graph.routes[Name(id)] }
    package func countEventRoutes(besides id: String) -> Int { graph.routes.keys.count { $0 != Name(id) } }

    package func put(_ route: EventRoute) {
        hasChanged = true
        graph.routes[Name(route.id)] = route
    }

    package func delete(eventRoute id: String) -> Bool {
        guard graph.routes.removeValue(forKey: Name(id)) != nil else { return false }
        hasChanged = true
        return true
    }

    package func deleteRelationships(_ limit: Int) -> Int {
        let names = graph.links.sorted { $0.value.number < $1.value.number }.prefix(limit).map(\.key)
        for name in names { graph.delete(link: name, 0) }
        if !names.isEmpty { hasChanged = true }
        return names.count
    }

    package func deleteTwins(_ limit: Int) -> Int {
        let names = graph.twins.sorted { $0.value.number < $1.value.number }.prefix(limit).map(\.key)
        for name in names { _ = graph.delete(twin: name, 0, by: nil) }
        if !names.isEmpty { hasChanged = true }
        return names.count
    }
}
