package import DropCore
package import TwinModel

/// One change a drop would make, for a dry run.
package struct PlannedChange: Sendable, Equatable {
    package enum Kind: String, Sendable { case twin, relationship }

    /// Why it would come about.
    package enum Cause: String, Sendable {
        /// A record of the file says so.
        case record
        /// The file is complete and does not list it.
        case absence
        /// A twin at one of its ends would be deleted.
        case end
        /// A relationship needs it, and the source makes stubs.
        case stub
    }

    package let kind: Kind
    /// The twin's id; for a relationship `SOURCE/ID`.
    package let id: String
    /// Where a relationship leads, or led.
    package var target: String?
    package let outcome: Outcome
    package var cause = Cause.record
    /// Of a relationship that would wait: the ends that do not exist. Then it changes nothing yet.
    package var waitsFor: [String] = []
    /// As the twin service shows it, without tag and metadata but for the model; nil where there is nothing.
    package let before: JSON?
    package let after: JSON?
}

extension DropChanges {
    /// Calls `body` with every change: those of operations, by and large in the order of the file (within a frame, new twins come
    /// first), then deletions by absence, then relationships that would go with their twins, and stubs. Before a commit only.
    package func forEachChange(_ body: (PlannedChange) -> Void) throws(DropError) {
        try comparison.context.store.reading { (database) throws(DropError) in
            let walk = PlanWalk(comparison, database)
            try walk.findOpenEnds()
            try walk.records(body)
            try walk.absent(body)
            try walk.cascade(body)
            try walk.stubs(body)
        }
    }
}

/// Walks once through what a drop would change, for one access.
private final class PlanWalk {
    private let comparison: FinishedComparison
    private let database: StoreTransaction
    private var deletedTwins: Set<UInt32> = []
    private var deletedRelationships: Set<UInt32> = []
    /// By place in the log: the ends of relationships that are not there, neither before nor after.
    private var openEnds: [UInt32: [String]] = [:]
    /// Ids that stubs would be made for, in the order in which they are needed.
    private var stubbed: [String] = []
    private var store: StoreEngine { comparison.context.store }

    init(_ comparison: FinishedComparison, _ database: StoreTransaction) {
        self.comparison = comparison
        self.database = database
    }

    // MARK: Operations

    /// Before the walk through the log, which cannot look at another place of it meanwhile.
    func findOpenEnds() throws(DropError) {
        for place in comparison.said.unresolved {
            let (number, ends) = try comparison.said.log.read(place) { view in
                let entry = view.head
                let target = entry.idLength + entry.targetLength
                return (entry.number, [view.bytes(0..<entry.idLength), view.bytes(entry.idLength..<target)])
            }
            guard comparison.said.relationships.places[number] == place else { continue }
            var missing: [String] = []
            for end in ends where try comparison.lacks(end) {
                let id = String(decoding: end, as: UTF8.self)
                if !missing.contains(id) { missing.append(id) }
            }
            if !missing.isEmpty { openEnds[place] = missing }
        }
        guard case .stub = comparison.job.policy.dangling else { return }
        var known: Set<String> = []
        for place in comparison.said.unresolved { stubbed += (openEnds[place] ?? []).filter { known.insert($0).inserted } }
    }

    func records(_ body: (PlannedChange) -> Void) throws(DropError) {
        try comparison.said.log.forEach { (place, view) throws(DropError) in
            let places = view.isTwin ? comparison.said.twins.places : comparison.said.relationships.places
            guard places[view.number] == place else { return }
            if let change = try view.isTwin ? twin(view.head, view) : relationship(view.head, view, place) { body(change) }
        }
    }

    private func twin(_ entry: ChangeEntry, _ view: borrowing ChangeLog.View) throws(DropError) -> PlannedChange? {
        let names = entry.idLength + entry.targetLength + entry.relationshipLength
        let statement = try DropStatement(entry, view.bytes(names..<view.length - ChangeLog.headLength))
        guard !(entry.isNew && statement.kind == .delete) else { return nil }
        let id = String(decoding: view.bytes(0..<entry.idLength), as: UTF8.self)
        let stored = entry.isNew ? nil : try store.states.state(ofTwin: entry.number, id: id, asOf: nil, database)
        let before = try stored.map { (entity) throws(DropError) in try json(entity.key, entity.record, "$model") }
        guard statement.kind != .delete else {
            deletedTwins.insert(entry.number)
            return PlannedChange(kind: .twin, id: id, outcome: .deleted, before: before, after: nil)
        }
        return PlannedChange(
            kind: .twin, id: id, outcome: before == nil ? .created : .updated, before: before,
            after: try after(statement, stored, "$model"))
    }

    private func relationship(
        _ entry: ChangeEntry, _ view: borrowing ChangeLog.View, _ place: UInt32
    ) throws(DropError) -> PlannedChange? {
        let claim = try RelationshipClaim(entry, view, origin: 0)
        guard !(entry.isNew && claim.statement.kind == .delete) else { return nil }
        let stored = entry.isNew ? nil : try presentRelationship(entry.number)
        let before = try stored.map { (entity) throws(DropError) in try json(entity.key, entity.record, "$relationshipName") }
        let id = String(decoding: claim.source, as: UTF8.self) + "/" + String(decoding: claim.id, as: UTF8.self)
        let formerTarget = try stored.map { (entity) throws(DropError) in try store.states.twinID(entity.target, database) }
        guard claim.statement.kind != .delete else {
            deletedRelationships.insert(entry.number)
            return PlannedChange(
                kind: .relationship, id: id, target: formerTarget, outcome: .deleted, before: moved(before, formerTarget),
                after: nil)
        }
        let target = String(decoding: claim.target, as: UTF8.self)
        let after = try after(claim.statement, stored, "$relationshipName")
        var waits: [String] = []
        if case .wait = comparison.job.policy.dangling { waits = openEnds[place] ?? [] }
        return PlannedChange(
            kind: .relationship, id: id, target: target, outcome: before == nil ? .created : .updated, waitsFor: waits,
            before: moved(before, formerTarget), after: moved(after, target))
    }

    /// The values of a relationship with its target before them.
    private func moved(_ values: JSON?, _ target: String?) -> JSON? {
        guard let values, let target else { return values }
        return .object([.init("$targetId", .string(target))] + (values.members ?? []))
    }

    private func after(_ statement: DropStatement, _ stored: StoredEntity?, _ label: String) throws(DropError) -> JSON {
        let base = stored?.record ?? .nothing
        return try json(
            statement.key == 0 ? stored?.key ?? 0 : statement.key, statement.applied(to: base)?.record ?? base, label)
    }

    // MARK: What follows from them

    func absent(_ body: (PlannedChange) -> Void) throws(DropError) {
        for number in comparison.list.twinsGone {
            deletedTwins.insert(number)
            let id = try store.states.twinID(number, database)
            let before = try store.states.state(ofTwin: number, id: id, asOf: nil, database)
            body(
                PlannedChange(
                    kind: .twin, id: id, outcome: .deleted, cause: .absence,
                    before: try before.map { (entity) throws(DropError) in try json(entity.key, entity.record, "$model") },
                    after: nil))
        }
        for number in comparison.list.relationshipsGone {
            // One whose twin is deleted, too, goes with that.
            guard let entity = try presentRelationship(number), !deletedTwins.contains(entity.source),
                !deletedTwins.contains(entity.target)
            else { continue }
            deletedRelationships.insert(number)
            body(try deleted(entity, .absence))
        }
    }

    func cascade(_ body: (PlannedChange) -> Void) throws(DropError) {
        for twin in deletedTwins.sorted() {
            for number in try GraphLookups(database).relationships(at: twin)
            where deletedRelationships.insert(number).inserted {
                if let entity = try presentRelationship(number) { body(try deleted(entity, .end)) }
            }
        }
        for number in comparison.relationshipsCut where deletedRelationships.insert(number).inserted {
            if let entity = try presentRelationship(number) { body(try deleted(entity, .end)) }
        }
    }

    func stubs(_ body: (PlannedChange) -> Void) throws(DropError) {
        for id in stubbed {
            body(
                PlannedChange(
                    kind: .twin, id: id, outcome: .created, cause: .stub, before: nil,
                    after: .object([])))
        }
    }

    private func deleted(_ entity: StoredEntity, _ cause: PlannedChange.Cause) throws(DropError) -> PlannedChange {
        let target = try store.states.twinID(entity.target, database)
        return PlannedChange(
            kind: .relationship, id: try store.states.twinID(entity.source, database) + "/" + entity.id, target: target,
            outcome: .deleted, cause: cause, before: moved(try json(entity.key, entity.record, "$relationshipName"), target),
            after: nil)
    }

    private func presentRelationship(_ number: UInt32) throws(DropError) -> StoredEntity? {
        try GraphLookups(database).relationship(number)
    }

    private func json(_ key: UInt32, _ record: TwinRecord, _ label: String) throws(DropError) -> JSON {
        let keys = store.keys
        var members: [JSON.Member] = key == 0 ? [] : [.init(label, .string(keys.name(key)))]
        for property in record.properties { members.append(.init(keys.name(property.key), try property.decoded().json)) }
        return .object(members)
    }
}
