/// Deliveries of one source, and what the graph must hold when all have come: written from docs/decisions/0025 to 0027, not from
/// what the program does. In the order of their places, each said whole.
struct AnyOrderModel {
    enum Statement: Hashable {
        case upsert(String, [String: Int])
        case delete(String)
        /// The twin's one relationship `loc` leads there.
        case relate(String, String)
        case unrelate(String)
    }

    /// What becomes of a delivery when it comes.
    enum Fate { case applied, held, quarantined }

    struct Delivery {
        /// By its name, or by its arrival.
        var place: Int
        var statements: [Statement]
        /// The index of a record that its sender got wrong, and corrects.
        var wrong: Int?
        var fate = Fate.applied
    }

    /// How the source delivers, and what says what is newer.
    enum World: CaseIterable {
        case increments, lists, partial, arrivingIncrements, arrivingLists
        /// Increments whose relationships lead to twins that they delete, too.
        case ends, arrivingEnds

        var isList: Bool { self == .lists || self == .arrivingLists }
        var isNamed: Bool { self == .increments || self == .lists || self == .partial || self == .ends }
        var hasOwnEnds: Bool { self == .ends || self == .arrivingEnds }
    }

    static let ids = (0..<6).map { "t\($0)" }
    /// Twins of another source, always there, and one that it makes at some time.
    static let sites = ["s0", "s1", "late"]

    struct Graph: Equatable {
        var twins: [String: [String: Int]] = [:]
        var relationships: [String: String] = [:]
    }

    let world: World
    /// In the order of their arrival.
    var deliveries: [Delivery] = []

    init(_ world: World, _ random: inout SeededGenerator) {
        self.world = world
        deliveries = (0..<6).map { _ in Delivery(place: 0, statements: Self.statements(world, &random)) }
        if !world.isList { deliveries[Int.random(in: 0..<6, using: &random)].statements = [] }
        let full = deliveries.indices.filter { !deliveries[$0].statements.isEmpty }.shuffled(using: &random)
        deliveries[full[0]].wrong = Int.random(in: 0..<deliveries[full[0]].statements.count, using: &random)
        deliveries[full[2]].fate = .quarantined
        // One comes twice.
        let twice = full[3]
        deliveries.append(deliveries[twice])
        let places = Array(0..<6).shuffled(using: &random)
        for index in 0..<6 { deliveries[index].place = world.isNamed ? places[index] : index }
        deliveries[6].place = world.isNamed ? places[twice] : 6
        // Released behind a list with open refusals, a list says only what is new: that is no matter of order.
        let isBehind = world.isList && deliveries[full[0]].place > deliveries[full[1]].place
        if world != .partial, !isBehind { deliveries[full[1]].fate = .held }
    }

    private static func statements(_ world: World, _ random: inout SeededGenerator) -> [Statement] {
        var all: [Statement] = []
        let targets = world.hasOwnEnds ? ids + ["late"] : sites
        for id in ids.shuffled(using: &random).prefix(Int.random(in: 2...5, using: &random)) {
            if !world.isList {
                switch Int.random(in: 0..<10, using: &random) {
                case 0, 1:
                    all.append(.delete(id))
                    continue
                case 2:
                    all.append(.unrelate(id))
                    continue
                case 3:
                    all.append(.relate(id, targets.randomElement(using: &random)!))
                    continue
                default: break
                }
            }
            let names = world == .partial && Bool.random(using: &random) ? ["a"] : ["a", "b"]
            all.append(
                .upsert(id, Dictionary(uniqueKeysWithValues: names.map { ($0, Int.random(in: 0..<3, using: &random)) })))
            if Bool.random(using: &random) { all.append(.relate(id, targets.randomElement(using: &random)!)) }
        }
        // One drop is one instant: what it deletes it does not lead to.
        let deleted = Set(all)
        return all.filter { if case .relate(_, let target) = $0 { !deleted.contains(.delete(target)) } else { true } }
    }

    /// What the graph must hold at the end, when every wrong record was corrected.
    var result: Graph {
        var graph = Graph()
        // Those of one place in the order in which they came.
        for delivery in deliveries.enumerated().sorted(by: { ($0.element.place, $0.offset) < ($1.element.place, $1.offset) }) {
            var listed: (twins: Set<String>, relationships: Set<String>) = ([], [])
            for statement in delivery.element.statements {
                switch statement {
                case .upsert(let id, let values):
                    graph.twins[id, default: [:]].merge(values) { _, new in new }
                    listed.twins.insert(id)
                case .delete(let id):
                    graph.twins[id] = nil
                    graph.relationships[id] = nil
                    graph.relationships = graph.relationships.filter { $0.value != id }
                case .relate(let id, let site):
                    graph.relationships[id] = site
                    listed.relationships.insert(id)
                case .unrelate(let id): graph.relationships[id] = nil
                }
            }
            guard world.isList else { continue }
            for id in Self.ids where !listed.twins.contains(id) { (graph.twins[id], graph.relationships[id]) = (nil, nil) }
            graph.relationships = graph.relationships.filter { listed.relationships.contains($0.key) }
        }
        // One whose twin is not there waits for it, however long.
        graph.relationships = graph.relationships.filter { source, target in
            graph.twins[source] != nil && (graph.twins[target] != nil || !Self.ids.contains(target))
        }
        return graph
    }
}
