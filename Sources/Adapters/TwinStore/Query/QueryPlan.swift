import DropCore
import TwinModel

/// How a query is answered: where it starts, which relationships it follows in what order, and which conditions are tested when.
/// It always starts from twins named by `$dtId` where WHERE names some, whichever end they stand on.
struct QueryPlan {
    /// One edge, in the direction it is walked.
    struct Step {
        let from: Int
        let to: Int
        let relationship: Int?
        let sides: [GraphSide]
        /// Nil: any name.
        let names: [UInt32]?
        let hops: ClosedRange<Int>
    }

    /// Where the rows of the first variable come from.
    enum Start {
        /// These numbers, ascending, and no others.
        case numbers([UInt32])
        /// These, and whatever has changed since the moment the query is about.
        case candidates([UInt32])
        case models(ModelKeys)
        case everything
    }

    let query: Query
    let root: Int
    let start: Start
    let steps: [Step]
    /// Conditions by stage: 0 after the root is bound; after step `n`, 2n + 1 when its relationship, 2n + 2 when its twin is.
    let tests: [[RowTest]]
    /// Numbers a variable may be bound to.
    let pinned: [Int: Set<UInt32>]
    /// Nil: whole documents.
    let columns: [(key: String, path: RowPath)]?
    /// Set where the answer is the number of all twins, or of those with a model.
    let countedModels: ModelKeys?
    let countsAll: Bool

    init(_ query: Query, _ graph: QueryGraph, _ family: ModelFamily) throws(DropError) {
        self.query = query
        let compiler = QueryCompiler(graph.store.keys, family, query.variables)
        var pinned: [Int: [UInt32]] = [:]
        for (variable, ids) in query.pins { pinned[variable] = try graph.twins(ids) }
        let root = query.shape == .collection ? 0 : pinned.min { ($0.value.count, $0.key) < ($1.value.count, $1.key) }!.key
        self.root = root
        self.pinned = pinned.mapValues(Set.init)
        steps = Self.steps(query, from: root, graph.store.keys)
        let conjuncts = query.condition?.conjuncts ?? []
        tests = Self.stages(conjuncts, query, root, steps, compiler)
        if case .items(let items) = query.selection {
            columns = items.filter { $0.path.variable != nil }.map { ($0.key, compiler.path($0.path)) }
        } else {
            columns = nil
        }
        let isCount = query.selection == .count && query.shape == .collection && query.variables[0].kind == .twin
        countsAll = isCount && conjuncts.isEmpty
        let models = Self.models(conjuncts, compiler)
        countedModels = isCount && conjuncts.count == 1 ? models : nil
        if let numbers = pinned[root] {
            start = .numbers(numbers)
        } else {
            start = try Self.start(conjuncts, query, models, compiler, graph)
        }
    }

    // MARK: Order

    private static func steps(_ query: Query, from root: Int, _ keys: GlobalKeys) -> [Step] {
        var bound: Set<Int> = [root]
        var left = query.edges
        var steps: [Step] = []
        while let index = left.firstIndex(where: { bound.contains($0.from) || bound.contains($0.to) }) {
            let edge = left.remove(at: index)
            let isForward = bound.contains(edge.from)
            let sides: [GraphSide] =
                switch edge.direction {
                case .either: [.source, .target]
                case .forward: isForward ? [.source] : [.target]
                case .backward: isForward ? [.target] : [.source]
                }
            let names = edge.names.isEmpty ? nil : edge.names.compactMap(keys.known)
            let to = isForward ? edge.to : edge.from
            steps.append(
                Step(
                    from: isForward ? edge.from : edge.to, to: to, relationship: edge.relationship, sides: sides, names: names,
                    hops: edge.hops))
            bound.insert(to)
        }
        return steps
    }

    /// Each condition at the first stage at which all it speaks about is bound.
    private static func stages(
        _ conjuncts: [QueryCondition], _ query: Query, _ root: Int, _ steps: [Step], _ compiler: QueryCompiler
    ) -> [[RowTest]] {
        var stage = Array(repeating: 0, count: query.variables.count)
        for (index, step) in steps.enumerated() {
            if let relationship = step.relationship { stage[relationship] = 2 * index + 1 }
            if step.to != root, stage[step.to] == 0 { stage[step.to] = 2 * index + 2 }
        }
        var stages: [[RowTest]] = Array(repeating: [], count: 2 * steps.count + 1)
        for condition in conjuncts {
            let last = condition.paths.compactMap(\.variable).map { stage[$0] }.max() ?? 0
            stages[last].append(compiler.test(condition))
        }
        return stages
    }

    // MARK: Start

    /// The models that the conditions allow; nil where they say nothing about them.
    private static func models(_ conjuncts: [QueryCondition], _ compiler: QueryCompiler) -> ModelKeys? {
        conjuncts.reduce(nil as ModelKeys?) { all, condition in
            guard case .ofModel(0, let model, let isExact) = condition else { return all }
            let set = compiler.modelSet(model, isExact: isExact)
            return all.map { $0.intersection(set) } ?? set
        }
    }

    private static func start(
        _ conjuncts: [QueryCondition], _ query: Query, _ models: ModelKeys?, _ compiler: QueryCompiler, _ graph: QueryGraph
    ) throws(DropError) -> Start {
        guard query.variables[0].kind == .twin else {
            return try relationships(conjuncts, compiler, graph).map { .candidates($0) } ?? .everything
        }
        for condition in conjuncts {
            guard let range = PropertyRange(condition, compiler, graph.store) else { continue }
            if let numbers = try range.values.numbers(graph.database) { return .candidates(numbers) }
        }
        guard let models else { return .everything }
        if models.isEmpty { return .candidates([]) }
        let sequence = try graph.newestSequence()
        guard let counts = graph.store.versions.readingModels(at: sequence, { $0.counts(models) }) else { return .everything }
        // One by one is about four times the work of one after the other.
        return counts.members * 4 < counts.all ? .models(models) : .everything
    }

    /// Relationships that start or end at twins which the conditions name; nil where they name none.
    private static func relationships(
        _ conjuncts: [QueryCondition], _ compiler: QueryCompiler, _ graph: QueryGraph
    ) throws(DropError) -> [UInt32]? {
        for condition in conjuncts {
            var values: [JSON] = []
            let path: Query.Path
            switch condition {
            case .compare(.path(let found), .equal, .literal(let value)), .compare(.literal(let value), .equal, .path(let found)):
                (path, values) = (found, [value])
            case .among(.path(let found), let list, false): (path, values) = (found, list)
            default: continue
            }
            guard path.segments == ["$sourceId"] || path.segments == ["$targetId"] else { continue }
            let side: GraphSide = path.segments == ["$sourceId"] ? .source : .target
            var numbers: [UInt32] = []
            for twin in try graph.twins(values.compactMap { $0.string.map { Array($0.utf8) } }) {
                numbers += try graph.links(side, of: twin).map(\.number)
            }
            return numbers.sorted()
        }
        return nil
    }
}
