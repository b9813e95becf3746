import DropCore
import TwinModel

/// One page of a query: walks from the first twin over the plan's steps, depth first, and collects what passes.
///
/// Everything is visited in the order of numbers, so that a path of numbers says how far a page came: the next one starts behind
/// it. Nothing is lost or doubled while the graph stays as it is, and no row that stays is ever lost.
///
/// A position is the number of the first twin, then for each step the number of the relationship, or, where a step may have
/// several hops, how many it had and their numbers.
final class QueryRun {
    private let plan: QueryPlan
    private let graph: QueryGraph
    private let limit: Int
    private let rows: [QueryRow]
    /// Which variables are bound, so that a name that stands twice in MATCH means one twin.
    private var isBound: [Bool]
    private var path: [UInt32] = []
    /// Relationships walked by the present path of MATCH.
    private var walked: [UInt32] = []
    private let after: [UInt32]
    private var isResuming: Bool
    private var isFull = false

    private(set) var page: [JSON] = []
    /// Rows that passed, where they are only counted.
    private(set) var matches = 0
    /// Position of the page's last row, when more follow it.
    private(set) var next: [UInt32]?
    private var last: [UInt32] = []

    /// - Parameters:
    ///   - after: the position of the page before; empty for the first one.
    ///   - limit: rows of this page.
    init(_ plan: QueryPlan, _ graph: QueryGraph, after: [UInt32], limit: Int) {
        self.plan = plan
        self.graph = graph
        self.after = after
        self.limit = limit
        rows = plan.query.variables.map { QueryRow($0.kind) }
        isBound = Array(repeating: false, count: rows.count)
        isResuming = !after.isEmpty
    }

    func run() throws(DropError) {
        if plan.query.selection != .count, limit == 0 { return }
        if try countByModel() { return }
        let least = after.first ?? 0
        switch plan.start {
        case .numbers(let numbers): try visit(numbers.filter { $0 >= least })
        case .candidates(let numbers): try visit(Self.merged(numbers, changed).filter { $0 >= least })
        case .models(let models): try visit(models, from: least)
        case .everything: try scan(from: least)
        }
    }

    private var rootKind: Query.Variable.Kind { plan.query.variables[plan.root].kind }

    /// What changed since the moment the query is about: candidates whatever an index of the present says.
    private var changed: [UInt32] {
        guard let past = graph.past else { return [] }
        return rootKind == .twin ? past.changedTwins : past.changedRelationships
    }

    private static func merged(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
        right.isEmpty ? left : Set(left).union(right).sorted()
    }

    // MARK: The first variable

    /// Answers a count of all twins, or of those of a model, from what the process keeps.
    private func countByModel() throws(DropError) -> Bool {
        guard graph.past == nil, plan.countsAll || plan.countedModels != nil else { return false }
        let sequence = try graph.newestSequence()
        let counts = graph.store.versions.readingModels(at: sequence) { $0.counts(plan.countedModels) }
        guard let counts else { return false }
        matches = plan.countsAll ? counts.all : counts.members
        return true
    }

    private func visit(_ numbers: [UInt32]) throws(DropError) {
        let row = rows[plan.root]
        for number in numbers {
            row.bind(number)
            guard try graph.load(row) else { continue }
            try visitRoot()
            if isFull { return }
        }
    }

    private func visit(_ models: ModelKeys, from least: UInt32) throws(DropError) {
        let sequence = try graph.newestSequence()
        var first = least
        var rest = changed.filter { $0 >= least }[...]
        while true {
            let members = graph.store.versions.readingModels(at: sequence) { $0.members(models, from: first, limit: 4096) }
            // Somebody committed since this query began: its snapshot is read instead.
            guard let members else { return try scan(from: first) }
            guard let end = members.last else { return try visit(Array(rest)) }
            let before = rest.prefix { $0 <= end }
            rest = rest.dropFirst(before.count)
            try visit(Self.merged(members, Array(before)))
            if isFull { return }
            first = end + 1
        }
    }

    private func scan(from least: UInt32) throws(DropError) {
        let row = rows[plan.root]
        let columns = rootKind == .twin ? "no, id, rec, model FROM twin" : "no, id, rec, name, source, target FROM relationship"
        let query = try RawStatement("SELECT \(columns) WHERE no >= ? ORDER BY no", graph.database)
        query.bind(1, least)
        defer { query.reset() }
        var rest = changed.filter { $0 >= least }[...]
        while try query.step() {
            try graph.count()
            let number = UInt32(truncatingIfNeeded: query.integer(0))
            if let first = rest.first, first <= number {
                let before = rest.prefix { $0 <= number }
                rest = rest.dropFirst(before.count)
                try visit(Array(before))
                if isFull { return }
                if before.last == number { continue }
            }
            row.bind(number)
            query.copy(1, into: &row.id)
            query.copy(2, into: &row.record)
            row.key = UInt32(truncatingIfNeeded: query.integer(3))
            if row.kind == .relationship {
                row.source = UInt32(truncatingIfNeeded: query.integer(4))
                row.target = UInt32(truncatingIfNeeded: query.integer(5))
            }
            row.isLoaded = true
            if let past = graph.past { guard try past.wasMade(row.record) else { continue } }
            try visitRoot()
            if isFull { return }
        }
        try visit(Array(rest))
    }

    private func visitRoot() throws(DropError) {
        let number = rows[plan.root].number
        if isResuming, number != after[0] { isResuming = false }
        guard try passes(0) else { return }
        isBound[plan.root] = true
        path = [number]
        try walk(0)
        isBound[plan.root] = false
    }

    @inline(__always)
    private func passes(_ stage: Int) throws(DropError) -> Bool {
        for test in plan.tests[stage] where try graph.holds(test, rows) != .yes { return false }
        return true
    }

    // MARK: Steps

    private func walk(_ level: Int) throws(DropError) {
        guard level < plan.steps.count else { return try emit() }
        let step = plan.steps[level]
        let node = rows[step.from].number
        guard let relationship = step.relationship else {
            path.append(0)
            try extend(level, from: node, done: 0, at: path.count - 1)
            path.removeLast()
            return
        }
        let least = isResuming ? position(path.count) : 0
        for link in try links(step, of: node) where link.number >= least {
            if link.number > least { isResuming = false }
            rows[relationship].bind(link)
            guard try passes(2 * level + 1) else { continue }
            path.append(link.number)
            walked.append(link.number)
            try arrive(level, link.other)
            walked.removeLast()
            path.removeLast()
            if isFull { return }
        }
        isResuming = false
    }

    /// Follows one relationship more of a step with several hops, and goes on from there.
    private func extend(_ level: Int, from node: UInt32, done: Int, at start: Int) throws(DropError) {
        let step = plan.steps[level]
        let hops = done + 1
        let hopsBefore = isResuming ? Int(position(start)) : 0
        let least = isResuming ? position(start + hops) : 0
        for link in try links(step, of: node) where link.number >= least {
            if link.number > least { isResuming = false }
            let wasResuming = isResuming
            path.append(link.number)
            walked.append(link.number)
            // What the page before had is deeper: this length was visited then.
            if step.hops.contains(hops), !(wasResuming && hops < hopsBefore) {
                path[start] = UInt32(hops)
                try arrive(level, link.other)
            }
            if wasResuming, hops >= hopsBefore { isResuming = false }
            if !isFull, hops < step.hops.upperBound { try extend(level, from: link.other, done: hops, at: start) }
            walked.removeLast()
            path.removeLast()
            if isFull { return }
        }
        isResuming = false
    }

    private func position(_ index: Int) -> UInt32 { index < after.count ? after[index] : 0 }

    /// The relationships a step may take from a twin, ascending.
    private func links(_ step: QueryPlan.Step, of node: UInt32) throws(DropError) -> [QueryGraph.Link] {
        if let names = step.names, names.isEmpty { return [] }
        var links = try graph.links(step.sides[0], of: node)
        if step.sides.count > 1 {
            // A relationship of a twin with itself stands at both sides, and is one.
            links += try graph.links(step.sides[1], of: node).filter { $0.source != $0.target }
            links.sort { $0.number < $1.number }
        }
        return links.filter { link in
            (step.names?.contains(link.name) ?? true) && (plan.query.shape == .join || !walked.contains(link.number))
        }
    }

    private func arrive(_ level: Int, _ node: UInt32) throws(DropError) {
        let variable = plan.steps[level].to
        if let allowed = plan.pinned[variable], !allowed.contains(node) { return }
        guard !isBound[variable] else {
            if rows[variable].number == node, try passes(2 * level + 2) { try walk(level + 1) }
            return
        }
        rows[variable].bind(node)
        guard try passes(2 * level + 2) else { return }
        isBound[variable] = true
        try walk(level + 1)
        isBound[variable] = false
    }

    // MARK: Rows

    private func emit() throws(DropError) {
        if isResuming {
            isResuming = false
            return
        }
        matches += 1
        if plan.query.selection == .count { return }
        guard page.count < limit else {
            next = last
            isFull = true
            return
        }
        page.append(try row())
        last = path
    }

    private func row() throws(DropError) -> JSON {
        guard let columns = plan.columns else {
            if plan.query.shape == .collection { return try graph.document(rows[0]) }
            var members: [JSON.Member] = []
            for (index, variable) in plan.query.variables.enumerated() {
                if let name = variable.name { members.append(.init(name, try graph.document(rows[index]))) }
            }
            return .object(members)
        }
        var members: [JSON.Member] = []
        members.reserveCapacity(columns.count)
        for (key, path) in columns {
            if let value = try graph.value(path, rows) { members.append(.init(key, value)) }
        }
        return .object(members)
    }
}
