/// What is wrong with the text of a query or of an event route's filter, and where.
package struct QueryError: Error, Sendable, Equatable {
    /// From 1.
    package let line: Int
    /// Unicode scalars before it in its line.
    package let position: Int
    /// A sentence that says what was found and what to write instead.
    package let message: String

    package init(line: Int, position: Int, message: String) {
        self.line = line
        self.position = position
        self.message = message
    }

    /// As the twin service words it (docs/azure-contract.md, "Queries").
    package var sentence: String {
        "SQL query parse failed: SQL Parser Error, Line=\(line), Position=\(position), Message=\(message)"
    }
}

/// The documented limits of the query language (docs/query-language.md, "Limits and errors").
package enum QueryLimits {
    /// Unicode scalars of a query.
    package static let charactersMax = 8000
    /// AND and OR together.
    package static let connectivesMax = 50
    /// Values of one IN or NIN. The service's pages name 50 and 100; the larger one holds here.
    package static let listMax = 100
    package static let joinsMax = 5
    /// Relationships one edge of MATCH may follow.
    package static let hopsMax = 10
    /// Rows of a page.
    package static let pageMax = 1000
    /// Brackets and NOTs inside one another; ours, so that no text can exhaust the stack.
    package static let depthMax = 64
}
