import DropCore
import Testing

@testable import DropWatch

@Suite struct `Files that wait for their turn` {
    private static let source = SourceName("orders")!
    private static let other = SourceName("fleet")!

    private static func file(_ name: String, in folder: String = "/landing") -> Inbox.Hint {
        Inbox.Hint(folder: FolderPath(folder), name: FileName(name))
    }

    private static func settled(_ name: String, changed: Int64, of source: SourceName = source) -> SettledFile {
        SettledFile(
            source: source, folder: "/landing", name: FileName(name), bytes: 1,
            identity: FileIdentity(device: 1, inode: 1, changeTime: changed))
    }

    private static func drain(_ ready: inout ReadyFiles, _ owner: SourceName? = source) -> [String] {
        var names: [String] = []
        while let turn = ready.next(of: owner) { names.append(turn.file.name.description) }
        return names
    }

    @Test(arguments: UInt64(0)..<50)
    func `have it by change time and then by name, in whatever order they were found`(seed: UInt64) {
        var random = Numbers(seed: seed)
        var files = (0..<300).map { (name: "f\(1000 + $0)", changed: Int64.random(in: 0..<40, using: &random)) }
        let wanted = files.sorted { ($0.changed, $0.name) < ($1.changed, $1.name) }.map(\.name)
        files.shuffle(using: &random)
        var ready = ReadyFiles()
        for file in files { ready.add(Self.file(file.name), changed: file.changed, of: Self.source) }
        #expect(ready.waiting(of: Self.source) == 300)
        #expect(Self.drain(&ready) == wanted)
        #expect(!ready.isBusy(Self.source) && ready.owners.isEmpty)
    }

    @Test func `have it by name alone in a source with that order`() {
        var ready = ReadyFiles(byName: [Self.source])
        for (name, changed) in [("b", 1), ("c", 2), ("a", 3)] as [(String, Int64)] {
            ready.add(Self.file(name), changed: changed, of: Self.source)
            ready.add(Self.file(name), changed: changed, of: Self.other)
        }
        #expect(Self.drain(&ready) == ["a", "b", "c"])
        #expect(Self.drain(&ready, Self.other) == ["b", "c", "a"])
    }

    @Test func `do not have it while anybody lets their owner pause`() {
        var ready = ReadyFiles()
        ready.pause([Self.source, nil])
        ready.pause([Self.source])
        #expect(ready.isBusy(Self.source) && !ready.isBusy(Self.other))
        ready.add(Self.file("b"), changed: 2, of: Self.source)
        ready.add(Self.file("x"), changed: 2, of: Self.other)
        ready.resume([Self.source, nil])
        #expect(Self.drain(&ready) == [] && Self.drain(&ready, Self.other) == ["x"])
        ready.add(Self.file("a"), changed: 1, of: Self.source)
        ready.resume([Self.source])
        #expect(Self.drain(&ready) == ["a", "b"])
    }

    @Test func `have it only as far as there is room, counted with the batch`() {
        var ready = ReadyFiles(room: { $0 == Self.source ? 2 : 100 })
        for changed in Int64(0)..<5 { ready.add(Self.file("\(changed)"), changed: changed, of: Self.source) }
        var taken: [String] = []
        for round in 0..<2 {
            while let turn = ready.next(of: Self.source) {
                taken.append(turn.file.name.description)
                ready.append(Self.settled(turn.file.name.description, changed: turn.changed))
                ready.append(Self.settled("x", changed: 0, of: Self.other))
            }
            #expect(ready.count == 4, "round \(round)")
            #expect(ready.takeBatch().count == 4 && ready.takeBatch().isEmpty)
        }
        #expect(taken == ["0", "1", "2", "3"] && ready.waiting(of: Self.source) == 1)
    }

    @Test func `leave in one batch in their order`() {
        var ready = ReadyFiles(byName: [Self.other])
        for (name, changed) in [("b", 5), ("a", 5), ("c", 1)] as [(String, Int64)] {
            ready.append(Self.settled(name, changed: changed))
            ready.append(Self.settled(name, changed: changed, of: Self.other))
        }
        let batch = ready.takeBatch()
        #expect(batch.filter { $0.source == Self.source }.map(\.name.description) == ["c", "a", "b"])
        #expect(batch.filter { $0.source == Self.other }.map(\.name.description) == ["a", "b", "c"])
    }

    @Test func `of the same time and name are told apart by their folders`() {
        var ready = ReadyFiles()
        for folder in ["/l/b", "/l/a", "/l/c"] { ready.add(Self.file("x", in: folder), changed: 1, of: Self.source) }
        var folders: [String] = []
        while let turn = ready.next(of: Self.source) { folders.append(turn.file.folder.description) }
        #expect(folders == ["/l/a", "/l/b", "/l/c"])
    }

    /// Of what the watcher keeps of each file, this is the largest part: a million files must stay possible.
    @Test func `take little memory each`() {
        #expect(MemoryLayout<ReadyFiles.Turn>.stride <= 64)
        #expect(MemoryLayout<WatchedFolder.Entry>.stride <= 160)
    }
}

/// Random numbers of a seed.
struct Numbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407 }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ (state >> 33)) &* 0xFF51_AFD7_ED55_8CCD
    }
}
