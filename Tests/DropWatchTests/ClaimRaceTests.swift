import DropCore
import Glibc
import SystemKit
import Testing
import ThreadKit

@testable import DropWatch

/// What senders do to a file in the moments of its claim (docs/decisions/0047-nobody-writes-unseen.md).
@Suite struct `A file that is used while it is claimed` {
    private let home = Home()
    private var source: WatchedSource { .test(home.landing) }

    /// Runs `body` at the given question for a lease, before the answer.
    private func lease(
        at number: Int, answer: @escaping @Sendable (CInt) -> ReadLease.Answer = ReadLease.probe,
        _ body: @escaping @Sendable () -> Void
    ) -> @Sendable (CInt) -> ReadLease.Answer {
        let asked = Monitor(0)
        return { descriptor in
            let isNow = asked.with { asked in
                asked += 1
                return asked == number
            }
            if isNow { body() }
            return answer(descriptor)
        }
    }

    /// With a second name, so that it is copied.
    private func writeLinked(_ name: String, _ text: String) {
        write(text, to: home.path(name))
        unsafe link(home.path(name), home.scratch.folder("kept") + "/" + name)
    }

    private func settled(_ name: String) -> SettledFile { .at(home.path(name), source: source) }

    /// Catches that the original of a copy goes while somebody has it open: what he writes then is nowhere.
    @Test func `stays when a program opened it after it was copied`() throws {
        writeLinked("x", "one")
        let writer = Monitor<CInt>(-1)
        let path = home.path("x")
        // The first question is asked when the file is opened, the second when its copy is durable.
        let asked = lease(at: 2) { writer.with { $0 = unsafe open(path, O_WRONLY | O_APPEND | O_CLOEXEC) } }
        let results = try claimer(home, source, lease: asked).claim([(settled("x"), dropID(1))], at: 0)
        #expect(results == [.notYet(WaitingReason(.writer, "A program opened it for writing while it was claimed."))])
        let descriptor = writer.with { $0 }
        try SystemCall.write(Array(" more".utf8), count: 5, to: descriptor)
        close(descriptor)
        #expect(content(of: path) == "one more")
        #expect(names(in: home.spool) == [] && names(in: home.landing) == ["x"])
    }

    /// Catches that only the size before the rename is compared, and that a newer file of that name is replaced.
    @Test(arguments: [false, true])
    func `gets its name back when it is written to under the name of ours`(isReplaced: Bool) throws {
        for name in ["x", "y"] { write("one", to: home.path(name)) }
        let path = home.path("x")
        let writer = unsafe open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        defer { close(writer) }
        // Two questions when they are opened, one before x gets a name of ours, and this one after it.
        let asked = lease(at: 4, answer: { _ in .notPermitted }) {
            try? SystemCall.write(Array(" more".utf8), count: 5, to: writer)
            if isReplaced { write("new", to: path) }
        }
        let results = try claimer(home, source, lease: asked)
            .claim([(settled("x"), dropID(1)), (settled("y"), dropID(2))], at: 0)
        guard case .notYet(let reason) = results[0] else {
            Issue.record("it was claimed: \(results)")
            return
        }
        #expect(reason.code == .changed && results[1] == .claimed(dropID(2), bytes: 3))
        #expect(content(of: path) == (isReplaced ? "new" : "one more"))
        #expect(reason.message.contains("\(dropID(1)).x") == isReplaced)
        if isReplaced { #expect(content(of: home.path("\(dropID(1)).x")) == "one more") }
        #expect(names(in: home.spool) == ["\(dropID(2))"])
    }

    /// Catches that the copy counts as well as the file under its new name.
    @Test func `is not claimed when its sender gives it another name`() throws {
        writeLinked("x", "one")
        let (from, to) = (home.path("x"), home.path("y"))
        let results = try claimer(home, source, lease: lease(at: 2) { unsafe rename(from, to) })
            .claim([(settled("x"), dropID(1))], at: 0)
        guard case .notYet = results[0] else {
            Issue.record("it was claimed: \(results)")
            return
        }
        #expect(names(in: home.spool) == [] && names(in: home.landing) == ["y"])
    }

    /// Catches a file that overtakes one before it, whose claim by copy came to nothing at its end.
    @Test(arguments: [false, true]) func `keeps those behind it where they are in an ordered source`(isCopied: Bool) throws {
        writeLinked("a", "one")
        if isCopied { writeLinked("b", "two") } else { write("two", to: home.path("b")) }
        let path = home.path("a")
        let writer = Monitor<CInt>(-1)
        // a and b when they are opened, b when it was renamed, a when its copy is durable.
        let asked = lease(at: isCopied ? 3 : 4) { writer.with { $0 = unsafe open(path, O_WRONLY | O_CLOEXEC) } }
        defer { close(writer.with { $0 }) }
        let results = try claimer(home, source, ordered: true, lease: asked)
            .claim([(settled("a"), dropID(1)), (settled("b"), dropID(2))], at: 0)
        #expect(results.last == .behind, "\(results)")
        #expect(names(in: home.landing) == ["a", "b"] && names(in: home.spool) == [])
        #expect(content(of: home.path("b")) == "two")
    }

    /// Catches a way into the spool for whoever has the second name.
    @Test func `goes back when it gets a second name, and is copied the next time`() throws {
        write("one", to: home.path("x"))
        let (path, kept) = (home.path("x"), home.scratch.folder("kept") + "/x")
        let register = RegisterFake { _ in unsafe link(path, kept) }
        let results = try claimer(home, source, register).claim([(settled("x"), dropID(1))], at: 0)
        #expect(results == [.notYet(WaitingReason(.changed, "It was given a second name while it was claimed."))])
        #expect(names(in: home.landing) == ["x"] && names(in: home.spool) == [])
        #expect(
            try claimer(home, source).claim([(settled("x"), dropID(2))], at: 0) == [.claimed(dropID(2), bytes: 3)])
        write("changed later", to: kept)
        #expect(content(of: home.spool + "/\(dropID(2))") == "one")
    }

    private func intent(_ name: String) -> DropRecord {
        DropRecord(
            id: dropID(1), source: source.name, fileName: FileName(name), bytes: 3, state: .claimed, claimedAt: 0, changedAt: 0,
            intake: FileIdentity(device: 1, inode: 999_999_999, changeTime: 0))
    }

    /// Catches a file with a name of ours that nobody looks at any more.
    @Test(arguments: ["more", "two"]) func `is a drop of its own when a crash came before it was looked at`(now: String) throws {
        write("one", to: home.spool + "/\(dropID(1))")
        write(now, to: home.path(FileClaim.asidePrefix + "\(dropID(1))"))
        #expect(try claimer(home, source).recover([intent("x")]) == [.adopted(dropID(1), bytes: 3)])
        #expect(names(in: home.landing) == ["x"] && content(of: home.path("x")) == now)
        #expect(content(of: home.spool + "/\(dropID(1))") == "one")
    }

    @Test func `is copied by a start when it lies in the spool under two names`() throws {
        let spooled = home.spool + "/\(dropID(1))"
        write("one", to: spooled)
        let kept = home.scratch.folder("kept") + "/x"
        unsafe link(spooled, kept)
        #expect(try claimer(home, source).recover([intent("x")]) == [.adopted(dropID(1), bytes: 3)])
        write("changed later", to: kept)
        #expect(content(of: spooled) == "one" && facts(spooled).mode == 0o600)
        #expect(names(in: home.spool) == ["\(dropID(1))"])
    }
}

/// Claims against a sender who appends, renames, replaces and links, from seeds.
@Suite(.serialized) struct `What a sender writes during claims` {
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    /// One round: a file, and some acts on it at random moments. The lines that must be somewhere then; those of a file that the
    /// sender replaced may be gone, by his own act.
    private static func send(_ round: Int, _ random: inout Seeded, _ home: Home, _ kept: String) -> [String] {
        var written = ["\(round).0"]
        var path = home.path("f\(round)")
        write("\(round).0\n", to: path)
        for act in 1...Int.random(in: 1...4, using: &random) {
            usleep(UInt32.random(in: 0...1500, using: &random))
            switch Int.random(in: 0...9, using: &random) {
            case 0...4:
                let file = unsafe open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
                guard file >= 0 else { continue }  // It was taken.
                usleep(UInt32.random(in: 0...1000, using: &random))
                let line = Array("\(round).\(act)\n".utf8)
                if (try? SystemCall.write(line, count: line.count, to: file)) != nil { written.append("\(round).\(act)") }
                close(file)
            case 5...6:
                let renamed = home.path("f\(round)-\(act)")
                if unsafe rename(path, renamed) == 0 { path = renamed }
            case 7:
                let other = home.path(".f\(round)")
                write("\(round).\(act)\n", to: other)
                written = ["\(round).\(act)"]
                unsafe rename(other, path)
            default: unsafe link(path, kept + "/\(round)-\(act)")
            }
        }
        return written
    }

    /// The lines of all files of a folder.
    private func lines(in folder: String) -> [String] {
        names(in: folder).flatMap { name in
            (content(of: folder + "/" + name) ?? "").split(separator: "\n").map(String.init)
        }
    }

    /// Claims what lies there, as often as something does, until the sender has ended.
    private func claimAll(_ home: Home, _ source: WatchedSource, until hasEnded: () -> Bool) throws {
        let claimer = claimer(home, source)
        var next: UInt64 = 1
        while true {
            let isLast = hasEnded()
            var files: [(file: SettledFile, id: DropID)] = []
            let folder = try SystemCall.openFolder(home.landing)
            for name in names(in: home.landing) where !name.hasPrefix(".") {
                guard let now = try? SystemCall.facts(of: FileName(name), in: folder.number) else { continue }
                let file = SettledFile(
                    source: source.name, folder: home.landing, name: FileName(name), bytes: now.bytes, identity: now.identity)
                files.append((file, dropID(next)))
                next += 1
            }
            if !files.isEmpty { _ = try claimer.claim(files, at: 0) } else if isLast { return }
        }
    }

    /// Catches lines that are nowhere (a writer that nobody saw), and lines that are taken twice.
    @Test(.enabled(if: exists("/dev/shm")), arguments: [true, false])
    func `is taken or lies there, and nothing of it twice`(isOnOtherFileSystem: Bool) throws {
        let seed = UInt64.random(in: 0..<UInt64.max)
        let other = Scratch(in: isOnOtherFileSystem ? "/dev/shm" : "/tmp")
        let home = Home(landingIn: other)
        let source = WatchedSource.test(home.landing)
        // On the file system of the landing folder: else there are no second names.
        let kept = other.folder("kept")
        write("", to: home.path(".probe"))
        let probe = unsafe open(home.path(".probe"), O_RDONLY | O_CLOEXEC)
        let hasLeases = ReadLease.probe(probe) == .granted
        close(probe)
        unsafe unlink(home.path(".probe"))
        guard hasLeases else { return }  // Without leases a slow writer is lost (decision 0047).
        let sent = Monitor<[String]?>(nil)
        let sender = NamedThread("sender") {
            var random = Seeded(state: seed)
            let all = (0..<200).flatMap { Self.send($0, &random, home, kept) }
            sent.with { $0 = all }
        }
        try claimAll(home, source) { sent.with { $0 != nil } }
        sender.join()
        let taken = Dictionary(
            (lines(in: home.spool) + lines(in: home.landing)).map { ($0, 1) }, uniquingKeysWith: +)
        let linked = Set(lines(in: kept))
        for line in sent.with({ $0! }) {
            #expect(taken[line] != nil || linked.contains(line), "line \(line) is nowhere; seed \(seed)")
        }
        #expect(taken.filter { $0.value > 1 }.isEmpty, "taken twice; seed \(seed)")
    }
}

/// A claim asks whose the folder is (docs/decisions/0047-nobody-writes-unseen.md).
@Suite struct `A claim in a folder that was given away` {
    private let home = Home()

    private func ownership(_ instance: String) -> FolderOwnership {
        FolderOwnership(instance: instance, stateFolder: home.scratch.folder("state-" + instance))
    }

    /// Catches an instance that goes on taking files until its next scan.
    @Test func `is refused at once, and made again when the folder is ours again`() throws {
        let (ours, theirs) = (ownership("a"), ownership("b"))
        let source = WatchedSource.test(home.landing)
        let claimer = ClaimSteps(
            claimer: Claimer(spoolFolder: home.spool, sources: [source], ownership: ours), register: RegisterFake())
        try ours.take(home.landing)
        for name in ["1", "2", "3"] { write("x", to: home.path(name)) }
        let settled = { (name: String) in SettledFile.at(home.path(name), source: source) }
        #expect(try claimer.claim([(settled("1"), dropID(1))], at: 0) == [.claimed(dropID(1), bytes: 1)])
        _ = try theirs.adopt(home.landing)
        guard case .notYet(let reason) = try claimer.claim([(settled("2"), dropID(2))], at: 0)[0] else {
            Issue.record("it was claimed")
            return
        }
        #expect(reason.code == .folderOwned && exists(home.path("2")))
        _ = try ours.adopt(home.landing)
        #expect(try claimer.claim([(settled("3"), dropID(3))], at: 0) == [.claimed(dropID(3), bytes: 1)])
    }

    /// Catches an adoption that takes a folder from an instance that serves it, without a word.
    @Test func `is seen while its owner lives`() throws {
        let theirs = ownership("b")
        do {
            let ours = ownership("a")
            try ours.take(home.landing)
            #expect(try ours.refusalInUse(home.landing, for: nil) == nil, "it is its own")
            let refusal = try theirs.refusalInUse(home.landing, for: "orders")
            #expect(refusal?.code == .folderOwned)
            #expect(refusal?.hint.contains("`twindrop source adopt orders --while-in-use`") == true)
            withExtendedLifetime(ours) {}
        }
        #expect(try theirs.refusalInUse(home.landing, for: nil) == nil, "its owner is gone")
    }
}
