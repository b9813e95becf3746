import DropCore
import Glibc
import Testing
import ThreadKit

@testable import DropWatch

@Suite(.serialized) struct `The watcher` {
    @Test(arguments: [ReadinessRule.Kind.rename, .close, .stable])
    func `delivers a file that is renamed into place`(kind: ReadinessRule.Kind) {
        let test = Watching(kind)
        write("a,b\n", to: test.home.path("x.csv.part"))
        unsafe rename(test.home.path("x.csv.part"), test.home.path("x.csv"))
        #expect(test.deliveries.wait { $0.settled.count == 1 })
        #expect(test.deliveries.settledNames == ["x.csv"])
    }

    @Test(arguments: [ReadinessRule.Kind.rename, .close, .stable])
    func `delivers a file that is written in place only when it is closed`(kind: ReadinessRule.Kind) {
        let test = Watching(kind)
        let writer = unsafe open(test.home.path("x.csv"), O_WRONLY | O_CREAT, mode_t(0o644))
        try? SystemCall.write(Array("half".utf8), count: 4, to: writer)
        // A later file is delivered, the open one is not: no time is waited for.
        write("other", to: test.home.path("y.csv"))
        #expect(test.deliveries.wait { !$0.settled.isEmpty })
        #expect(test.deliveries.settledNames == ["y.csv"])
        try? SystemCall.write(Array(" whole".utf8), count: 6, to: writer)
        close(writer)
        #expect(test.deliveries.wait { $0.settled.count == 2 })
        #expect(test.deliveries.state.with { $0.settled.last?.bytes } == 10)
    }

    @Test func `delivers a marked file with its marker, whichever comes first`() {
        let test = Watching(.marker)
        write("1", to: test.home.path("a.csv"))
        write("", to: test.home.path("a.csv.done"))
        #expect(test.deliveries.wait { $0.settled.count == 1 })
        write("", to: test.home.path("b.done"))
        write("2", to: test.home.path("b.csv"))
        #expect(test.deliveries.wait { $0.settled.count == 2 })
        #expect(test.deliveries.state.with { $0.settled.map { $0.marker?.description } } == ["a.csv.done", "b.done"])
        #expect(test.deliveries.settledNames == ["a.csv", "b.csv"])
    }

    @Test func `waits until a file has the size its manifest states`() {
        let test = Watching(.marker)
        write("12", to: test.home.path("a.csv"))
        write(#"{"size": 4, "sha256": "\#(String(repeating: "0", count: 64))"}"#, to: test.home.path("a.csv.done"))
        #expect(waitForWhy(test, "a.csv", "manifest"))
        write("1234", to: test.home.path("a.csv"))
        #expect(test.deliveries.wait { $0.settled.count == 1 })
        #expect(
            test.deliveries.state.with { $0.settled[0].expectedDigest } == ContentDigest(bytes: [UInt8](repeating: 0, count: 32)))
    }

    @Test func `delivers a marker whose data does not come to be quarantined`() throws {
        var timing = WatchTiming()
        timing.rescan = .milliseconds(50)
        let test = Watching(.marker, writerTimeout: .milliseconds(100), timing: timing)
        write("", to: test.home.path("a.done"))
        try #require(test.deliveries.wait { $0.settled.map(\.defect?.code) == ["marker-without-data"] })
        let marker = test.deliveries.state.with { $0.settled[0] }
        test.watcher.noteClaims([(marker, .notYet(reason: "test"))])
        #expect(test.deliveries.wait { $0.settled.count == 2 })
    }

    @Test func `delivers what was there before it started`() {
        let home = Home()
        write("old", to: home.path("old.csv"))
        let test = Watching(.close, home: home)
        #expect(test.deliveries.wait { $0.settled.count == 1 })
    }

    @Test func `delivers an empty file once it is stable`() {
        let test = Watching(.close)
        write("", to: test.home.path("empty"))
        #expect(test.deliveries.wait { $0.settled.count == 1 })
    }

    @Test func `looks again after a claim that was not possible, and forgets claimed files`() {
        let test = Watching(.close)
        write("x", to: test.home.path("x"))
        #expect(test.deliveries.wait { $0.settled.count == 1 })
        let first = test.deliveries.state.with { $0.settled[0] }
        test.watcher.noteClaims([(first, .notYet(reason: "test"))])
        #expect(test.deliveries.wait { $0.settled.count == 2 })
        unsafe unlink(test.home.path("x"))
        test.watcher.noteClaims([(first, .claimed(dropID(1), bytes: 1))])
        write("again", to: test.home.path("x"))
        #expect(test.deliveries.wait { $0.settled.count == 3 })
        #expect(test.deliveries.state.with { $0.settled[2].bytes } == 5)
    }

    @Test func `delivers a new version that comes while the old one is being claimed`() {
        let test = Watching(.close)
        write("x", to: test.home.path("x"))
        #expect(test.deliveries.wait { $0.settled.count == 1 })
        let first = test.deliveries.state.with { $0.settled[0] }
        write("newer", to: test.home.path(".y"))
        unsafe rename(test.home.path(".y"), test.home.path("x"))
        test.watcher.noteClaims([(first, .claimed(dropID(1), bytes: 1))])
        #expect(test.deliveries.wait { $0.settled.count == 2 })
        #expect(test.deliveries.state.with { $0.settled[1].bytes } == 5)
    }

    @Test func `refuses links, FIFOs, folders named like files and files that are too big, each once`() {
        let test = Watching(.close, patterns: ["*.csv"], bytesMax: 10)
        unsafe symlink("/etc/passwd", test.home.path("link.csv"))
        unsafe mkfifo(test.home.path("fifo.csv"), 0o644)
        unsafe mkdir(test.home.path("folder.csv"), 0o755)
        write("more than ten bytes", to: test.home.path("big.csv"))
        write("fine", to: test.home.path("fine.csv"))
        write("not ours", to: test.home.path("readme.txt"))
        #expect(test.deliveries.wait { $0.settled.count == 1 && $0.refused.count == 4 })
        test.watcher.rescanNow()
        write("fine", to: test.home.path("last.csv"))
        #expect(test.deliveries.wait { $0.settled.count == 2 })
        let codes = test.deliveries.state.with {
            Dictionary(grouping: $0.refused, by: \.name.description).mapValues { $0.map(\.error.code.text) }
        }
        #expect(
            codes == [
                "link.csv": ["not-a-file"], "fifo.csv": ["not-a-file"], "folder.csv": ["not-a-file"], "big.csv": ["too-big"],
            ])
    }

    @Test func `refuses a sparse giant without reading it, and takes it once it is small`() {
        let test = Watching(.close)
        write("", to: test.home.path(".giant"))
        unsafe truncate(test.home.path(".giant"), 1 << 40)
        unsafe rename(test.home.path(".giant"), test.home.path("giant"))
        #expect(test.deliveries.wait { $0.refused.count == 1 })
        write("small", to: test.home.path("giant"))
        #expect(test.deliveries.wait { $0.settled.count == 1 })
    }

    @Test(
        arguments: [
            [0xFF, 0xFE], Array("line\nbreak".utf8), Array("-rf".utf8), Array("e\u{301}".utf8), Array("\u{202E}gpj.exe".utf8),
            [UInt8](repeating: 0x78, count: 255),
        ] as [[UInt8]])
    func `delivers names of any bytes`(bytes: [UInt8]) throws {
        let test = Watching(.close)
        let folder = try SystemCall.openFolder(test.home.landing)
        do {
            let file = try SystemCall.createFile(FileName(bytes: bytes), in: folder.number)
            try SystemCall.write([1], count: 1, to: file.number)
        }
        #expect(test.deliveries.wait { $0.settled.map(\.name.bytes) == [bytes] })
    }

    @Test func `tells apart names that differ by case or normal form only`() {
        let test = Watching(.close)
        for name in ["A", "a", "\u{e9}", "e\u{301}"] { write("x", to: test.home.path(name)) }
        #expect(test.deliveries.wait { Set($0.settled.map(\.name)).count == 4 })
    }

    @Test func `does not mind times in the future or in 1970`() {
        let test = Watching(.stable)
        for (name, seconds) in [("future", 4_000_000_000), ("past", 0)] {
            write("x", to: test.home.path("." + name))
            let times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
            unsafe utimensat(AT_FDCWD, test.home.path("." + name), times, 0)
            unsafe rename(test.home.path("." + name), test.home.path(name))
        }
        #expect(test.deliveries.wait { $0.settled.count == 2 })
    }

    @Test func `finds files in new subfolders of a recursive source`() {
        let test = Watching(.close, recursive: true)
        unsafe mkdir(test.home.path("a"), 0o755)
        unsafe mkdir(test.home.path("a/b"), 0o755)
        write("deep", to: test.home.path("a/b/x"))
        #expect(test.deliveries.wait { $0.settled.count == 1 })
        write("later", to: test.home.path("a/b/y"))
        #expect(test.deliveries.wait { $0.settled.count == 2 })
        #expect(test.deliveries.state.with { Set($0.settled.map(\.folder)) } == [test.home.path("a/b")])
    }

    @Test func `goes on after a subfolder with watches was moved`() {
        let test = Watching(.close, recursive: true)
        unsafe mkdir(test.home.path("a"), 0o755)
        write("1", to: test.home.path("a/x"))
        #expect(test.deliveries.wait { $0.settled.count == 1 })
        unsafe rename(test.home.path("a"), test.home.path("b"))
        write("2", to: test.home.path("b/y"))
        #expect(test.deliveries.wait { $0.settled.contains { $0.folder == test.home.path("b") && $0.name == FileName("y") } })
    }

    @Test func `does not look into subfolders of other sources`() {
        let test = Watching(.close)
        unsafe mkdir(test.home.path("a"), 0o755)
        write("deep", to: test.home.path("a/x"))
        write("here", to: test.home.path("y"))
        #expect(test.deliveries.wait { !$0.settled.isEmpty })
        #expect(test.deliveries.settledNames == ["y"])
    }

    @Test func `routes files of the drop zone's root by the sources' patterns`() {
        let test = Watching(.close, patterns: ["orders-*"], rootRouting: true)
        write("1", to: test.home.scratch.path + "/zone/orders-1")
        write("2", to: test.home.scratch.path + "/zone/unknown")
        #expect(test.deliveries.wait { $0.settled.count == 1 && $0.unrouted.count == 1 })
        #expect(test.deliveries.state.with { $0.settled[0].source.text } == "orders")
        #expect(test.deliveries.state.with { $0.unrouted[0].name } == FileName("unknown"))
    }

    @Test func `delivers a file that its writer keeps open once to be quarantined, and takes it in the end`() throws {
        let test = Watching(.close, settle: .milliseconds(10), writerTimeout: .milliseconds(600))
        let writer = unsafe open(test.home.path("x"), O_WRONLY | O_CREAT, mode_t(0o644))
        try? SystemCall.write([1], count: 1, to: writer)
        try #require(test.deliveries.wait { $0.settled.map(\.defect?.code) == ["still-open"] })
        let held = test.deliveries.state.with { $0.settled[0] }
        test.watcher.noteClaims([(held, .claimed(dropID(1), bytes: 1))])
        #expect(waitForWhy(test, "x", "writer"))
        close(writer)
        #expect(test.deliveries.wait { $0.settled.count == 2 })
        #expect(test.deliveries.state.with { $0.settled[1].defect } == nil)
    }

    @Test func `waits for a slow writer for as long as it writes`() {
        let test = Watching(.close, settle: .milliseconds(10), writerTimeout: .milliseconds(700))
        let writer = unsafe open(test.home.path("x"), O_WRONLY | O_CREAT, mode_t(0o644))
        let began = Instant.now
        while Instant.now - began < .seconds(2) {
            try? SystemCall.write([1], count: 1, to: writer)
            #expect(
                !test.deliveries.state.wait(until: { !$0.settled.isEmpty }, timeout: .milliseconds(50)) { !$0.settled.isEmpty })
        }
        close(writer)
        #expect(test.deliveries.wait { $0.settled.map(\.defect) == [nil] })
    }

    @Test(arguments: [ReadinessRule.Kind.close, .stable, .rename])
    func `delivers a file that may have lost its tail in a power cut as one to be quarantined`(kind: ReadinessRule.Kind) {
        let test = Watching(kind, truncation: TruncationRule(doubted: [0..<UInt64.max]))
        write("x", to: test.home.path("x"))
        #expect(test.deliveries.wait { $0.settled.map(\.defect?.code) == ["suspect-truncated"] })
    }

    @Test func `trusts a marker, and a source that proves the end of its files, after a power cut`() {
        let doubt = TruncationRule(doubted: [0..<UInt64.max])
        let marked = Watching(.marker, truncation: doubt)
        write("x", to: marked.home.path("x"))
        write("", to: marked.home.path("x.done"))
        #expect(marked.deliveries.wait { $0.settled.map(\.defect) == [nil] })
        let proven = Watching(.close, truncation: doubt, provesEnd: true)
        write("x", to: proven.home.path("x"))
        #expect(proven.deliveries.wait { $0.settled.map(\.defect) == [nil] })
    }

    @Test func `never delivers a slow writer's file short`() {
        let test = Watching(.close)
        let threads = (0..<12).map { index in
            NamedThread("writer") { [home = test.home] in
                let inPlace = index % 2 == 0
                let path = home.path(inPlace ? "f\(index)" : ".f\(index)")
                let file = unsafe open(path, O_WRONLY | O_CREAT, mode_t(0o644))
                for _ in 0..<40 {
                    try? SystemCall.write([UInt8](repeating: 65, count: 100), count: 100, to: file)
                    sched_yield()
                    fsync(file)
                }
                close(file)
                if !inPlace { unsafe rename(path, home.path("f\(index)")) }
            }
        }
        for thread in threads { thread.join() }
        #expect(test.deliveries.wait(30) { $0.settled.count == 12 })
        #expect(test.deliveries.state.with { $0.settled.allSatisfy { $0.bytes == 4000 } })
    }
}

/// Waits until `why` says `code` of the file.
private func waitForWhy(_ test: Watching, _ name: String, _ code: String) -> Bool {
    for _ in 0..<200 {
        if test.watcher.why(test.home.path(name)).code == code { return true }
        sched_yield()
    }
    return false
}

@Suite(.serialized) struct `The helper process` {
    /// No scan but those that events, overflow and restarts ask for.
    private static var withoutTimer: WatchTiming {
        var timing = WatchTiming()
        timing.rescan = .seconds(3600)
        return timing
    }

    @Test func `is started again when it is killed, and nothing is missed`() throws {
        let test = Watching(.close, timing: Self.withoutTimer)
        let first = try #require(test.watcher.helperProcess)
        kill(first, SIGKILL)
        for index in 0..<50 { write("x", to: test.home.path("f\(index)")) }
        #expect(test.deliveries.wait { $0.settled.count == 50 })
        #expect(test.waitForMode(.events))
        #expect(test.watcher.helperProcess != first)
        #expect(test.watcher.counters().restarts == 1)
        write("x", to: test.home.path("after"))
        #expect(test.deliveries.wait { $0.settled.count == 51 })
    }

    @Test func `may overflow, and nothing is missed`() throws {
        let full = unsafe getenv("TWINDROP_FULL") != nil
        let count = full ? 100_000 : 20_000
        let test = Watching(.close, timing: Self.withoutTimer)
        #expect(test.waitForMode(.events))
        let helper = try #require(test.watcher.helperProcess)
        kill(helper, SIGSTOP)
        let before = Instant.now
        for index in 0..<count { write("x", to: test.home.path("f\(index)")) }
        let written = Instant.now
        kill(helper, SIGCONT)
        #expect(test.deliveries.wait(60) { $0.settled.count >= count })
        print("burst: \(count) files written in \((written - before).shown), all seen \((Instant.now - written).shown) later")
        #expect(Set(test.deliveries.settledNames).count == count)
        #expect(test.deliveries.settledNames.count == count)
        #expect(test.watcher.counters().overflows >= 1)
    }

    @Test func `ends when its parent's channel does`() throws {
        let scratch = Scratch()
        let helper = try HelperProcess.start(helperPath, folders: [(FolderPath(scratch.path), false)])
        var buffer = [UInt8](repeating: 0, count: 64)
        #expect(helper.read(into: &buffer) > 0)
        helper.reap()  // Closes the channel, then waits: it returns only when the process ends by itself.
    }

    @Test func `is done without where it cannot be started`() {
        var timing = WatchTiming()
        timing.settleWithoutEvents = .milliseconds(50)
        timing.rescanPolled = .milliseconds(50)
        let home = Home()
        let deliveries = Deliveries()
        let watcher = DropWatcher(
            sources: [.test(home.landing)], helperPath: "/nonexistent/twindrop-watch", timing: timing, handler: deliveries.handler
        )
        watcher.start()
        defer { watcher.stop() }
        write("x", to: home.path("x"))
        #expect(deliveries.wait { $0.settled.count == 1 })
    }
}

@Suite(.serialized) struct `A source's mode` {
    @Test func `is events once the probe file's event arrived, and the probe file is gone`() {
        let test = Watching(.close)
        #expect(test.waitForMode(.events))
        #expect(names(in: test.home.landing) == [".twindrop-owner"])
    }

    @Test(arguments: 0..<8) func `is events for each of several sources, started over files`(round: Int) {
        let scratch = Scratch()
        let state = scratch.folder("state")
        let sources = (0..<3).map { index in
            let folder = scratch.folder("s\(index)")
            for file in 0..<20 { write("x", to: "\(folder)/f\(file)") }
            return WatchedSource.test(folder, name: "s\(index)", .rename)
        }
        let deliveries = Deliveries()
        let watcher = DropWatcher(
            sources: sources, dropZone: scratch.path, helperPath: helperPath,
            ownership: FolderOwnership(instance: "test", stateFolder: state), handler: deliveries.handler)
        watcher.start()
        defer { watcher.stop() }
        for _ in 0..<400 where !watcher.status().allSatisfy({ $0.mode == .events }) {
            _ = deliveries.state.wait(until: { _ in false }, timeout: .milliseconds(10)) { _ in true }
        }
        #expect(watcher.status().map(\.mode) == [.events, .events, .events])
        #expect(deliveries.state.with { $0.notes.filter { $0.contains("polling") } } == [])
    }

    @Test func `is polling without events, and files are found all the same`() {
        var timing = WatchTiming()
        timing.settleWithoutEvents = .milliseconds(100)
        timing.rescanPolled = .milliseconds(50)
        let test = Watching(.stable, events: false, timing: timing)
        write("x", to: test.home.path("x"))
        #expect(test.deliveries.wait { $0.settled.count == 1 })
        #expect(test.waitForMode(.polling("the watcher program does not run")))
    }

    @Test func `is unavailable while the folder belongs to another instance`() throws {
        let home = Home()
        write("someone-else\n", to: home.path(".twindrop-owner"))
        write("x", to: home.path("x"))
        var timing = WatchTiming()
        timing.rescanRemote = .milliseconds(50)
        let test = Watching(.close, timing: timing, home: home)
        #expect(test.deliveries.wait { $0.notes.contains { $0.contains("belongs to another TwinDrop instance (someone-else)") } })
        #expect(test.deliveries.settledNames == [])
        unsafe unlink(home.path(".twindrop-owner"))
        #expect(test.deliveries.wait { $0.settled.count == 1 })
    }

    @Test func `recovers when the folder is removed and made again by its owner`() {
        var timing = WatchTiming()
        timing.rescanRemote = .milliseconds(50)
        let test = Watching(.close, timing: timing)
        #expect(test.waitForMode(.events))
        let aside = test.home.scratch.path + "/aside"
        unsafe rename(test.home.landing, aside)
        #expect(test.deliveries.wait { $0.notes.contains { $0.contains("cannot be opened") } })
        // An empty folder in its place is an unmounted file system, as far as anybody can tell.
        unsafe mkdir(test.home.landing, 0o755)
        #expect(test.deliveries.wait { $0.notes.contains { $0.contains(".twindrop-owner file is gone") } })
        unsafe rmdir(test.home.landing)
        unsafe rename(aside, test.home.landing)
        write("x", to: test.home.path("x"))
        #expect(test.deliveries.wait { $0.settled.count == 1 })
    }

    @Test(
        arguments: [(0xEF53, .local), (0x6969, .remote("NFS")), (0x1234, .remote("file system 0x1234"))]
            as [(UInt32, FileSystemKind)])
    func `follows from the file system's number`(magic: UInt32, kind: FileSystemKind) {
        #expect(FileSystemKind.of(magic: magic) == kind)
    }
}

@Suite struct `Owning a landing folder` {
    private let home = Home()

    private func ownership(_ instance: String, force: Bool = false) -> FolderOwnership {
        FolderOwnership(instance: instance, stateFolder: home.stateFolder, force: force)
    }

    @Test func `is found again by the same instance`() throws {
        try ownership("a").take(home.landing)
        try ownership("a").take(home.landing)
        #expect(content(of: home.path(".twindrop-owner")) == "a\n")
    }

    @Test func `is refused to another instance, unless forced`() throws {
        try ownership("a").take(home.landing)
        #expect { try ownership("b").take(home.landing) } throws: { ($0 as? DropError)?.code == "folder-owned" }
        try ownership("b", force: true).take(home.landing)
        #expect(content(of: home.path(".twindrop-owner")) == "b\n")
    }

    @Test func `is refused where the owner file is gone`() throws {
        try ownership("a").take(home.landing)
        unsafe unlink(home.path(".twindrop-owner"))
        #expect { try ownership("a").take(home.landing) } throws: { ($0 as? DropError)?.code == "folder-unmounted" }
    }

    @Test func `is refused where there is no folder`() throws {
        #expect { try ownership("a").take(home.path("none")) } throws: { ($0 as? DropError)?.code == "folder-missing" }
    }
}

@Suite(.serialized) struct `Taking what is present` {
    @Test func `takes complete files, waits one settle interval, and leaves the rest with a reason`() throws {
        let test = Watching(.stable, settle: .milliseconds(150), start: false)
        write("x", to: test.home.path("whole"))
        let writer = unsafe open(test.home.path("open"), O_WRONLY | O_CREAT, mode_t(0o644))
        defer { close(writer) }
        write("x", to: test.home.path("temporary.tmp"))
        let before = Instant.now
        let left = test.watcher.takePresent()
        #expect(Instant.now - before < .seconds(2))
        #expect(test.deliveries.settledNames == ["whole"])
        #expect(left.map(\.name.description) == ["open"])
        #expect(left.first?.explanation.code == "writer")
    }

    @Test func `takes a closed file of a close source without waiting`() {
        let test = Watching(.close, settle: .seconds(60), start: false)
        write("x", to: test.home.path("x"))
        #expect(test.watcher.takePresent() == [])
        #expect(test.deliveries.settledNames == ["x"])
    }
}

@Suite(.serialized) struct `Why` {
    private let home = Home()

    private func why(_ name: String, _ source: WatchedSource) -> Explanation {
        Explainer(sources: [source], dropZone: nil, pause: .milliseconds(10)).why(home.path(name))
    }

    @Test func `says how long a stable file has still to wait`() {
        write("x", to: home.path("x"))
        let explanation = why("x", .test(home.landing, .stable, settle: .seconds(60)))
        #expect(explanation.code == "settling" && !explanation.isReady)
        #expect(explanation.sentences[0].hasSuffix("of the 60 s that source orders asks for."))
    }

    @Test func `says that a complete file is ready`() {
        write("x", to: home.path("x"))
        #expect(why("x", .test(home.landing, .close)).isReady)
    }

    @Test func `names the missing marker`() {
        write("x", to: home.path("x.csv"))
        let explanation = why("x.csv", .test(home.landing, .marker))
        #expect(explanation.sentences == ["It waits for x.csv.done or x.done, which is not there."])
    }

    @Test func `says that a writer has it open`() {
        write("x", to: home.path("x"))
        let writer = unsafe open(home.path("x"), O_WRONLY)
        defer { close(writer) }
        #expect(why("x", .test(home.landing, .close)).code == "writer")
    }

    @Test(arguments: [
        ("x.tmp", "temporary-name"), ("x.txt", "unmatched-name"), ("link.csv", "not-a-file"), ("gone.csv", "gone"),
        (".twindrop-owner", "own-name"), ("sub/x.csv", "not-watched"),
    ])
    func `names the rule that keeps a file out`(name: String, code: String) {
        unsafe symlink("/etc/passwd", home.path("link.csv"))
        #expect(why(name, .test(home.landing, .close, patterns: ["*.csv"])).code == code)
    }

    @Test func `knows what the running watcher waits for`() {
        let test = Watching(.stable, settle: .seconds(60))
        write("x", to: test.home.path("x"))
        #expect(waitForWhy(test, "x", "settling"))
    }
}
