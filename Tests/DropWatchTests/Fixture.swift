import DropCore
import Glibc
import ProgramKit
import SystemKit
import ThreadKit

@testable import DropWatch

/// A folder of a test's own, removed with it. All paths are relative to it.
final class Scratch: Sendable {
    let path: String

    /// - Parameter parent: where to make it; another file system for copies.
    init(in parent: String = "/tmp") {
        var template = Array("\(parent)/twindrop-test-XXXXXX".utf8CString)
        let made = unsafe mkdtemp(&template) != nil
        precondition(made, "no temporary folder")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    func folder(_ name: String) -> String {
        let made = unsafe mkdir(path + "/" + name, 0o755)
        precondition(made == 0 || errno == EEXIST, "mkdir \(name)")
        return path + "/" + name
    }

    static func remove(_ path: String) {
        let folder = try? SystemCall.openFolder(path)
        if let folder, let reader = try? FolderReader(FileName("."), in: folder.number) {
            var entries: [FolderReader.Entry] = []
            while (try? reader.next(max: 4096, into: &entries)) == true {}
            for entry in entries {
                if (try? SystemCall.unlink(entry.name, in: folder.number)) == nil {
                    remove(path + "/" + String(decoding: entry.name.bytes, as: UTF8.self))
                }
            }
        }
        unsafe rmdir(path)
    }
}

/// Creates a file with `text`, or replaces its content.
func write(_ text: String, to path: String) {
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_t(0o644))
    precondition(file >= 0, "open \(path): \(errno)")
    let bytes = Array(text.utf8)
    let written = (try? SystemCall.write(bytes, count: bytes.count, to: file)) != nil
    precondition(written, "write \(path)")
    close(file)
}

func content(of path: String) -> String? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    return (try? SystemCall.contents(file, bytesMax: 1 << 20)).flatMap { $0 }.map { String(decoding: $0, as: UTF8.self) }
}

func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

func names(in path: String) -> [String] {
    var entries: [FolderReader.Entry] = []
    guard let reader = try? FolderReader(path: path) else { return [] }
    while (try? reader.next(max: 4096, into: &entries)) == true {}
    return entries.map(\.name.description).sorted()
}

func facts(_ path: String) -> FileFacts {
    let (folder, name) = Explainer.split(path)
    guard let opened = try? SystemCall.openFolder(folder.text!), let facts = try? SystemCall.facts(of: name, in: opened.number)
    else { preconditionFailure("no \(path)") }
    return facts
}

extension SettledFile {
    /// The file as it is now.
    static func at(
        _ path: String, source: WatchedSource, marker: FileName? = nil, digest: ContentDigest? = nil, defect: DropError? = nil
    )
        -> SettledFile
    {
        let (folder, name) = Explainer.split(path)
        let now = facts(path)
        return SettledFile(
            source: source.name, folder: folder.text!, name: name, bytes: now.bytes, identity: now.identity, marker: marker,
            expectedDigest: digest, defect: defect)
    }
}

extension WatchedSource {
    static func test(
        _ folder: String, name: String = "orders", _ kind: ReadinessRule.Kind = .stable, settle: Duration = .milliseconds(80),
        patterns: [String] = [], bytesMax: UInt64 = 1 << 20, recursive: Bool = false, writerTimeout: Duration = .seconds(900),
        provesEnd: Bool = false, probes: Bool = false
    ) -> WatchedSource {
        var rule = ReadinessRule()
        rule.kind = kind
        rule.settle = settle
        rule.writerTimeout = writerTimeout
        rule.provesEnd = provesEnd
        return WatchedSource(
            name: SourceName(name)!, folder: folder, patterns: patterns, readiness: rule, fileBytesMax: bytesMax,
            recursive: recursive, probes: probes)
    }
}

/// The built `twindrop-watch`, which lies beside the test program.
let helperPath = BuiltPrograms.path("twindrop-watch")

/// Gathers what a watcher delivers, and waits for it.
final class Deliveries: Sendable {
    struct State {
        var settled: [SettledFile] = []
        var unrouted: [UnroutedFile] = []
        /// Files that stay until somebody does something about them.
        var refused: [WaitingFile] = []
        /// All files whose reason to wait was told.
        var left: [WaitingFile] = []
        var notes: [String] = []
    }

    let state = Monitor(State())

    var handler: WatchHandler {
        WatchHandler(
            settled: { [state] files in state.with { $0.settled += files } },
            route: { [state] files in
                state.with { $0.unrouted += files }
                return files.map { _ in .nobody(WaitingReason(.noRoute)) }
            },
            left: { [state] file in
                state.with { state in
                    state.left.append(file)
                    if file.reason.code.attention == .atOnce { state.refused.append(file) }
                }
            },
            note: { [state] text in state.with { $0.notes.append(text) } })
    }

    /// Waits, at most `seconds`, until `ready` holds; whether it does.
    func wait(_ seconds: Int = 10, until ready: (State) -> Bool) -> Bool {
        state.wait(until: { ready($0) }, timeout: .seconds(seconds)) { ready($0) }
    }

    var settledNames: [String] { state.with { $0.settled.map(\.name.description) } }
}

/// A register that remembers the order of what was done to it.
final class RegisterFake: DropRegister {
    struct State {
        var log: [String] = []
        var records: [DropID: DropRecord] = [:]
    }

    let state = Monitor(State())
    /// Called before an intent is noted: looks at the folders at that moment.
    let onIntents: @Sendable ([DropRecord]) -> Void

    init(onIntents: @escaping @Sendable ([DropRecord]) -> Void = { _ in }) { self.onIntents = onIntents }

    var log: [String] { state.with { $0.log } }

    func recordIntents(_ drops: [DropRecord]) throws(DropError) {
        onIntents(drops)
        state.with { state in
            state.log.append("intend " + drops.map(\.fileName.description).joined(separator: " "))
            for drop in drops { state.records[drop.id] = drop }
        }
    }

    func withdraw(_ drops: [DropID]) throws(DropError) {
        state.with { state in
            state.log.append("withdraw " + drops.map { state.records[$0]?.fileName.description ?? "?" }.joined(separator: " "))
            for drop in drops { state.records[drop] = nil }
        }
    }

    func update(_ drops: [DropRecord], by act: Act?) throws(DropError) {}
    func drop(_ id: DropID) throws(DropError) -> DropRecord? { state.with { $0.records[id] } }
    func drops(in states: Set<DropState>) throws(DropError) -> [DropRecord] { state.with { Array($0.records.values) } }
    func noteArchived(_ drops: [DropRecord], done: [DropID], head: ArchiveHead?) throws(DropError) {}
    func close(
        _ drops: [DropID], by closing: DropClosing, at milliseconds: UInt64
    ) throws(DropError) -> [DropRecord] { [] }
    func unrecordedActs() throws(DropError) -> [Act] { [] }
    func noteRecorded(_ acts: [(act: DropID, leaf: UInt64)]) throws(DropError) {}
    func hasApplied(_ name: FileName, of source: SourceName, before id: DropID) throws(DropError) -> Bool { false }
    func unfinished() throws(DropError) -> [DropRecord] { try drops(in: []) }
    func page(
        source: SourceName?, states: Set<DropState>?, before: DropID?, limit: Int
    ) throws(DropError) -> [DropRecord] { [] }
    func find(_ prefix: String, limit: Int) throws(DropError) -> [DropRecord] { [] }
    func blocking(_ source: SourceName, _ order: DropOrder) throws(DropError) -> [DropRecord] { [] }
    func newestApplied(of source: SourceName) throws(DropError) -> DropRecord? { nil }
    func highestName(of source: SourceName) throws(DropError) -> FileName? { nil }
    func commitSequence(of id: DropID) throws(DropError) -> UInt64? { nil }
    func applied(with digest: ContentDigest, of source: SourceName) throws(DropError) -> DropRecord? { nil }
    func archived(with digest: ContentDigest) throws(DropError) -> DropID? { nil }
    func drop(withIntake identity: FileIdentity, of source: SourceName, before id: DropID) throws(DropError) -> DropRecord? {
        state.with { $0.records.values.first { $0.intake == identity && $0.id < id } }
    }
}

func dropID(_ number: UInt64) -> DropID { DropID(high: 1 << 40, low: number) }

/// The folder of a fixture with a landing folder, a spool and a state folder.
struct Home {
    let scratch: Scratch
    let landing: String
    let spool: String
    let stateFolder: String

    /// - Parameter landingIn: another file system for the landing folder.
    init(landingIn other: Scratch? = nil) {
        scratch = Scratch()
        landing = (other ?? scratch).folder("landing")
        spool = scratch.folder("spool")
        stateFolder = scratch.folder("state")
    }

    func path(_ name: String) -> String { landing + "/" + name }
}

/// A watcher on a landing folder, stopped with the fixture.
final class Watching {
    let home: Home
    let source: WatchedSource
    let deliveries = Deliveries()
    let watcher: DropWatcher

    init(
        _ kind: ReadinessRule.Kind, settle: Duration = .milliseconds(80), patterns: [String] = [], bytesMax: UInt64 = 1 << 20,
        recursive: Bool = false, writerTimeout: Duration = .seconds(900), events: Bool = true, rootRouting: Bool = false,
        timing: WatchTiming = WatchTiming(), truncation: TruncationRule = TruncationRule(), provesEnd: Bool = false,
        home: Home = Home(), start: Bool = true
    ) {
        self.home = home
        source = .test(
            home.landing, kind, settle: settle, patterns: patterns, bytesMax: bytesMax, recursive: recursive,
            writerTimeout: writerTimeout, provesEnd: provesEnd)
        watcher = DropWatcher(
            sources: [source], dropZone: rootRouting ? home.scratch.folder("zone") : nil, helperPath: events ? helperPath : nil,
            ownership: FolderOwnership(instance: "test-instance", stateFolder: home.stateFolder), timing: timing,
            truncation: truncation, handler: deliveries.handler)
        guard start else { return }
        watcher.start()
        precondition(watcher.waitUntilWatching(timeout: .seconds(20)), "the watcher did not start")
    }

    deinit { watcher.stop() }

    /// Waits until the source's mode is what it will be.
    func waitForMode(_ wanted: WatchMode) -> Bool {
        for _ in 0..<400 {
            if watcher.status().first?.mode == wanted { return true }
            _ = deliveries.state.wait(until: { _ in false }, timeout: .milliseconds(25)) { _ in true }
        }
        return false
    }
}

/// Waits, at most `seconds`, until something holds of which nobody tells; whether it does.
func eventually(_ seconds: Int = 60, _ holds: () -> Bool) -> Bool {
    let begun = ContinuousClock.now
    while .now - begun < .seconds(seconds) {
        if holds() { return true }
        usleep(10_000)
    }
    return holds()
}

/// Waits until `why` says `code` of the file.
func waitForWhy(_ test: Watching, _ name: String, _ code: String) -> Bool {
    for _ in 0..<200 {
        if test.watcher.why(test.home.path(name)).code == code { return true }
        sched_yield()
    }
    return false
}

/// A claimer of one source.
func claimer(
    _ home: Home, _ source: WatchedSource, _ register: RegisterFake = RegisterFake(),
    ordered: Bool = false, lease: @escaping @Sendable (CInt) -> ReadLease.Answer = ReadLease.probe
) -> ClaimSteps {
    ClaimSteps(
        claimer: Claimer(spoolFolder: home.spool, sources: [source], ordered: ordered ? [source.name] : [], lease: lease),
        register: register)
}

/// Claims by the steps that the flow takes, in its order.
struct ClaimSteps {
    let claimer: Claimer
    let register: RegisterFake

    /// - Parameters:
    ///   - whenLeased: called with a lone file that may be read before its intent is written.
    ///   - whenMoved: called with what is known before the folders are synced.
    func claim(
        _ files: [(file: SettledFile, id: DropID)], at milliseconds: UInt64,
        whenLeased: (_ descriptor: CInt, _ bytes: UInt64) -> Void = { _, _ in }, whenMoved: ([ClaimResult?]) -> Void = { _ in }
    ) throws(DropError) -> [ClaimResult] {
        let open = try claimer.prepare(files)
        defer { open.close() }
        var intents: [DropRecord] = []
        for ((file, id), opening) in zip(files, open.openings) {
            if case .ready(let bytes) = opening { intents.append(file.claimed(as: id, bytes: bytes, at: milliseconds)) }
        }
        guard !intents.isEmpty else {
            return open.openings.map { opening in
                guard case .not(let result) = opening else { preconditionFailure("it is not ready") }
                return result
            }
        }
        if let descriptor = open.leasedDescriptor { whenLeased(descriptor, intents[0].bytes) }
        try register.recordIntents(intents)
        whenMoved(try open.commit())
        let results = try open.finish()
        let claimed = results.compactMap { if case .claimed(let id, _) = $0 { id } else { nil } }
        let void = intents.map(\.id).filter { !claimed.contains($0) }
        if !void.isEmpty { try register.withdraw(void) }
        return results
    }

    func recover(_ intents: [DropRecord]) throws(DropError) -> [RecoveredClaim] { try claimer.recover(intents) }
    func spooled() throws(DropError) -> [DropID] { try claimer.spooled() }
}
