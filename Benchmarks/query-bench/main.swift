// Measures queries on a graph of a million twins and three million relationships. Makes the graph in FOLDER when it is not there.
//
//     swift build -c release --product query-bench && .build/release/query-bench FOLDER [twins] [--export DIR | --load]
//
// With --export it only writes the same graph as DIR/twins.tsv and DIR/relationships.tsv, with --load it only makes the graph:
// both are for Benchmarks/query-peers, which asks TwinDrop through HTTP and PostgreSQL beside it.

import DropCore
import Glibc
import TwinModel
import TwinStore

/// The graph: a tree of ten children each (`contains`), and two more relationships a twin (`feeds`, `near`).
struct BenchGraph {
    let twins: Int
    static let models = 50
    static let statuses = ["running", "stopped", "idle", "fault"]

    func id(_ number: Int) -> String { "asset-\(number)" }
    func model(_ number: Int) -> String { "dtmi:bench:M\(number % Self.models);1" }

    func properties(_ number: Int) -> [(String, PropertyValue)] {
        [
            ("batch", .string("B\(number / 100)")), ("site", .string("site-\(number % 31)")),
            ("line", .string("L\(number % 7)")), ("status", .string(Self.statuses[number &* 7919 % 1_000_003 % 4])),
            ("serial", .string("SN\(number &* 7919 % 1_000_003)")), ("speed", .double(Double(number % 1000) / 8)),
            ("temperature", .double(Double(number &* 31 % 500) / 4)), ("count", .integer(Int64(number % 10000))),
            ("active", .bool(number % 3 == 0)), ("owner", .string("owner\(number % 13)")),
        ]
    }

    /// Name and target of each relationship that starts at a twin.
    func relationships(_ number: Int) -> [(String, Int)] {
        let children = (1...10).map { number * 10 + $0 }.filter { $0 < twins }.map { ("contains", $0) }
        return children + [("feeds", (number &* 7919 + 1) % twins), ("near", (number + 1) % twins)]
    }
}

func cpuSeconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func peakMiB() -> Int {
    var usage = rusage()
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss / 1024
}

func milliseconds(_ seconds: Double) -> String { "\((seconds * 100_000).rounded() / 100) ms" }

struct Loader {
    let store: TwinStore
    let folder: String
    var ids = DropIDGenerator()
    var random = SystemRandomNumberGenerator()
    var time: UInt64 = 1_760_000_000_000

    mutating func drop(_ rows: Range<Int>, _ write: (inout OperationWriter, Int) -> Void) throws {
        time += 1
        let drop = ids.next(milliseconds: time, using: &random)
        let source = SourceName("bench")!
        let job = ApplyJob(
            drop: drop, source: source, policy: ApplyPolicy(), bytes: 1 << 40,
            transformDigest: ContentDigest(bytes: Array(repeating: 1, count: 32)), amends: nil, released: false,
            scratchFolder: folder)
        let record = DropRecord(
            id: drop, source: source, fileName: FileName("bench.csv"), bytes: job.bytes, state: .registered, claimedAt: time,
            changedAt: time, intake: FileIdentity(device: 1, inode: time, changeTime: 0))
        var writer = OperationWriter()
        for name in keys { _ = writer.key(name) }
        let builder = try store.graph.changeSet(for: job)
        for number in rows {
            write(&writer, number)
            if writer.bytes.count > 1 << 20 { try unsafe builder.absorb(writer.takeBytes().span.bytes) }
        }
        try unsafe builder.absorb(writer.takeBytes().span.bytes)
        let changes = try builder.finish()
        _ = try store.graph.commit([(changes, record)])[0].get()
        // It had no file, so a daemon on this graph must not look for one in its spool or archive.
        var ended = try store.register.drop(drop) ?? record
        (ended.state, ended.container, ended.member) = (.done, "none", "none")
        try store.register.update([ended])
    }

    let keys: [String]
}

func load(_ store: TwinStore, _ graph: BenchGraph, _ folder: String) throws {
    let names =
        graph.properties(0).map(\.0) + (0..<BenchGraph.models).map { graph.model($0) } + ["contains", "feeds", "near"]
    var loader = Loader(store: store, folder: folder, keys: names)
    for first in stride(from: 0, to: graph.twins, by: 50_000) {
        try loader.drop(first..<min(first + 50_000, graph.twins)) { writer, number in
            writer.record(length: 100)
            writer.beginTwin(.upsertTwin, graph.id(number), model: writer.key(graph.model(number)))
            for (name, value) in graph.properties(number) { writer.set(writer.key(name), value) }
            writer.end()
        }
    }
    for first in stride(from: 0, to: graph.twins, by: 50_000) {
        try loader.drop(first..<min(first + 50_000, graph.twins)) { writer, number in
            for (name, target) in graph.relationships(number) {
                writer.record(length: 40)
                writer.beginRelationship(
                    .upsertRelationship, source: graph.id(number), name: writer.key(name), target: graph.id(target),
                    id: "\(name):\(target)")
                writer.end()
            }
        }
    }
    try store.maintenance.checkpoint()
}

func export(_ graph: BenchGraph, to folder: String) {
    func write(_ name: String, _ line: (Int) -> String) {
        guard let file = unsafe fopen(folder + "/" + name, "w") else {
            print("\(folder)/\(name) cannot be written (errno \(errno)).")
            exit(74)
        }
        for number in 0..<graph.twins { unsafe fputs(line(number), file) }
        unsafe fclose(file)
    }
    write("twins.tsv") { number in
        let members = graph.properties(number).map { JSON.Member($0.0, $0.1.json) }
        return "\(graph.id(number))\t\(graph.model(number))\t\(JSON.object(members).text())\n"
    }
    write("relationships.tsv") { number in
        graph.relationships(number).map { "\(graph.id(number))\t\($0.0)\t\(graph.id($0.1))\n" }.joined()
    }
}

/// The time of a query: the best of several runs, as wall and as processor time.
func measure(_ store: TwinStore, _ what: String, _ text: String, runs: Int = 9) throws {
    var best = (wall: Double.infinity, cpu: Double.infinity)
    var walls: [Double] = []
    var answer = ""
    for _ in 0..<runs {
        let start = ContinuousClock.now
        let cpuStart = cpuSeconds()
        let page = try store.queries.query(text, continuation: nil, limit: 1000)
        let cpu = cpuSeconds() - cpuStart
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        let wall = Double(seconds) + Double(attoseconds) / 1e18
        best = (min(best.wall, wall), min(best.cpu, cpu))
        walls.append(wall)
        answer = page.rows.count == 1 ? page.rows[0].text().prefix(40) + "" : "\(page.rows.count) rows"
    }
    walls.sort()
    print(
        "\(what): best \(milliseconds(best.wall)), median \(milliseconds(walls[walls.count / 2])), cpu \(milliseconds(best.cpu)) → \(answer)"
    )
}

func run() throws {
    var arguments = CommandLine.arguments.dropFirst()
    var exportFolder: String?
    if let at = arguments.firstIndex(of: "--export"), at + 1 < arguments.endIndex {
        exportFolder = arguments[at + 1]
        arguments.removeSubrange(at...at + 1)
    }
    var onlyLoads = false
    if let at = arguments.firstIndex(of: "--load") {
        onlyLoads = true
        arguments.remove(at: at)
    }
    guard let folder = arguments.first else {
        print("usage: query-bench FOLDER [twins] [--export DIR | --load]")
        exit(64)
    }
    let graph = BenchGraph(twins: arguments.count > 1 ? Int(arguments[arguments.startIndex + 1])! : 1_000_000)
    if let exportFolder { return export(graph, to: exportFolder) }
    let clock = ContinuousClock()
    let opening = clock.now
    let store = try TwinStore.open(folder: folder)
    print("open: \(clock.now - opening)")
    if try store.history.counts().twins == 0 {
        let start = clock.now
        try load(store, graph, folder)
        print("load of \(graph.twins) twins and their relationships: \(clock.now - start)")
    }
    if onlyLoads { return try store.close() }
    let start = clock.now
    try store.maintenance.declareIndexes(["batch"])
    print("index: \(clock.now - start)")
    let counts = try store.history.counts()
    print("\(counts.twins) twins, \(counts.relationships) relationships")
    try measure(store, "all, counted", "SELECT COUNT() FROM DIGITALTWINS")
    try measure(store, "IS_OF_MODEL count", "SELECT COUNT() FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:bench:M7;1')")
    try measure(
        store, "IS_OF_MODEL and a property, count",
        "SELECT COUNT() FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:bench:M7;1') AND speed > 100")
    try measure(store, "IS_OF_MODEL, first page", "SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:bench:M7;1')")
    try measure(store, "by $dtId", "SELECT * FROM DIGITALTWINS WHERE $dtId = 'asset-4711'", runs: 99)
    try measure(store, "indexed equality, 100 rows", "SELECT * FROM DIGITALTWINS T WHERE T.batch = 'B4711'", runs: 99)
    let hops = "FROM DIGITALTWINS A JOIN B RELATED A.contains JOIN C RELATED B.contains JOIN D RELATED C.contains"
    try measure(store, "three hops, 1,000 rows", "SELECT D \(hops) WHERE A.$dtId = 'asset-42'", runs: 29)
    try measure(store, "three hops, ids only", "SELECT D.$dtId \(hops) WHERE A.$dtId = 'asset-42'", runs: 29)
    try measure(store, "three hops, counted", "SELECT COUNT() \(hops) WHERE A.$dtId = 'asset-42'", runs: 29)
    try measure(
        store, "MATCH *..3, counted",
        "SELECT COUNT() FROM DIGITALTWINS MATCH (A)-[:contains*..3]->(B) WHERE A.$dtId = 'asset-42'", runs: 29)
    try measure(store, "scan, number", "SELECT COUNT() FROM DIGITALTWINS WHERE temperature > 124.5")
    try measure(store, "scan, text", "SELECT COUNT() FROM DIGITALTWINS WHERE owner = 'owner7' AND status != 'idle'")
    try measure(store, "scan, part of a text", "SELECT COUNT() FROM DIGITALTWINS WHERE CONTAINS(serial, '4711')")
    print("peak \(peakMiB()) MiB")
    try store.close()
}

try run()
