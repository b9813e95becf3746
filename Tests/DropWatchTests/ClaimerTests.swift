import DropCore
import Glibc
import SystemKit
import Testing
import ThreadKit

@testable import DropWatch

@Suite struct `A claim` {
    private let home = Home()
    private var source: WatchedSource { .test(home.landing) }

    @Test func `moves the file into the spool, readable for us only`() throws {
        write("a,b\n", to: home.path("x.csv"))
        let results = try claimer(home, source).claim([(.at(home.path("x.csv"), source: source), dropID(1))], at: 5)
        #expect(results == [.claimed(dropID(1), bytes: 4)])
        #expect(!exists(home.path("x.csv")))
        #expect(content(of: home.spool + "/\(dropID(1))") == "a,b\n")
        #expect(facts(home.spool + "/\(dropID(1))").mode == 0o600)
    }

    @Test func `writes all intents before any file moves`() throws {
        let landing = home.landing
        let register = RegisterFake { _ in #expect(names(in: landing) == ["a", "b", "c"]) }
        for name in ["a", "b", "c"] { write(name, to: home.path(name)) }
        let files = ["a", "b", "c"].enumerated().map { (SettledFile.at(home.path($1), source: source), dropID(UInt64($0))) }
        _ = try claimer(home, source, register).claim(files.map { (file: $0.0, id: $0.1) }, at: 5)
        #expect(register.log == ["intend a b c"])
        #expect(names(in: landing) == [])
        let record = try #require(try register.drop(dropID(1)))
        #expect(record.state == .claimed && record.claimedAt == 5 && record.intake == files[1].0.identity)
    }

    @Test func `of a file that its writer keeps open copies what it holds, once, and leaves it`() throws {
        let path = home.path("x")
        let writer = unsafe open(path, O_WRONLY | O_CLOEXEC | O_CREAT, mode_t(0o644))
        try SystemCall.write(Array("half".utf8), count: 4, to: writer)
        let defect = DropError(SettledFile.stillOpen, "open", hint: "close", remedy: .quarantine)
        let register = RegisterFake()
        let claimer = claimer(home, source, register)
        let file = SettledFile.at(path, source: source, defect: defect)
        #expect(try claimer.claim([(file, dropID(1))], at: 5) == [.claimed(dropID(1), bytes: 4)])
        #expect(try register.drop(dropID(1))?.reason == DropReason(defect))
        #expect(content(of: home.spool + "/\(dropID(1))") == "half" && content(of: path) == "half")
        close(writer)
        guard case .notYet = try claimer.claim([(file, dropID(0))], at: 5)[0] else {
            Issue.record("a closed file is claimed as one that is open")
            return
        }
    }

    @Test func `tells what lies in the spool before it is done`() throws {
        let register = RegisterFake()
        for name in ["a", "b"] { write(name, to: home.path(name)) }
        var told: [[ClaimResult?]] = []
        let files = [
            (SettledFile.at(home.path("a"), source: source), dropID(1)), (.at(home.path("b"), source: source), dropID(2)),
        ]
        let results = try claimer(home, source, register).claim(files, at: 5, whenLeased: { _, _ in }) { moved in
            told.append(moved)
            #expect(register.log == ["intend a b"])
            #expect(names(in: home.spool) == ["\(dropID(1))", "\(dropID(2))"])
        }
        #expect(told == [results])
    }

    @Test func `says nothing of a copy before its original is gone`() throws {
        write("a", to: home.path("a"))
        var told: [[ClaimResult?]] = []
        let results = try claimer(home, source, lease: { _ in .notPermitted })
            .claim([(.at(home.path("a"), source: source), dropID(1))], at: 5, whenLeased: { _, _ in }) { told.append($0) }
        #expect(told == [[nil]])
        #expect(results == [.claimed(dropID(1), bytes: 1)])
    }

    @Test func `says nothing of a file behind a copy where the source keeps an order`() throws {
        for ordered in [true, false] {
            for (index, name) in ["a", "b"].enumerated() {
                write(name, to: home.path("\(name)\(index)"))
            }
            #expect(unsafe link(home.path("a0"), home.scratch.folder("other") + "/a\(ordered)") == 0)  // So it is copied.
            let first: UInt64 = ordered ? 1 : 3
            let files = [
                (SettledFile.at(home.path("a0"), source: source), dropID(first)),
                (SettledFile.at(home.path("b1"), source: source), dropID(first + 1)),
            ]
            var told: [[ClaimResult?]] = []
            let results = try claimer(home, source, ordered: ordered).claim(files, at: 5, whenLeased: { _, _ in }) {
                told.append($0)
            }
            #expect(told == [[nil, ordered ? nil : .claimed(dropID(first + 1), bytes: 1)]])
            #expect(results == files.map { .claimed($0.1, bytes: 1) })
        }
    }

    @Test func `leaves a file that changed after it had settled`() throws {
        write("one", to: home.path("x"))
        let settled = SettledFile.at(home.path("x"), source: source)
        write("two!", to: home.path("x"))
        let register = RegisterFake()
        #expect(
            try claimer(home, source, register).claim([(settled, dropID(1))], at: 0)
                == [.notYet(WaitingReason(.changed, "It changed after it had settled."))])
        #expect(register.log == [])
        #expect(content(of: home.path("x")) == "two!")
    }

    @Test func `leaves a file that a writer has open`() throws {
        write("one", to: home.path("x"))
        let writer = unsafe open(home.path("x"), O_WRONLY | O_CLOEXEC | O_APPEND)
        defer { close(writer) }
        #expect(
            try claimer(home, source).claim([(.at(home.path("x"), source: source), dropID(1))], at: 0)
                == [.notYet(WaitingReason(.writer))])
        #expect(names(in: home.spool) == [])
    }

    @Test func `puts a file back that a writer opened in the meantime`() throws {
        write("one", to: home.path("x"))
        let probes = Monitor(0)
        let register = RegisterFake()
        let claimer = claimer(home, source, register) { _ in
            probes.with {
                $0 += 1; return $0 == 1 ? .granted : .writerHasIt
            }
        }
        #expect(
            try claimer.claim([(.at(home.path("x"), source: source), dropID(1))], at: 0)
                == [.notYet(WaitingReason(.writer, "A program opened it for writing while it was claimed."))])
        #expect(content(of: home.path("x")) == "one")
        #expect(names(in: home.spool) == [])
        #expect(register.log == ["intend x", "withdraw x"])
    }

    @Test func `puts a file back under another name when a newer one has its own`() throws {
        write("one", to: home.path("x"))
        let probes = Monitor(0)
        let path = home.path("x")
        let claimer = claimer(home, source) { _ in
            guard
                probes.with({
                    $0 += 1; return $0 == 2
                })
            else { return .granted }
            write("two", to: path)
            return .writerHasIt
        }
        _ = try claimer.claim([(.at(path, source: source), dropID(1))], at: 0)
        #expect(content(of: path) == "two")
        #expect(content(of: home.path("\(dropID(1)).x")) == "one")
    }

    @Test func `does not take a file that was renamed over the settled one`() throws {
        write("old", to: home.path("x"))
        let settled = SettledFile.at(home.path("x"), source: source)
        let landing = home.landing
        // Between our open and our rename: the intent is written in between.
        let register = RegisterFake { _ in
            write("new", to: landing + "/.y")
            unsafe rename(landing + "/.y", landing + "/x")
        }
        #expect(
            try claimer(home, source, register).claim([(settled, dropID(1))], at: 0)
                == [.notYet(WaitingReason(.changed, "It was replaced while it was claimed."))])
        #expect(content(of: home.path("x")) == "new")
        #expect(register.log.last == "withdraw x")
    }

    @Test func `copies a file that has a second name`() throws {
        write("one", to: home.path("x"))
        let kept = home.scratch.path + "/kept"
        unsafe link(home.path("x"), kept)
        let results = try claimer(home, source).claim([(.at(home.path("x"), source: source), dropID(1))], at: 0)
        #expect(results == [.claimed(dropID(1), bytes: 3)])
        write("changed later", to: kept)
        #expect(content(of: home.spool + "/\(dropID(1))") == "one")
        #expect(names(in: home.landing) == [])
    }

    @Test(.enabled(if: exists("/dev/shm")))
    func `copies from another file system`() throws {
        let other = Scratch(in: "/dev/shm")
        let home = Home(landingIn: other)
        let source = WatchedSource.test(home.landing)
        write("far away", to: home.path("x"))
        let results = try claimer(home, source).claim([(.at(home.path("x"), source: source), dropID(1))], at: 0)
        #expect(results == [.claimed(dropID(1), bytes: 8)])
        #expect(content(of: home.spool + "/\(dropID(1))") == "far away")
        #expect(names(in: home.landing) == [] && names(in: home.spool) == ["\(dropID(1))"])
    }

    @Test func `copies where the lease may not be asked for`() throws {
        write("one", to: home.path("x"))
        let before = facts(home.path("x")).inode
        let results = try claimer(home, source) { _ in .notPermitted }
            .claim([(.at(home.path("x"), source: source), dropID(1))], at: 0)
        #expect(results == [.claimed(dropID(1), bytes: 3)])
        #expect(facts(home.spool + "/\(dropID(1))").inode != before)
        #expect(names(in: home.landing) == [])
    }

    @Test func `takes the marker with the file`() throws {
        write("one", to: home.path("x"))
        write("", to: home.path("x.done"))
        let file = SettledFile.at(home.path("x"), source: source, marker: FileName("x.done"))
        _ = try claimer(home, source).claim([(file, dropID(1))], at: 0)
        #expect(names(in: home.landing) == [])
    }

    @Test func `refuses a file whose bytes are not those its manifest states`() throws {
        write("one", to: home.path("x"))
        let file = SettledFile.at(
            home.path("x"), source: source, marker: FileName("x.done"),
            digest: ContentDigest(bytes: [UInt8](repeating: 0, count: 32)))
        guard case .refused(let error) = try claimer(home, source).claim([(file, dropID(1))], at: 0)[0] else {
            Issue.record("the file was not refused")
            return
        }
        #expect(error.code == .manifestMismatch)
        #expect(exists(home.path("x")))
    }

    @Test func `of a name that became a symbolic link is not made`() throws {
        write("one", to: home.path("x"))
        let file = SettledFile.at(home.path("x"), source: source)
        unsafe unlink(home.path("x"))
        unsafe symlink("/etc/passwd", home.path("x"))
        #expect(
            try claimer(home, source).claim([(file, dropID(1))], at: 0)
                == [.notYet(WaitingReason(.changed, "It was replaced by a symbolic link."))]
        )
    }

    @Test func `does not follow a subfolder that became a symbolic link`() throws {
        let source = WatchedSource.test(home.landing, recursive: true)
        let outside = home.scratch.folder("outside")
        write("secret", to: outside + "/x")
        let there = facts(outside + "/x")
        unsafe symlink(outside, home.path("sub"))
        let file = SettledFile(
            source: source.name, folder: home.path("sub"), name: FileName("x"), bytes: there.bytes, identity: there.identity)
        guard case .notYet = try claimer(home, source).claim([(file, dropID(1))], at: 0)[0] else {
            Issue.record("the link was followed")
            return
        }
        #expect(content(of: outside + "/x") == "secret")
    }

    @Test func `goes on with the other files when one is gone`() throws {
        for name in ["a", "b", "c"] { write(name, to: home.path(name)) }
        let files = ["a", "b", "c"].enumerated().map {
            (file: SettledFile.at(home.path($1), source: source), id: dropID(UInt64($0)))
        }
        unsafe unlink(home.path("b"))
        let results = try claimer(home, source).claim(files, at: 0)
        #expect(
            results == [
                .claimed(dropID(0), bytes: 1), .notYet(WaitingReason(.changed, "It is gone.")), .claimed(dropID(2), bytes: 1),
            ])
    }

    @Test func `takes a full batch, also when one of its files is gone and one is open`() throws {
        for index in 0..<40 { write("order \(index)", to: home.path("f\(index)")) }
        let files = (0..<40).map { (file: SettledFile.at(home.path("f\($0)"), source: source), id: dropID(UInt64($0))) }
        unsafe unlink(home.path("f7"))
        let writer = unsafe open(home.path("f9"), O_WRONLY | O_CLOEXEC)
        defer { close(writer) }
        let results = try claimer(home, source).claim(files, at: 0)
        #expect(results.indices.filter { if case .claimed = results[$0] { false } else { true } } == [7, 9])
        #expect(names(in: home.landing) == ["f9"] && names(in: home.spool).count == 38)
        #expect(content(of: home.spool + "/\(dropID(39))") == "order 39")
    }

    @Test func `keeps a name that is no valid text as it is`() throws {
        let name = FileName(bytes: [0xFF, 0x0A, 0x2D])
        let folder = try SystemCall.openFolder(home.landing)
        _ = try SystemCall.createFile(name, in: folder.number)
        let now = try SystemCall.facts(of: name, in: folder.number)
        let file = SettledFile(source: source.name, folder: home.landing, name: name, bytes: 0, identity: now.identity)
        let register = RegisterFake()
        #expect(try claimer(home, source, register).claim([(file, dropID(1))], at: 0) == [.claimed(dropID(1), bytes: 0)])
        #expect(try register.drop(dropID(1))?.fileName == name)
    }
}

@Suite struct `Recovery of claims` {
    private let home = Home()
    private var source: WatchedSource { .test(home.landing, recursive: true) }

    private func intent(_ id: UInt64, _ name: String, _ identity: FileIdentity) -> DropRecord {
        DropRecord(
            id: dropID(id), source: source.name, fileName: FileName(name), bytes: 3, state: .claimed, claimedAt: 0, changedAt: 0,
            intake: identity)
    }

    private let nowhere = FileIdentity(device: 1, inode: 999_999_999, changeTime: 0)

    @Test func `adopts what reached the spool and sets its mode`() throws {
        write("one", to: home.spool + "/\(dropID(1))")
        let intents = [intent(1, "x", nowhere)]
        #expect(try claimer(home, source).recover(intents) == [.adopted(dropID(1), bytes: 3)])
        #expect(facts(home.spool + "/\(dropID(1))").mode == 0o600)
    }

    @Test func `withdraws what was never moved, also when it was renamed or lies in a subfolder`() throws {
        let sub = home.landing + "/sub"
        unsafe mkdir(sub, 0o755)
        write("one", to: sub + "/renamed")
        let intents = [intent(1, "x", facts(sub + "/renamed").identity)]
        #expect(try claimer(home, source).recover(intents) == [.withdrawn(dropID(1))])
    }

    @Test func `reports what is in neither place`() throws {
        #expect(try claimer(home, source).recover([intent(1, "x", nowhere)]) == [.missing(dropID(1))])
    }

    @Test func `removes unfinished copies`() throws {
        write("half", to: home.spool + "/\(dropID(1)).tmp")
        write("one", to: home.path("x"))
        let intents = [intent(1, "x", facts(home.path("x")).identity)]
        #expect(try claimer(home, source).recover(intents) == [.withdrawn(dropID(1))])
        #expect(names(in: home.spool) == [])
    }

    @Test func `removes the original of a finished copy`() throws {
        write("one", to: home.spool + "/\(dropID(1))")
        write("one", to: home.path(".twindrop-taking-\(dropID(1))"))
        #expect(try claimer(home, source).recover([intent(1, "x", nowhere)]) == [.adopted(dropID(1), bytes: 3)])
        #expect(names(in: home.landing) == [])
    }

    @Test func `gives a set-aside original its name back when there is no copy`() throws {
        write("one", to: home.path(".twindrop-taking-\(dropID(1))"))
        #expect(try claimer(home, source).recover([intent(1, "x", nowhere)]) == [.withdrawn(dropID(1))])
        #expect(names(in: home.landing) == ["x"])
    }

    @Test func `changes nothing the second time`() throws {
        write("one", to: home.spool + "/\(dropID(1))")
        let intents = [intent(1, "x", nowhere)]
        let first = try claimer(home, source).recover(intents)
        #expect(try claimer(home, source).recover(intents) == first)
        #expect(try claimer(home, source).spooled() == [dropID(1)])
    }
}
