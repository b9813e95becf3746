// Measures the twin store alone: operation streams made in memory, rows of 12 columns and about 89 bytes of text, as the peer
// benchmark has them.
//
//     swift build -c release --product store-bench && .build/release/store-bench FOLDER [rows per file] [files] [big rows]
//
// With a fifth argument, `known` or `off`, the twins have a model that is in the graph, and are checked against it, or not.

import DropCore
import Glibc
import TwinModel
import TwinService
import TwinStore

struct Generator {
    let asset: String = "A"
    var writer = OperationWriter()
    var keys: [UInt32] = []

    /// Key of the model; 0: none.
    var model: UInt32 = 0

    mutating func open() {
        writer = OperationWriter()
        if validation != nil { model = writer.key("dtmi:bench:Asset;1") }
        keys = [
            "model", "site", "line", "status", "serial", "speed", "temperature", "pressure", "count", "updated", "owner", "note",
        ]
        .map { writer.key($0) }
    }

    /// One row; `change` alters two of its twelve values.
    mutating func row(_ number: Int, change: Int) {
        writer.record(length: 89)
        writer.beginTwin(.upsertTwin, "asset-\(1_000_000 + number)", model: model)
        writer.set(keys[0], .string("M\(number % 97)"))
        writer.set(keys[1], .string("site-\(number % 31)"))
        writer.set(keys[2], .string("L\(number % 7)"))
        writer.set(keys[3], .string(change % 2 == 0 ? "running" : "stopped"))
        writer.set(keys[4], .string("SN\(number &* 7919 % 1_000_003)"))
        writer.set(keys[5], .double(Double(number % 1000) / 8))
        writer.set(keys[6], .double(Double(number % 500) / 4))
        writer.set(keys[7], .integer(Int64(number % 10000)))
        writer.set(keys[8], .integer(Int64(change)))
        writer.set(keys[9], .dateTime(microseconds: 1_760_000_000_000_000 + Int64(number) * 1_000_000, offsetMinutes: 0))
        writer.set(keys[10], .string("owner\(number % 13)"))
        writer.set(keys[11], .string("n\(number % 101)"))
        writer.end()
    }
}

struct Frames {
    var frames: [[UInt8]] = []
    var rows = 0
    /// Rows that are made while they are read, so that a large file needs no memory here.
    var streamed = 0..<0

    init(streaming numbers: Range<Int>) {
        streamed = numbers
        rows = numbers.count
    }

    func stream(_ body: ([UInt8]) throws -> Void) throws {
        guard !streamed.isEmpty else { return }
        var generator = Generator()
        generator.open()
        for number in streamed {
            generator.row(number, change: 0)
            if generator.writer.bytes.count > 1 << 20 { try body(generator.writer.takeBytes()) }
        }
        try body(generator.writer.takeBytes())
    }

    init(_ numbers: some Sequence<Int>, change: (Int) -> Int) {
        var generator = Generator()
        generator.open()
        for number in numbers {
            generator.row(number, change: change(number))
            rows += 1
            if generator.writer.bytes.count > 1 << 20 { frames.append(generator.writer.takeBytes()) }
        }
        frames.append(generator.writer.takeBytes())
    }
}

func peakMiB() -> Int {
    var usage = rusage()
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss / 1024
}

func cpuSeconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Nil: twins have no model.
let validation = CommandLine.arguments.count > 5 ? ApplyPolicy.Validation(rawValue: CommandLine.arguments[5]) : nil

/// The rows' model.
let assetModel = """
    {"@context":"dtmi:dtdl:context;3","@id":"dtmi:bench:Asset;1","@type":"Interface","contents":[
    \(["model", "site", "line", "status", "serial", "owner", "note"].map { #"{"@type":"Property","name":"\#($0)","schema":"string"}"# }
        .joined(separator: ",")),
    \(["speed", "temperature"].map { #"{"@type":"Property","name":"\#($0)","schema":"double"}"# }.joined(separator: ",")),
    \(["pressure", "count"].map { #"{"@type":"Property","name":"\#($0)","schema":"integer"}"# }.joined(separator: ",")),
    {"@type":"Property","name":"updated","schema":"dateTime"}]}
    """

var policy: ApplyPolicy {
    var policy = ApplyPolicy()
    policy.validation = validation ?? .off
    return policy
}

let clock = ContinuousClock()
var ids = DropIDGenerator()
var random = SystemRandomNumberGenerator()
var arrival: UInt64 = 1_760_000_000_000

@MainActor func load(_ store: TwinStore, _ name: String, _ rows: Int, _ folder: String, _ each: () -> [Frames]) throws {
    var compare = Duration.zero
    var commit = Duration.zero
    var cpu = (0.0, 0.0)
    var books = DropBooks()
    for file in each() {
        arrival += 1
        let id = ids.next(milliseconds: arrival, using: &random)
        let source = SourceName("bench")!
        let job = ApplyJob(
            drop: id, source: source, policy: policy, bytes: UInt64(file.rows) * 89,
            transformDigest: ContentDigest(bytes: Array(repeating: 1, count: 32)),
            amends: nil, released: false, scratchFolder: folder)
        let record = DropRecord(
            id: id, source: source, fileName: FileName("bench.csv"), bytes: job.bytes, state: .registered, claimedAt: arrival,
            changedAt: arrival, intake: FileIdentity(device: 1, inode: arrival, changeTime: 0))
        let start = clock.now
        let cpuStart = cpuSeconds()
        let builder = try store.graph.changeSet(for: job)
        for frame in file.frames { try unsafe builder.absorb(frame.span.bytes) }
        try file.stream { frame in try unsafe builder.absorb(frame.span.bytes) }
        let changes = try builder.finish()
        let middle = clock.now
        let cpuMiddle = cpuSeconds()
        let result = try store.graph.commit([(changes, record)])[0].get()
        let end = clock.now
        cpu.0 += cpuMiddle - cpuStart
        cpu.1 += cpuSeconds() - cpuMiddle
        compare += middle - start
        commit += end - middle
        books.created += result.books.created
        books.updated += result.books.updated
        books.unchanged += result.books.unchanged
    }
    func perRow(_ duration: Duration) -> String {
        let microseconds = Double(duration.components.seconds) * 1e6 + Double(duration.components.attoseconds) / 1e12
        return "\((microseconds / Double(rows) * 1000).rounded() / 1000) µs/row"
    }
    func cpuPerRow(_ seconds: Double) -> Double { (seconds * 1e9 / Double(rows)).rounded() / 1000 }
    print(
        """
        \(name): compare \(perRow(compare)) (cpu \(cpuPerRow(cpu.0))), commit \(perRow(commit)) (cpu \(cpuPerRow(cpu.1))); \
        total \(compare + commit); created \(books.created) updated \(books.updated) unchanged \(books.unchanged); \
        peak \(peakMiB()) MiB
        """
    )
}

@MainActor func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count > 1 else {
        print("usage: store-bench FOLDER [rows per file] [files] [big rows]")
        exit(64)
    }
    let folder = arguments[1]
    let rows = arguments.count > 2 ? Int(arguments[2])! : 50_000
    let files = arguments.count > 3 ? Int(arguments[3])! : 20
    let big = arguments.count > 4 ? Int(arguments[4])! : 0
    var store = try TwinStore.open(folder: folder)
    if validation != nil {
        let model = ModelText(text: Array(assetModel.utf8), value: try JSON(parsing: assetModel))
        _ = try GraphService(store).uploadNew(models: [model], by: Caller(name: "bench"))
    }
    let all = rows * files
    let made = (0..<files).map { file in Frames(file * rows..<(file + 1) * rows) { _ in 0 } }
    print("generated; peak \(peakMiB()) MiB")
    try load(store, "load \(files) × \(rows)", all, folder) { made }
    try load(store, "redeliver 0 %", all, folder) { made }
    let changed = (0..<files).map { file in Frames(file * rows..<(file + 1) * rows) { $0 % 100 == 0 ? 1 : 0 } }
    try load(store, "redeliver 1 %", all, folder) { changed }
    let shuffled = Array(0..<all).shuffled()
    try load(store, "redeliver shuffled", all, folder) {
        (0..<files).map { file in Frames(shuffled[file * rows..<(file + 1) * rows]) { $0 % 100 == 0 ? 1 : 0 } }
    }
    try store.close()
    let start = clock.now
    store = try TwinStore.open(folder: folder)
    print("open: \(clock.now - start)")
    try load(store, "redeliver 0 % after restart", all, folder) { changed }
    if big > 0 {  // The time to make the rows is inside.
        try load(store, "one file of \(big)", big, folder) { [Frames(streaming: all..<all + big)] }
    }
    try store.close()
}

try main()
