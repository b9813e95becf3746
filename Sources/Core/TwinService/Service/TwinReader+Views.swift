import DropCore
import TwinModel

/// What is stored, as answers show it.
extension TwinReader {
    func entity(_ twin: Twin) throws(DropError) -> ServiceEntity {
        var texts = TickTexts()
        return ServiceEntity(etag: tag(of: twin), document: try view(of: twin, isDated: true).document(&texts))
    }

    func entity(_ relationship: Relationship) throws(DropError) -> ServiceEntity {
        ServiceEntity(etag: tag(of: relationship), document: try document(relationship))
    }

    func document(_ relationship: Relationship) throws(DropError) -> JSON {
        RelationshipView.document(
            try ids(of: relationship), tag: tag(of: relationship), name: name(of: relationship), try values(of: relationship))
    }
}
