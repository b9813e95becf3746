import DropCore
import TwinModel
import TwinService

/// A text that is equal to another byte by byte.
struct Name: Hashable, Comparable {
    let text: String
    init(_ text: String) { self.text = text }
    static func == (left: Name, right: Name) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }
    static func < (left: Name, right: Name) -> Bool { left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }
    func hash(into hasher: inout Hasher) { for byte in text.utf8 { hasher.combine(byte) } }
}

/// What a relationship is known by: its source twin, and its id.
struct LinkName: Hashable, Comparable {
    let source: Name
    let id: Name
    static func < (left: LinkName, right: LinkName) -> Bool { (left.source, left.id) < (right.source, right.id) }
}

/// Who said something: a commit, and of a drop its source and a record (0: none).
struct Stamp: Equatable {
    var commit: UInt64
    var source: SourceName?
    var record: UInt64 = 0
}

/// A value of a property, and who said it.
struct Said: Equatable {
    var value: PropertyValue
    var stamp: Stamp
}

/// Whose list something belongs to: that of the source that made it, in a scope.
struct Owner: Hashable {
    let source: SourceName
    let scope: String
}

/// A twin or a relationship.
struct Thing {
    /// In the order in which things were made; one that is made again has another.
    let number: Int64
    var made: Stamp
    /// The drop that stated a relationship which waited for its twins.
    var stated: Stamp?
    let owner: Owner?
    /// The model of a twin, the name of a relationship.
    var word: String?
    var target: Name?
    var properties: [Name: Said] = [:]
    var sourceTimes: [Name: String] = [:]
    /// Components, and the commit that last spoke of them as such.
    var components: [Name: UInt64] = [:]
    var changed: Stamp
    /// Another with every change.
    var version: Int64

    /// The properties in the order of their names.
    var sorted: [(name: Name, said: Said)] { properties.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

    /// Every source that has a part in it.
    var sources: Set<SourceName> { Set(([made, stated] + properties.values.map(\.stamp)).compactMap { $0?.source }) }
}

/// A relationship that waits for its twins, or for models that allow it.
struct Waiting {
    let name: LinkName
    let word: String
    let target: Name
    let properties: [Name: PropertyValue]
    /// Who stated it, and when that is given up; milliseconds since 1970.
    let stated: Stamp
    let drop: DropID
    let owner: Owner
    let expires: UInt64
    let validation: ApplyPolicy.Validation
}

/// The whole graph of one moment: a value, so that every commit can keep its own.
struct Graph {
    var twins: [Name: Thing] = [:]
    var links: [LinkName: Thing] = [:]
    /// Oldest first.
    var waiting: [Waiting] = []
    var models = ModelCatalog.empty
    var routes: [Name: EventRoute] = [:]
    /// Records that deleted something in the commit that made this graph.
    var twinGraves: [Name: UInt64] = [:]
    var linkGraves: [LinkName: UInt64] = [:]
    private var lastNumber: Int64 = 0
    private var lastVersion: Int64 = 0

    mutating func nextNumber() -> Int64 {
        lastNumber += 1
        return lastNumber
    }

    mutating func nextVersion() -> Int64 {
        lastVersion += 1
        return lastVersion
    }

    /// Something new that says nothing yet.
    mutating func newThing(_ stamp: Stamp, _ owner: Owner?, word: String? = nil, target: Name? = nil) -> Thing {
        Thing(number: nextNumber(), made: stamp, owner: owner, word: word, target: target, changed: stamp, version: nextVersion())
    }

    func links(at twin: Name) -> [LinkName] {
        links.filter { $0.key.source == twin || $0.value.target == twin }.map(\.key).sorted()
    }

    /// What waits to start at a twin that is deleted goes too; what the source that deletes it has waiting to end there, as well.
    mutating func withdraw(waitingAt twin: Name, by source: SourceName?) {
        waiting.removeAll { $0.name.source == twin || ($0.target == twin && $0.owner.source == source) }
    }

    /// Deletes a twin and its relationships; how many of these.
    mutating func delete(twin: Name, _ record: UInt64, by source: SourceName?) -> Int {
        let cut = links(at: twin)
        for link in cut { delete(link: link, record) }
        twins[twin] = nil
        twinGraves[twin] = record
        withdraw(waitingAt: twin, by: source)
        return cut.count
    }

    mutating func delete(link: LinkName, _ record: UInt64) {
        links[link] = nil
        linkGraves[link] = record
    }

    /// Lets in what waited for its twins, where models allow it. Only a commit that made twins looks.
    mutating func activateWaiting(at commit: UInt64, time: UInt64, after before: Graph) {
        let hasNew = twins.contains { name, thing in before.twins[name]?.number != thing.number }
        guard hasNew else { return }
        for one in waiting where one.expires > time {
            guard let source = twins[one.name.source], let target = twins[one.target] else { continue }
            let values = one.properties.sorted { $0.key < $1.key }.map { JSON.Member($0.key.text, $0.value.json) }
            let refusal = models.refusal(
                ofRelationship: one.word, from: source.word, to: target.word, values, strict: one.validation == .strict)
            guard one.validation == .off || refusal == nil else { continue }
            waiting.removeAll { $0.name == one.name }
            guard links[one.name] == nil else { continue }  // Somebody stated it again meanwhile: the newer word stands.
            let stamp = Stamp(commit: commit, source: one.stated.source, record: one.stated.record)
            var link = newThing(stamp, one.owner, word: one.word, target: one.target)
            link.stated = one.stated
            link.properties = one.properties.mapValues { Said(value: $0, stamp: one.stated) }
            links[one.name] = link
        }
    }
}
