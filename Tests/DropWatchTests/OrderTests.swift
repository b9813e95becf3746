import DropCore
import Glibc
import SystemKit
import Testing
import ThreadKit

@testable import DropWatch

/// Whatever a folder lists first, and however many files it has: each source's files are delivered in the order of their change
/// times, and of their names where those are equal.
@Suite(.serialized) struct `Files that lie in the folders when the watcher begins` {
    private static let timing: WatchTiming = {
        var timing = WatchTiming()
        // Where a slow machine answers the probe late, files settle as fast as with events.
        timing.settleWithoutEvents = .milliseconds(80)
        return timing
    }()

    /// Names in an order that is neither that of their times nor that of the alphabet.
    private static func names(_ count: Int) -> [String] { (0..<count).map { "f\(10_000 + $0 * 7919 % count)" } }

    /// Writes the files, a few in each tick of the file system's clock.
    private static func write(_ paths: [String]) {
        for (index, path) in paths.enumerated() {
            DropWatchTests.write("x", to: path)
            if index % 50 == 49 { usleep(5000) }
        }
    }

    /// The names in the order in which the files must come.
    private static func order(_ paths: [String]) -> [String] {
        let files = paths.map { path in (changed: facts(path).changed, name: Explainer.split(path).1) }
        return files.sorted { ($0.changed, $0.name) < ($1.changed, $1.name) }.map(\.name.description)
    }

    /// 1,250 names are more than a scan reads at once, and more than are delivered together.
    @Test(arguments: [ReadinessRule.Kind.close, .stable])
    func `are delivered in their order`(kind: ReadinessRule.Kind) {
        let home = Home()
        let paths = Self.names(1250).map(home.path)
        Self.write(paths)
        let wanted = Self.order(paths)
        let test = Watching(kind, timing: Self.timing, home: home)
        #expect(test.deliveries.wait(120) { $0.settled.count >= 1250 })
        #expect(test.deliveries.settledNames == wanted)
    }

    @Test(arguments: [ReadinessRule.Kind.close, .stable])
    func `are delivered in their order to a receiver that has room for three`(kind: ReadinessRule.Kind) {
        let scratch = Scratch()
        let landing = scratch.folder("landing")
        let paths = Self.names(1250).map { landing + "/" + $0 }
        Self.write(paths)
        let wanted = Self.order(paths)
        let receiver = Receiver(rooms: ["orders": 3])
        let watcher = DropWatcher(
            sources: [.test(landing, kind)], helperPath: helperPath,
            ownership: FolderOwnership(instance: "test", stateFolder: scratch.folder("state")), timing: Self.timing,
            handler: receiver.handler)
        watcher.start()
        defer { watcher.stop() }
        while receiver.claimed < 1250 {
            #expect(receiver.deliveries.wait(60) { $0.settled.count > receiver.claimed })
            guard receiver.claimNext(watcher) > 0 else { break }
        }
        #expect(receiver.deliveries.settledNames == wanted)
    }

    @Test func `are delivered in their order, from all folders of a source`() {
        let home = Home()
        var folders = ["", "a", "a/deep", "b", "c"]
        for folder in folders.dropFirst() { unsafe mkdir(home.path(folder), 0o755) }
        folders = folders.map { $0.isEmpty ? "" : $0 + "/" }
        let paths = Self.names(700).enumerated().map { home.path(folders[$0.offset % 5] + $0.element) }
        Self.write(paths)
        let wanted = Self.order(paths)
        let test = Watching(.close, recursive: true, home: home)
        #expect(test.deliveries.wait(120) { $0.settled.count >= 700 })
        #expect(test.deliveries.settledNames == wanted)
    }

    @Test func `are delivered by name in a source with that order`() {
        let home = Home()
        let paths = Self.names(700).map(home.path)
        Self.write(paths)
        let source = WatchedSource(
            name: SourceName("orders")!, folder: home.landing, patterns: [], readiness: ReadinessRule(), fileBytesMax: 1 << 20,
            recursive: false, byName: true)
        let deliveries = Deliveries()
        let watcher = DropWatcher(
            sources: [source], helperPath: nil,
            ownership: FolderOwnership(instance: "test", stateFolder: home.stateFolder), handler: deliveries.handler)
        let left = watcher.takePresent()
        #expect(left.files.allSatisfy { $0.reason.code == .queued }, "all were handed over, and nobody claims them here")
        #expect(deliveries.settledNames == Self.names(700).sorted())
    }

    @Test func `are delivered in their order where they lie in the drop zone itself`() {
        let home = Home()
        let zone = home.scratch.folder("zone")
        let paths = Self.names(700).map { zone + "/" + $0 }
        Self.write(paths)
        let wanted = Self.order(paths)
        let test = Watching(.close, patterns: ["f*"], rootRouting: true, timing: Self.timing, home: home)
        #expect(test.deliveries.wait(120) { $0.settled.count >= 700 })
        #expect(test.deliveries.settledNames == wanted)
    }

    @Test func `with their markers are delivered in the order of the data, whichever marker is found first`() {
        let home = Home()
        let paths = Self.names(600).map(home.path)
        // Of every other file the marker comes first.
        for (index, path) in paths.enumerated() {
            if index % 2 == 0 { DropWatchTests.write("", to: path + ".done") }
            Self.write([path])
            if index % 2 == 1 { DropWatchTests.write("", to: path + ".done") }
            if index % 50 == 49 { usleep(5000) }
        }
        let wanted = Self.order(paths)
        let test = Watching(.marker, home: home)
        #expect(test.deliveries.wait(120) { $0.settled.count >= 600 })
        #expect(test.deliveries.settledNames == wanted)
    }

    @Test func `when it comes back are delivered in their order`() {
        let test = Watching(.close)
        #expect(test.waitForMode(.events))
        unsafe rename(test.home.landing, test.home.scratch.path + "/away")
        #expect(eventually { test.watcher.waiting(limit: 1)?.folders.isEmpty == false })
        let away = test.home.scratch.path + "/away/"
        let paths = Self.names(700).map { away + $0 }
        Self.write(paths)
        let wanted = Self.order(paths)
        unsafe rename(test.home.scratch.path + "/away", test.home.landing)
        #expect(test.deliveries.wait(120) { $0.settled.count >= 700 })
        #expect(test.deliveries.settledNames == wanted)
    }
}

/// Takes what a watcher delivers, a few files at a time, as the pipeline does.
final class Receiver: Sendable {
    let deliveries = Deliveries()
    private let rooms: Monitor<[String: Int]>
    private let taken = Monitor(0)

    init(rooms: [String: Int]) { self.rooms = Monitor(rooms) }

    var handler: WatchHandler {
        let plain = deliveries.handler
        return WatchHandler(
            settled: { [rooms] files in
                rooms.with { rooms in for file in files { rooms[file.source.text]! -= 1 } }
                plain.settled(files)
            }, left: plain.left, room: { [rooms] source in rooms.with { $0[source.text]! } }, note: plain.note)
    }

    /// How many files were claimed.
    var claimed: Int { taken.with { $0 } }

    /// Claims what was delivered since: the files leave their folders, then there is room again, then the watcher hears of it.
    func claimNext(_ watcher: DropWatcher) -> Int {
        let done = claimed
        let files = deliveries.state.with { Array($0.settled.dropFirst(done)) }
        for file in files { unsafe unlink(file.folder + "/" + file.name.description) }
        rooms.with { rooms in for file in files { rooms[file.source.text]! += 1 } }
        taken.with { $0 += files.count }
        watcher.noteClaims(files.map { ($0, .claimed(dropID(1), bytes: 1)) })
        return files.count
    }
}
