/// The ids by which a relationship is known.
package struct RelationshipIDs: Sendable, Equatable {
    package let id: String
    package let source: String
    package let target: String

    package init(id: String, source: String, target: String) {
        (self.id, self.source, self.target) = (id, source, target)
    }
}
