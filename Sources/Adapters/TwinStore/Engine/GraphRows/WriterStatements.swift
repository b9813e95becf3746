import DropCore

/// What a commit says to SQLite, by table.
struct WriterStatements {
    let twins: TwinStatements
    let relationships: RelationshipStatements
    let revisions: RevisionStatements
    let members: MemberStatements
    let sources: SourceStatements

    init(_ database: StoreTransaction) throws(DropError) {
        twins = try TwinStatements(database)
        relationships = try RelationshipStatements(database)
        revisions = try RevisionStatements(database)
        members = try MemberStatements(database)
        sources = try SourceStatements(database)
    }
}
