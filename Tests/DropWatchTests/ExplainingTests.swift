import DropCore
import Glibc
import Testing
import ThreadKit

@testable import DropWatch

@Suite(.serialized) struct `Taking what is present` {
    /// Takes what is there, with a pipeline that claims all it is handed.
    private func takePresent(_ test: Watching) -> DropWatcher.Waiting {
        var count = 0
        return test.watcher.takePresent(
            claims: {
                let handed = test.deliveries.state.with { $0.settled }
                let new = handed[count...]
                count = handed.count
                return new.map { ($0, .claimed(dropID(1), bytes: $0.bytes)) }
            }, mayClaim: { true })
    }

    @Test func `takes complete files, waits one settle interval, and leaves the rest with a reason`() throws {
        let test = Watching(.stable, settle: .milliseconds(150), start: false)
        write("x", to: test.home.path("whole"))
        let writer = unsafe open(test.home.path("open"), O_WRONLY | O_CLOEXEC | O_CREAT, mode_t(0o644))
        defer { close(writer) }
        write("x", to: test.home.path("temporary.tmp"))
        let before = Instant.now
        let left = takePresent(test)
        #expect(Instant.now - before < .seconds(2))
        #expect(test.deliveries.settledNames == ["whole"])
        #expect(left.files.map(\.name.description) == ["open"])
        #expect(left.files.first?.reason.code == .writer)
    }

    @Test func `leaves a subfolder whose name is no text, with that reason, and takes the others`() {
        let test = Watching(.close, recursive: true, start: false)
        write("x", to: test.home.path("x"))
        let name = Array((test.home.path("sub") + "-").utf8).map { CChar(bitPattern: $0) } + [CChar(bitPattern: 0xFF), 0]
        #expect(unsafe mkdir(name, 0o755) == 0)
        defer { unsafe rmdir(name) }
        let left = takePresent(test)
        #expect(test.deliveries.settledNames == ["x"])
        #expect(left.files.map(\.name.description) == ["sub-\\xff"])
        #expect(left.files.first?.reason.code == .folderName)
    }

    @Test func `takes a closed file of a close source without waiting`() {
        let test = Watching(.close, settle: .seconds(60), start: false)
        write("x", to: test.home.path("x"))
        #expect(takePresent(test).files == [])
        #expect(test.deliveries.settledNames == ["x"])
    }
}

@Suite struct `A landing folder that may not be taken over` {
    private let home = Home()

    @Test func `is refused where what belongs to it cannot be written`() {
        let ownership = FolderOwnership(instance: "one", stateFolder: home.path("nowhere/state"))
        let error = #expect(throws: DropError.self) { try ownership.take(home.landing) }
        #expect(error?.code == .folderNotPermitted, "\(error?.message ?? "")")
        #expect(error?.remedy == .suspendSource)
    }

    @Test func `is refused where its rights do not allow it`() throws {
        let folder = home.path("closed")
        #expect(unsafe mkdir(folder, 0o700) == 0)
        #expect(unsafe chmod(folder, 0o500) == 0)
        let ownership = FolderOwnership(instance: "one", stateFolder: home.stateFolder)
        // Rights do not bind root.
        guard geteuid() != 0 else {
            _ = try ownership.take(folder)
            return
        }
        let error = #expect(throws: DropError.self) { try ownership.take(folder) }
        #expect(error?.code == .folderNotPermitted, "\(error?.message ?? "")")
    }
}

@Suite(.serialized) struct `Why` {
    private let home = Home()

    private func why(_ name: String, _ source: WatchedSource) -> Explanation {
        Explainer(sources: [source], dropZone: nil).why(home.path(name))
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
        #expect(explanation.sentences[0] == "It waits for x.csv.done or x.done, which is not there.")
    }

    @Test func `says that a writer has it open`() {
        write("x", to: home.path("x"))
        let writer = unsafe open(home.path("x"), O_WRONLY | O_CLOEXEC)
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
