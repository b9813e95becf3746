import DropCore
import TwinModel

/// One page of a query: walks from the first twin over the plan's steps, depth first, and collects what passes.
///
/// Everything is visited in the order of numbers, so that a path of numbers says how far a page came: the next one starts behind
/// it. Nothing is lost or doubled while the graph stays as it is, and no row that stays is ever lost.
final class QueryRun {
    private let plan: QueryPlan
    private let graph: QueryGraph
    private let values: RowValues
    private let tester: RowTester
    private let rows: [QueryRow]
    /// Which variables are bound, so that a name that stands twice in MATCH means one twin.
    private var isBound: [Bool]
    private var position: WalkPosition
    private(set) var page: PageRows

    /// - Parameters:
    ///   - after: the position of the page before; empty for the first one.
    ///   - limit: rows of this page.
    init(_ plan: QueryPlan, _ graph: QueryGraph, after: [UInt32], limit: Int) {
        self.plan = plan
        self.graph = graph
        values = RowValues(graph)
        tester = RowTester(graph, values)
        rows = plan.query.variables.map { QueryRow($0.kind) }
        isBound = Array(repeating: false, count: rows.count)
        position = WalkPosition(after: after)
        page = PageRows(limit: limit)
    }

    func run() throws(DropError) {
        if !isCount, page.limit == 0 { return }
        if try countByModel() { return }
        let least = position.least
        switch plan.start {
        case .numbers(let numbers): try visit(numbers.filter { $0 >= least })
        case .candidates(let numbers): try visit(Self.merged(numbers, changed).filter { $0 >= least })
        case .models(let models): try visit(models, from: least)
        case .everything: try scan(from: least)
        }
    }

    private var isCount: Bool { plan.query.selection == .count }

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
        page.count(plan.countsAll ? counts.all : counts.members)
        return true
    }

    private func visit(_ numbers: [UInt32]) throws(DropError) {
        let row = rows[plan.root]
        for number in numbers {
            row.bind(number)
            guard try graph.load(row) else { continue }
            try visitRoot()
            if page.isFull { return }
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
            if page.isFull { return }
            first = end + 1
        }
    }

    private func scan(from least: UInt32) throws(DropError) {
        let row = rows[plan.root]
        let cursor = try EntityCursor(of: rootKind, from: least, graph.database)
        defer { cursor.reset() }
        var rest = changed.filter { $0 >= least }[...]
        while try cursor.step() {
            try graph.count()
            let number = cursor.number
            if let first = rest.first, first <= number {
                let before = rest.prefix { $0 <= number }
                rest = rest.dropFirst(before.count)
                try visit(Array(before))
                if page.isFull { return }
                if before.last == number { continue }
            }
            row.bind(number)
            row.take(cursor)
            if let past = graph.past { guard try past.wasMade(row.record) else { continue } }
            try visitRoot()
            if page.isFull { return }
        }
        try visit(Array(rest))
    }

    private func visitRoot() throws(DropError) {
        let number = rows[plan.root].number
        position.pass(number, besides: position.least)
        guard try passes(0) else { return }
        isBound[plan.root] = true
        position.begin(number)
        try walk(0)
        isBound[plan.root] = false
    }

    @inline(__always)
    private func passes(_ stage: Int) throws(DropError) -> Bool {
        for test in plan.tests[stage] where try tester.holds(test, rows) != .yes { return false }
        return true
    }

    // MARK: Steps

    private func walk(_ level: Int) throws(DropError) {
        guard level < plan.steps.count else { return try emit() }
        let step = plan.steps[level]
        let node = rows[step.from].number
        guard let relationship = step.relationship else {
            let start = position.beginHops()
            try extend(level, from: node, done: 0, at: start)
            position.endHops()
            return
        }
        let least = position.resumed(position.path.count)
        for link in try links(step, of: node) where link.number >= least {
            position.pass(link.number, besides: least)
            rows[relationship].bind(link)
            guard try passes(2 * level + 1) else { continue }
            position.enter(link.number)
            try arrive(level, link.other)
            position.leave()
            if page.isFull { return }
        }
        position.pass()
    }

    /// Follows one relationship more of a step with several hops, and goes on from there.
    private func extend(_ level: Int, from node: UInt32, done: Int, at start: Int) throws(DropError) {
        let step = plan.steps[level]
        let hops = done + 1
        let hopsBefore = Int(position.resumed(start))
        let least = position.resumed(start + hops)
        for link in try links(step, of: node) where link.number >= least {
            position.pass(link.number, besides: least)
            let wasResuming = position.isResuming
            position.enter(link.number)
            // What the page before had is deeper: this length was visited then.
            if step.hops.contains(hops), !(wasResuming && hops < hopsBefore) {
                position.note(hops: hops, at: start)
                try arrive(level, link.other)
            }
            if wasResuming, hops >= hopsBefore { position.pass() }
            if !page.isFull, hops < step.hops.upperBound { try extend(level, from: link.other, done: hops, at: start) }
            position.leave()
            if page.isFull { return }
        }
        position.pass()
    }

    /// The relationships a step may take from a twin, ascending.
    private func links(_ step: QueryPlan.Step, of node: UInt32) throws(DropError) -> [GraphLink] {
        if let names = step.names, names.isEmpty { return [] }
        var links = try graph.links(step.sides[0], of: node)
        if step.sides.count > 1 {
            // A relationship of a twin with itself stands at both sides, and is one.
            links += try graph.links(step.sides[1], of: node).filter { $0.source != $0.target }
            links.sort { $0.number < $1.number }
        }
        return links.filter { link in
            (step.names?.contains(link.name) ?? true) && (plan.query.shape == .join || !position.walked.contains(link.number))
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
        if position.isResuming { return position.pass() }
        page.count()
        if isCount { return }
        guard page.hasRoom() else { return }
        page.append(try row(), at: position.path)
    }

    private func row() throws(DropError) -> JSON {
        guard let columns = plan.columns else {
            if plan.query.shape == .collection { return try values.document(rows[0]) }
            var members: [JSON.Member] = []
            for (index, variable) in plan.query.variables.enumerated() {
                if let name = variable.name { members.append(.init(name, try values.document(rows[index]))) }
            }
            return .object(members)
        }
        var members: [JSON.Member] = []
        members.reserveCapacity(columns.count)
        for (key, path) in columns {
            if let value = try values.value(path, rows) { members.append(.init(key, value)) }
        }
        return .object(members)
    }
}
