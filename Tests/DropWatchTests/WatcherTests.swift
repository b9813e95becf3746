import DropCore
import Glibc
import SystemKit
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

    @Test(arguments: [ReadinessRule.Kind.close, .stable])
    func `delivers a file that is written in place only when it is closed`(kind: ReadinessRule.Kind) {
        let test = Watching(kind)
        let writer = unsafe open(test.home.path("x.csv"), O_WRONLY | O_CLOEXEC | O_CREAT, mode_t(0o644))
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

    @Test func `leaves a file that a rename source's sender wrote in place, until it is renamed`() {
        let test = Watching(.rename)
        #expect(test.waitForMode(.events))
        write("whole", to: test.home.path("x.csv"))
        #expect(test.deliveries.wait { $0.refused.map(\.reason.code) == [.notRenamed] })
        #expect(test.watcher.why(test.home.path("x.csv")).code == "not-renamed")
        test.watcher.rescanNow()
        write("other", to: test.home.path(".y.csv"))
        unsafe rename(test.home.path(".y.csv"), test.home.path("y.csv"))
        #expect(test.deliveries.wait { $0.settled.map(\.name.description) == ["y.csv"] })
        unsafe rename(test.home.path("x.csv"), test.home.path("z.csv"))
        #expect(test.deliveries.wait { $0.settled.map(\.name.description) == ["y.csv", "z.csv"] })
    }

    @Test func `notices within seconds that its folder is away, or was made again`() {
        let test = Watching(.rename)
        #expect(test.waitForMode(.events))
        Scratch.remove(test.home.landing)
        let begun = ContinuousClock.now
        while test.watcher.waiting(limit: 9)?.folders.isEmpty != false, .now - begun < .seconds(20) { usleep(50_000) }
        #expect(test.watcher.waiting(limit: 9)?.folders.first?.reason.code == .folderMissing)
        unsafe mkdir(test.home.landing, 0o755)
        write("1", to: test.home.path(".x.csv"))
        unsafe rename(test.home.path(".x.csv"), test.home.path("x.csv"))
        #expect(test.deliveries.wait { !$0.settled.isEmpty })
        Scratch.remove(test.home.landing)
        unsafe mkdir(test.home.landing, 0o755)
        write("2", to: test.home.path(".y.csv"))
        unsafe rename(test.home.path(".y.csv"), test.home.path("y.csv"))
        #expect(test.deliveries.wait { $0.settled.contains { $0.name.description == "y.csv" } })
        #expect(ContinuousClock.now - begun < .seconds(25), "a scan by the clock found it, no glance")
    }

    @Test func `does not tell of what a sender renamed, or took away with its folder`() {
        let test = Watching(.rename, patterns: ["*.csv"], recursive: true)
        #expect(test.waitForMode(.events))
        write("1", to: test.home.path("a.csv.part"))
        unsafe mkdir(test.home.path("sub"), 0o755)
        write("2", to: test.home.path("sub/b.txt"))
        #expect(test.deliveries.wait { $0.left.contains { $0.name.description == "b.txt" } })
        unsafe rename(test.home.path("a.csv.part"), test.home.path("a.csv"))
        unsafe rename(test.home.path("sub"), test.home.scratch.path + "/away")
        #expect(test.deliveries.wait { $0.settled.count == 1 })
        #expect(test.watcher.waiting(limit: 99)?.files.filter { $0.reason.code != .queued } == [])
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

    @Test func `removes the probe that a killed daemon left`() {
        let home = Home()
        write("", to: home.path(".twindrop-probe-1-1"))
        write("old", to: home.path("old.csv"))
        let test = Watching(.close, home: home)
        #expect(test.deliveries.wait { $0.settled.count == 1 })
        for _ in 0..<2000 where exists(home.path(".twindrop-probe-1-1")) { usleep(5000) }
        #expect(!exists(home.path(".twindrop-probe-1-1")))
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
        test.watcher.noteClaims([(first, .notYet(WaitingReason(.changed, "test")))])
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
        #expect(test.deliveries.wait { $0.settled.count == 1 && $0.refused.count == 5 })
        test.watcher.rescanNow()
        write("fine", to: test.home.path("last.csv"))
        #expect(test.deliveries.wait { $0.settled.count == 2 })
        let codes = test.deliveries.state.with {
            Dictionary(grouping: $0.refused, by: \.name.description).mapValues { $0.map(\.reason.code.rawValue) }
        }
        #expect(
            codes == [
                "link.csv": ["not-a-file"], "fifo.csv": ["not-a-file"], "folder.csv": ["not-a-file"], "big.csv": ["too-big"],
                "readme.txt": ["unmatched-name"],
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
        #expect(test.deliveries.wait { $0.settled.count == 1 && $0.refused.count == 1 })
        #expect(test.deliveries.state.with { $0.settled[0].source.text } == "orders")
        #expect(test.deliveries.state.with { $0.refused[0].name } == FileName("unknown"))
        #expect(test.deliveries.state.with { $0.refused[0].reason.code } == .noRoute)
        // Nobody asked to be asked.
        #expect(test.deliveries.state.with { $0.unrouted } == [])
    }

    @Test func `never delivers a slow writer's file short`() {
        let test = Watching(.close)
        let threads = (0..<12).map { index in
            NamedThread("writer") { [home = test.home] in
                let inPlace = index % 2 == 0
                let path = home.path(inPlace ? "f\(index)" : ".f\(index)")
                let file = unsafe open(path, O_WRONLY | O_CLOEXEC | O_CREAT, mode_t(0o644))
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
