import DropCore
import TwinModel

/// What the rows of a query say: their values as JSON, and whole documents.
struct RowValues {
    private let graph: QueryGraph
    private let renderer: TwinRenderer

    init(_ graph: QueryGraph) {
        self.graph = graph
        renderer = TwinRenderer(graph.store, graph.database, graph.store.catalog.keyed)
    }

    /// The whole of a row as the twin service shows it.
    func document(_ row: QueryRow) throws(DropError) -> JSON {
        if let known = row.document { return known }
        guard try graph.load(row) else { return .null }
        let entity = try row.entity()
        let document =
            row.kind == .twin
            ? try renderer.document(twin: entity)
            : try renderer.document(relationship: entity, source: try graph.store.states.twinID(entity.source, graph.database))
        row.document = document
        return document
    }

    /// A value as JSON; nil where it is missing.
    func value(_ path: RowPath, _ rows: [QueryRow]) throws(DropError) -> JSON? {
        let row = rows[path.variable]
        switch path.head {
        case .nowhere: return nil
        case .document(let names): return Self.inside(try document(row), names)
        case .sourceID, .targetID, .relationshipName:
            if !row.hasEnds { guard try graph.load(row) else { return nil } }
            switch path.head {
            case .sourceID: return .string(try graph.store.states.twinID(row.source, graph.database))
            case .targetID: return .string(try graph.store.states.twinID(row.target, graph.database))
            default: return .string(graph.store.keys.name(row.key))
            }
        case .twinID, .relationshipID:
            guard try graph.load(row) else { return nil }
            return .string(String(decoding: row.id, as: UTF8.self))
        case .model:
            guard try graph.load(row), row.key != 0 else { return nil }
            return .string(graph.store.keys.name(row.key))
        case .etag:
            guard try graph.load(row) else { return nil }
            return .string(graph.store.states.etag(try row.entity(), kind: row.kind == .twin ? 0 : 1))
        case .properties(let candidates):
            guard try graph.load(row) else { return nil }
            for (key, rest) in candidates {
                guard let entry = try RecordScan.find(key, in: row.record.span) else { continue }
                let value = try RecordScan.json(entry, row.record)
                return rest.isEmpty ? value : Self.inside(value, rest)
            }
            guard let names = path.fallback else { return nil }
            return Self.inside(try document(row), names)
        }
    }

    /// A value inside another, by names compared as bytes.
    static func inside(_ value: JSON, _ names: [String]) -> JSON? {
        names.reduce(value as JSON?) { value, name in
            guard case .object(let members)? = value else { return nil }
            return members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
        }
    }
}
