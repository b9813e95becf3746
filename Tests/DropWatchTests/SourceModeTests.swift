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
