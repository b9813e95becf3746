import DropCore
import Glibc
import Testing
import ThreadKit

@testable import DropWatch

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

    /// The source would be said to ask for ten seconds, and nobody would look for what is wrong with the events.
    @Test func `is said to be polling of a file that has to be still for longer than its source asks for`() throws {
        var timing = WatchTiming()
        timing.settleWithoutEvents = .seconds(600)
        timing.rescanPolled = .milliseconds(50)
        let test = Watching(.stable, events: false, timing: timing)
        #expect(test.waitForMode(.polling("the watcher program does not run")))
        write("x", to: test.home.path("x"))
        #expect(test.deliveries.wait { $0.left.contains { $0.reason.code == .settling } })
        let reason = try #require(test.watcher.waiting(limit: 9)?.files.first?.reason)
        #expect(reason.message.contains("Its folder is polled (the watcher"), "\(reason)")
        #expect(reason.hint.contains("80 ms are enough"), "\(reason)")
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

    private func ownership(_ instance: String, inHome: Bool = false) -> FolderOwnership {
        FolderOwnership(
            instance: instance, stateFolder: home.stateFolder, homeFolder: inHome ? home.scratch.path : nil)
    }

    private func code(_ body: () throws -> Void) -> String? {
        do { try body() } catch { return (error as? DropError)?.code.text }
        return nil
    }

    @Test func `is found again by the same instance`() throws {
        try ownership("a").take(home.landing)
        try ownership("a").take(home.landing)
        #expect(content(of: home.path(".twindrop-owner")) == "a\n")
    }

    @Test func `is refused to another instance, unless a person says so`() throws {
        let theirs = FolderOwnership(instance: "a", stateFolder: home.scratch.folder("other-state"))
        try theirs.take(home.landing)
        #expect(code { try ownership("b").take(home.landing) } == "folder-owned")
        #expect(ownership("b").refusal(of: home.landing)?.code == .folderOwned)
        #expect(try ownership("b").adopt(home.landing) == .over("a"))
        #expect(content(of: home.path(".twindrop-owner")) == "b\n")
        #expect(code { try theirs.take(home.landing) } == "folder-owned")
    }

    @Test func `is taken up again where the owner file is gone and no file system can be away`() throws {
        try ownership("a").take(home.landing)
        unsafe unlink(home.path(".twindrop-owner"))
        #expect(try ownership("a").take(home.landing) == .again)
        #expect(content(of: home.path(".twindrop-owner")) == "a\n")
    }

    @Test(arguments: ["\"LANDING\"", "{\"folder\":\"LANDING\",\"owner\":\"a\",\"mount\":\"other\"}"])
    func `is refused where the owner file is gone and a file system may be away, until a person says so`(record: String) throws {
        // What an earlier version wrote tells no mount.
        let text = record.replacing("LANDING", with: home.landing)
        write("[\(text)]\n", to: home.stateFolder + "/landing-folders.json")
        #expect(code { try ownership("a").take(home.landing) } == "folder-unmounted")
        #expect(!exists(home.path(".twindrop-owner")))
        #expect(try ownership("a").adopt(home.landing) == .again)
        #expect(try ownership("a").take(home.landing) == .wasOurs)
    }

    @Test func `is taken over from the same home's former database, and from no other home's`() throws {
        try ownership("old").take(home.landing)
        #expect(code { try ownership("new").take(home.landing) } == "folder-owned")
        #expect(try ownership("new", inHome: true).take(home.landing) == .over("old"))
        write("stranger\n", to: home.path(".twindrop-owner"))
        #expect(code { try ownership("new", inHome: true).take(home.landing) } == "folder-owned")
    }

    @Test func `is written down at the next start where a kill came before that`() {
        write("test-instance\n", to: home.path(".twindrop-owner"))
        let test = Watching(.close, home: home)
        #expect(test.waitForMode(.events))
        #expect(content(of: home.stateFolder + "/landing-folders.json")?.contains(home.landing) == true)
    }

    @Test(arguments: [("none", nil), ("lost", "folder-unmounted"), ("foreign", "folder-owned")] as [(String, String?)])
    func `is looked at without a trace`(kind: String, code: String?) {
        if kind == "lost" { write("[\"\(home.landing)\"]\n", to: home.stateFolder + "/landing-folders.json") }
        if kind == "foreign" { write("b\n", to: home.path(".twindrop-owner")) }
        let before = names(in: home.landing) + [content(of: home.stateFolder + "/landing-folders.json") ?? ""]
        let refusal = ownership("a").refusal(of: home.landing, for: "orders")
        #expect(refusal?.code.text == code)
        if let refusal { #expect(refusal.hint.contains("`twindrop source adopt orders`")) }
        #expect(before == names(in: home.landing) + [content(of: home.stateFolder + "/landing-folders.json") ?? ""])
    }

    @Test func `is refused where there is no folder`() throws {
        #expect { try ownership("a").take(home.path("none")) } throws: { ($0 as? DropError)?.code == .folderMissing }
    }
}
