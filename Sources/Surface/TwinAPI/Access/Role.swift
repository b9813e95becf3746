/// What a caller may do (docs/twin-api.md, "Who may come in"); each may do what those before it may.
package enum Role: String, Sendable, CaseIterable, Comparable {
    /// Reads of the graph, queries, metrics.
    case viewer
    /// … and content of the archive, once a surface has it.
    case auditor
    /// … and changes of twins and relationships, telemetry.
    case `operator`
    /// … and models, event routes, jobs.
    case admin

    package static func < (one: Role, other: Role) -> Bool { one.rank < other.rank }

    private var rank: Int {
        switch self {
        case .viewer: 0
        case .auditor: 1
        case .operator: 2
        case .admin: 3
        }
    }
}
