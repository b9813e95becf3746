package import DropCore
package import TwinModel

/// What the twin service needs of a store (docs/ARCHITECTURE.md, "Code map"): it says what is there and takes down what the rules
/// decided, and judges nothing itself.
///
/// Calls block, and are safe from any thread.
package protocol TwinStorage: Sendable {
    associatedtype Reader: TwinReader
    associatedtype Writer: TwinWriter

    /// The models as they are now.
    var models: ModelCatalog { get }

    /// Lends one moment of the graph to `body`.
    func answering<T>(_ body: (Reader) throws(DropError) -> T) throws(ServiceError) -> T

    /// Runs `body` in a durable transaction, which it may share with other calls unless it `isAlone`; its answer when that is
    /// durable. `body` runs once, and no other call between its reads and its writes. Where it throws, nothing of it stays.
    ///
    /// - Parameter what: what was called, for the history: `put twin`.
    func call<T>(
        _ caller: Caller, _ what: String, isAlone: Bool, _ body: @escaping (Writer) throws -> T
    ) throws(ServiceError) -> T

    /// Lends one moment of the graph to `body`, whose own errors are thrown as they are; those of the store as `ServiceError`.
    func exporting(_ body: (Reader) throws -> Void) throws

    /// See `TwinService.query`.
    func query(
        _ text: String?, continuation: String?, limit: Int?, isWanted: @escaping @Sendable () -> Bool
    ) throws(ServiceError) -> QueryPage
}

/// One moment of the graph, as the rules look at it.
package protocol TwinReader {
    /// A twin that is there, in its state of that moment.
    associatedtype Twin
    /// A relationship that is there, in its state of that moment.
    associatedtype Relationship

    var models: ModelCatalog { get }

    func twin(_ id: String) throws(DropError) -> Twin?
    /// The id of its model; nil where it has none.
    func model(of twin: Twin) -> String?
    /// `W/"…"`: another after every change.
    func tag(of twin: Twin) -> String
    /// What it says, with nothing touched.
    func document(of twin: Twin) throws(DropError) -> TwinDocument
    /// The components it has, as far as it tells without its model.
    func knownComponents(of twin: Twin) -> [String]
    /// As GET shows it.
    ///
    /// - Parameter isDated: with its `lastUpdate`, which a component alone does without.
    func view(of twin: Twin, isDated: Bool) throws(DropError) -> TwinView

    func relationship(_ id: String, of source: Twin) throws(DropError) -> Relationship?
    func tag(of relationship: Relationship) -> String
    func name(of relationship: Relationship) -> String
    /// Its properties.
    func values(of relationship: Relationship) throws(DropError) -> [JSON.Member]
    /// Its own id, and those of the twins it leads from and to.
    func ids(of relationship: Relationship) throws(DropError) -> RelationshipIDs
    /// At most `limit` relationships at one end of a twin, in an order that stays, each with its place in that order; those after
    /// the place `after`, and only those of a name where one is given.
    func relationships(
        at end: RelationshipEnd, of twin: Twin, named: String?, after: Int64, limit: Int
    ) throws(DropError) -> [(place: Int64, relationship: Relationship)]

    /// At most `limit` event routes in ascending order of their ids, those after the id `after`.
    func eventRoutes(after: String, limit: Int) throws(DropError) -> [EventRoute]
    func eventRoute(_ id: String) throws(DropError) -> EventRoute?

    func forEachTwin(_ body: (Twin) throws -> Void) throws
    /// With the models of the twins it leads from and to.
    func forEachRelationship(_ body: (Relationship, _ from: String?, _ to: String?) throws -> Void) throws
}

/// One call's transaction: what it reads has what it wrote.
package protocol TwinWriter: TwinReader {
    /// Microseconds since 1970: when the call is committed.
    var time: Int64 { get }
    var twinCount: Int { get }

    func create(twin id: String, _ draft: TwinDraft) throws(DropError) -> Twin
    func revise(twin: Twin, _ draft: TwinDraft) throws(DropError) -> Twin
    /// With the relationships that start or end at it.
    func delete(twin: Twin) throws(DropError)
    /// Whether a relationship starts or ends at the twin.
    func hasRelationships(_ twin: Twin) throws(DropError) -> Bool
    /// Whether `count` relationships or more start (or end) at a twin.
    func hasEdges(_ count: Int, at end: RelationshipEnd, of twin: Twin) throws(DropError) -> Bool

    func create(
        relationship id: String, from source: Twin, to target: Twin, _ draft: RelationshipDraft
    ) throws(DropError) -> Relationship
    /// - Parameter target: the twin it leads to from now on; nil: the one it leads to.
    func revise(relationship: Relationship, to target: Twin?, _ draft: RelationshipDraft) throws(DropError) -> Relationship
    func delete(relationship: Relationship) throws(DropError)

    func write(_ change: ModelChange) throws(DropError)

    /// Event routes with other ids.
    func countEventRoutes(besides id: String) throws(DropError) -> Int
    func put(_ route: EventRoute) throws(DropError)
    /// Whether there was one.
    func delete(eventRoute id: String) throws(DropError) -> Bool

    /// Deletes some relationships, at most `limit`; how many.
    func deleteRelationships(_ limit: Int) throws(DropError) -> Int
    /// Deletes some twins, at most `limit`, and relationships with them; how many twins.
    func deleteTwins(_ limit: Int) throws(DropError) -> Int
}

/// Which twin of a relationship.
package enum RelationshipEnd: Sendable { case source, target }

/// Where events are to be sent (docs/azure-contract.md, "Event routes").
package struct EventRoute: Sendable, Equatable {
    package let id: String
    package let endpoint: String
    package let filter: String

    package init(id: String, endpoint: String, filter: String) {
        (self.id, self.endpoint, self.filter) = (id, endpoint, filter)
    }

    /// As GET shows it.
    package var document: JSON {
        .object([
            .init("id", .string(id)), .init("endpointName", .string(endpoint)), .init("filter", .string(filter)),
        ])
    }
}
