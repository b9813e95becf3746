import Testing

/// Each rule must find a planted defect, and leave what only looks like one.
@Suite struct `A rule` {
    private func file(_ path: String, _ text: String) -> SourceFile { SourceFile(path: path, text: text) }

    @Test(arguments: [
        ("Sources/Core/TwinModel/A.swift", "import DropCore"), ("Sources/Core/DropCore/A.swift", "package import Foundation"),
        ("Sources/Kits/ThreadKit/A.swift", "import FoundationEssentials"),
        ("Sources/Adapters/DropWatch/A.swift", "internal import TwinStore"),
        ("Sources/Flow/Pipeline/A.swift", "@testable import struct PluginHost.Worker"),
        ("Plugins/x/Sources/A.swift", "import DropCore"),
        ("Sources/Adapters/Unheard/A.swift", ""), ("Sources/Cellar/A.swift", ""),
        ("Sources/Surface/Daemon/A.swift", "import ArgumentParser"), ("Sources/Surface/Daemon/A.swift", "import twindrop"),
        ("Sources/Surface/HomeReports/A.swift", "import Daemon"), ("Sources/Surface/TwinAPI/A.swift", "import Daemon"),
        ("Sources/PluginSide/TwinDropPluginSDK/A.swift", "public import DropCore"),
    ])
    func `finds imports against the direction`(path: String, text: String) {
        #expect(Rules.dependencyDirection(file(path, text)).count == 1)
    }

    @Test(arguments: [
        ("Sources/Core/DropCore/A.swift", "package import TwinModel\nimport Synchronization"),
        ("Sources/Surface/twindrop/A.swift", "import TwinStore"),
        ("Sources/Core/TwinModel/A.swift", "// import DropCore\nlet text = \"import DropCore\""),
        ("Tests/XTests/A.swift", "import Foundation"),
    ])
    func `leaves imports in the direction`(path: String, text: String) {
        #expect(Rules.dependencyDirection(file(path, text)) == [])
    }

    @Test func `finds what the daemon shows commands`() {
        func found(_ text: String, in folder: String = "Daemon") -> Int {
            Rules.daemonShowsLittle(file("Sources/Surface/\(folder)/A.swift", text)).count
        }
        #expect(found("package final class Watchfulness: Sendable {") == 1)
        #expect(found("package func counted() {") == 1)
        #expect(found("package final class Engine: Sendable {") == 0)
        #expect(found("struct Assembly {\n    package struct Parts {}") == 0)
        #expect(found("package import DropCore") == 0)
        #expect(found("package struct Lateness {", in: "HomeReports") == 0)
    }

    @Test func `finds pointers outside the kits`() {
        #expect(
            Rules.pointersStayInKits(file("Sources/Adapters/TwinStore/A.swift", "import CArchive\nlet a = unsafe b")).count == 2)
        #expect(
            Rules.pointersStayInKits(file("Sources/Adapters/TwinStore/A.swift", "let unsafety = 1 // unsafe\nimport Crypto"))
                == [])
        #expect(
            Rules.pointersStayInKits(file("Sources/Adapters/TwinStore/Engine/Raw/A.swift", "import GRDBSQLite\nunsafe f()")) == []
        )
    }

    @Test func `finds system calls outside their kit`() {
        #expect(Rules.systemCallsStayInKit(file("Sources/Adapters/DropWatch/A.swift", "import Glibc")).map(\.line) == [1])
        #expect(Rules.systemCallsStayInKit(file("Plugins/x/Sources/A.swift", "import Musl")).count == 1)
        #expect(Rules.systemCallsStayInKit(file("Sources/Kits/SystemKit/A.swift", "import Glibc")) == [])
        #expect(Rules.systemCallsStayInKit(file("Sources/Kits/ThreadKit/A.swift", "import Glibc")) == [])
        #expect(Rules.systemCallsStayInKit(file("Sources/Adapters/DropWatch/A.swift", "// import Glibc")) == [])
        #expect(Rules.systemCallsStayInKit(file("Tests/XTests/A.swift", "import Glibc")) == [])
    }

    @Test func `finds places that no longer need the C library`() {
        let files = Rules.glibc.keys.map { place in
            file(place.hasSuffix("/") ? place + "A.swift" : place, place.contains("Scan") ? "import Crypto" : "import Glibc")
        }
        #expect(Rules.needlessGlibc(files) == ["Sources/PluginSide/TwinDropPluginSDK/Delimited/DelimitedReader+Scan.swift"])
    }

    @Test func `finds codes that are compared with texts`() {
        func found(_ line: String) -> Int { Rules.noComparedCodes(file("Sources/Adapters/TwinStore/A.swift", line)).count }
        #expect(found("if error.code == \"locked\" { return }") == 1)
        #expect(found("guard error?.code != \"disk-full\" else { return }") == 1)
        #expect(found("if error.code == .locked { return }") == 0)
        #expect(found("// if error.code == \"locked\"") == 0)
        #expect(found("if error.code == \"SqlQueryError\" { return }") == 0)
    }

    @Test func `finds libinotifytools elsewhere`() {
        let line = "#include <inotifytools/inotifytools.h>"
        #expect(Rules.inotifytoolsStaysApart(file("Sources/PluginSide/twindrop-worker/main.c", line)).count == 1)
        #expect(Rules.inotifytoolsStaysApart(file("Sources/Adapters/twindrop-watch/main.c", line)) == [])
    }

    @Test func `finds states of drops that are changed elsewhere`() {
        #expect(Rules.statesChangeInOnePlace(file("Sources/Flow/Pipeline/A.swift", "row.state = .done")).count == 1)
        #expect(Rules.statesChangeInOnePlace(file("Sources/Flow/Pipeline/A.swift", "row.state == .done")) == [])
        #expect(Rules.statesChangeInOnePlace(file(Rules.rowsOfDrops, "row.state = .done")) == [])
    }

    @Test func `finds a type that is large over its extensions, or hides its state in itself`() {
        let folder = "Sources/Adapters/TwinStore/Apply/"
        func fields(_ count: Int) -> String { (0..<count).map { "    var field\($0) = 0\n" }.joined() }
        func found(_ texts: String...) -> Int {
            Rules.largeTypes(texts.enumerated().map { file(folder + "\($0.offset).swift", $0.element) }).count
        }
        #expect(found("struct A {\n" + fields(12) + "}") == 0)
        #expect(found("struct A {\n" + fields(13) + "}") == 1)
        #expect(found("final class A {\n" + fields(8) + "}", "extension A {\n" + fields(8) + "}") == 1)
        #expect(
            found(
                "struct A {\n" + fields(12)
                    + "    static let no = 1\n    var sum: Int { 1 }\n    var all: Int {\n        1\n    }\n}") == 0)
        let inner = "    private struct State {\n" + fields(8).replacing("    var", with: "        var") + "    }\n"
        #expect(found("struct A {\n    private var state = State()\n" + fields(6) + inner + "}") == 1)
        #expect(found("struct A {\n    private var states: [State] = []\n" + fields(6) + inner + "}") == 0)
        let long = "    func a() {\n" + String(repeating: "        b()\n", count: 200) + "    }\n"
        #expect(found("struct A {\n" + long + "}", "struct B {\n" + long + "}") == 0)
        #expect(found("struct A {\n" + long + "}", "extension A {\n" + long + "}") == 1)
        #expect(Rules.largeTypes([file("Sources/Core/DropCore/A.swift", "struct A {\n" + fields(20) + "}")]) == [])
    }

    @Test func `finds SQL beside the folder that has it`() {
        let query = "Sources/Adapters/TwinStore/Query/Plan.swift"
        #expect(Rules.sqlStaysInEngine(file(query, "import GRDB\nlet row = try RawStatement(text, database)")).count == 2)
        #expect(Rules.sqlStaysInEngine(file(query, "try database.execute(sql: text)")).count == 1)
        #expect(Rules.sqlStaysInEngine(file(query, "let cursor: EntityCursor // not RawStatement")) == [])
        #expect(Rules.sqlStaysInEngine(file("Sources/Adapters/TwinStore/Engine/A.swift", "import GRDB")) == [])
    }

    @Test func `finds a folder that uses another against the direction`() {
        let target = "Sources/Adapters/TwinStore/"
        func found(_ path: String, _ text: String) -> Int {
            let others = [
                file(target + "Engine/Files.swift", "final class Files {}\nprivate struct Hidden {}"),
                file(target + "Apply/Deep/Change.swift", "package struct Change {}"),
                file(target + "Query/Plan.swift", "indirect enum Plan {}"),
            ]
            return Rules.folderDirection(others + [file(target + path, text)]).count
        }
        #expect(found("Engine/A.swift", "let change: Change") == 1)
        #expect(found("Apply/A.swift", "let plan: Plan\nlet other: [Plan]") == 2)
        #expect(found("Service/A.swift", "let plan: Plan") == 1)
        #expect(found("Service/A.swift", "let change: Change; let files: Files") == 0)
        #expect(found("Register/A.swift", "struct Hidden {} // of Change") == 0)
        #expect(found("Store.swift", "let change: Change; let plan: Plan") == 0)
        #expect(found("Cellar/A.swift", "") == 1)
    }

    @Test func `finds files and lines that are too long`() {
        #expect(Rules.fileLength(file("Sources/A/A.swift", String(repeating: "\n", count: 601))).count == 1)
        #expect(Rules.fileLength(file("Sources/A/A.swift", String(repeating: "\n", count: 600))) == [])
        #expect(Rules.lineLength(file("Sources/A/A.c", String(repeating: "x", count: 131))).map(\.line) == [1])
        #expect(Rules.lineLength(file("Sources/A/A.c", String(repeating: "ü", count: 130))) == [])
        #expect(Rules.lineLength(file("Sources/A/A.swift", "let a = \"" + String(repeating: "x", count: 131) + "\"")) == [])
    }

    @Test(arguments: [
        ("A.swift", "struct A {\n    func f(a: B) throws -> C {\n", "    }\n}"),
        ("A.swift", "extension A {\n    init?(a: B) {\n", "    }\n}"),
        ("A.c", "static int f(int a,\n             int b)\n{\n", "}"), ("A.c", "int f(void) {\n    if (a) {\n    }\n", "}"),
    ])
    func `finds functions that are too long`(name: String, before: String, after: String) {
        let body = String(repeating: "        a += \"}\" // }\n", count: 80)
        #expect(Rules.functionLength(file("Sources/A/\(name)", before + body + after)).count == 1)
        #expect(Rules.functionLength(file("Sources/A/\(name)", before + body.prefix(body.count / 2) + after)) == [])
    }

    @Test func `counts each function by itself`() {
        let text = "struct A {\n    func f() {\n        func g() {\n        }\n    }\n    var a: Int { 1 }\n    func h() { }\n}"
        let functions = Rules.functions(file("Sources/A/A.swift", text))
        #expect(functions.map(\.name) == ["g", "f", "h"])
        #expect(functions.map(\.lines) == [3...4, 2...5, 7...7])
    }

    @Test func `finds promises`() {
        #expect(Rules.noPromises(file("docs/a.md", "a\nTODO: b\n FIXME")).map(\.line) == [2, 3])
        #expect(Rules.noPromises(file("Sources/A/A.swift", "// XXX: later")).count == 1)
        #expect(Rules.noPromises(file("docs/a.md", "TODOS mastodon HH:mmXXX")) == [])
    }

    @Test func `finds loose tasks`() {
        #expect(Rules.noLooseTasks(file("Sources/A/A.swift", "Task { f() }")).count == 1)
        #expect(Rules.noLooseTasks(file("Sources/A/A.swift", "// Awaited by stop().\nTask(priority: .low) { f() }")) == [])
        #expect(Rules.noLooseTasks(file("Sources/A/A.swift", "// Never awaited.\nTask.detached { f() }")).count == 1)
        #expect(Rules.noLooseTasks(file("Sources/A/A.swift", "let t = Task.isCancelled; group.addTask { }")) == [])
    }

    @Test func `finds programs started with Foundation`() {
        #expect(Rules.noFoundationProcess(file("Tests/A/A.swift", "let process = Process()")).count == 1)
        #expect(Rules.noFoundationProcess(file("Tests/A/A.swift", "let helper = HelperProcess()")) == [])
    }

    @Test func `finds unchecked promises without their reason`() {
        #expect(Rules.uncheckedIsExplained(file("Sources/A/A.swift", "class A: @unchecked Sendable {")).count == 1)
        #expect(
            Rules.uncheckedIsExplained(file("Sources/A/A.swift", "/// Guarded by `lock`.\nclass A: @unchecked Sendable {")) == [])
        #expect(Rules.uncheckedIsExplained(file("Sources/A/A.swift", "\n\n\nnonisolated(unsafe) var a = 1")).count == 1)
    }

    @Test func `finds folders of one machine`() {
        #expect(Rules.noMachinePaths(file("docs/a.md", "see /root/x and /home/me")).count == 2)
        #expect(Rules.noMachinePaths(file("Package.resolved", "\"location\" : \"https://mirror.example/x\"")).count == 1)
        #expect(Rules.noMachinePaths(file("Package.resolved", "\"location\" : \"https://github.com/apple/x\"")) == [])
        #expect(Rules.noMachinePaths(file("docs/a.md", "workflow/homes: /srv/exports")) == [])
    }

    @Test func `finds names that say nothing`() {
        #expect(Rules.plainNames(file("Sources/A/StringUtils.swift", "")).count == 1)
        #expect(Rules.plainNames(file("Sources/Common/A.swift", "final class DropManager {}")).count == 2)
        #expect(Rules.plainNames(file("Sources/A/HelperProcess.swift", "struct HelperProcess {}")) == [])
    }

    @Test func `finds types without a sentence`() {
        #expect(Rules.typesAreDocumented(file("Sources/A/A.swift", "package struct A {}")).count == 1)
        #expect(Rules.typesAreDocumented(file("Sources/A/A.swift", "/// What it is.\n@safe\npackage final class A {}")) == [])
    }

    @Test func `finds links that lead nowhere`() {
        let document = file("docs/a/b.md", "[x](../c.md#part) [y](https://example.com) [z](d.md) [w](#here)")
        #expect(Rules.linksLead(document) { $0 == "docs/c.md" }.map(\.message) == ["the link d.md leads nowhere."])
    }

    @Test func `finds citations that lead nowhere`() {
        let text = "/// See docs/a.md, \"One\" and\n/// \"Two\n/// words\" (docs/b.md). Not x/docs/c.md, docs/d or docs/a.md."
        let findings = Rules.citationsLead(file("Sources/A/A.swift", text + "\nlet page = \"docs/e.md\"")) { page in
            page == "docs/a.md" ? ["One", "words"] : nil
        }
        #expect(findings.map(\.line) == [1, 3])
        #expect(findings.map(\.message) == ["there is no \"Two words\" in docs/a.md.", "there is no docs/b.md."])
    }

    @Test func `finds decisions that are not there`() {
        let text = "/// As decision 0001 says (decisions 0001, 0002 and 0003; docs/decisions/0004-x.md). A decision 2026."
        let findings = Rules.decisionsExist(file("Sources/A/A.swift", text), known: ["0001", "0003"])
        #expect(findings.map(\.message) == ["there is no decision 0002.", "there is no decision 0004."])
    }

    @Test func `finds the headings of a page`() {
        let page = file("docs/a.md", "# A page\n#no\n```sh\n# a remark\n```\n### Folders: `paths`")
        #expect(Rules.headings(page) == ["A page", "Folders: `paths`"])
    }

    @Test(arguments: [
        "// failure-model: section 6", "/// Failure model, section 15.", "Failure-model section 13", "(adt-api §1.7)",
        "dtdl-rules §5", "as hazards 6 and 111 say", "Hazard 11", "(design: section 8)", "Design §11 says", "style.md, section 1",
    ])
    func `finds citations of documents that are not here`(line: String) {
        #expect(Rules.noLostCitations(file("Sources/A/A.swift", line)).count == 1)
        #expect(Rules.noLostCitations(file("Tests/TidyTests/A.swift", line)) == [])
    }

    @Test(arguments: [
        "(docs/failure-model.md, \"Life cycle\")", "docs/dtdl-rules.md", "no hazard at all", "The design of a failure model",
    ])
    func `leaves citations of pages`(line: String) {
        #expect(Rules.noLostCitations(file("Sources/A/A.swift", line)) == [])
    }

    @Test func `finds commands that do not exist`() {
        let document = file(
            "README.md", "Type `make demo`, `make tset` or `twindrop showw X`.\n    $ twindrop --home . verify\n    twindrop fly")
        let findings = Rules.commandsExist(document, makeTargets: ["demo", "test"])
        #expect(
            findings.map(\.message) == ["there is no make tset.", "there is no twindrop showw.", "there is no twindrop fly."])
    }

    @Test func `sees through comments and literals`() {
        let first = ##"let a = "x // \(f("}")) y" /* { */ + #"{"# // {"##
        let masked = file("Sources/A/A.swift", first + "\n} let b = \"\"\"\n  { \" {\n  \"\"\"")
        #expect(masked.code.joined().filter { "{}".contains($0) } == "}")
        #expect(masked.comments[0].contains("// {"))
    }
}
