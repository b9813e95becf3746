import Foundation
import Testing

@Suite struct `The source tree` {
    static let files = Repository.files

    private func findings(_ rule: (SourceFile) -> [Finding]) -> [Finding] { Self.files.flatMap(rule) }

    @Test func `is found, and is this repository`() {
        #expect(Self.files.contains { $0.path == "Package.swift" })
        #expect(Self.files.count { $0.isSwift } > 20)
    }

    @Test func `depends in one direction only`() { #expect(findings(Rules.dependencyDirection) == []) }

    @Test func `depends in one direction only, inside a target, too`() {
        #expect(Rules.folderDirection(Self.files) == [])
        #expect(Rules.needlessFolderExceptions(Self.files) == [])
    }

    @Test func `asks the database in one folder only`() { #expect(findings(Rules.sqlStaysInEngine) == []) }

    @Test func `touches pointers in kits only`() { #expect(findings(Rules.pointersStayInKits) == []) }

    @Test func `calls the system in one kit only`() {
        #expect(findings(Rules.systemCallsStayInKit) == [])
        #expect(Rules.needlessGlibc(Self.files) == [])
    }

    @Test func `uses libinotifytools in one program only`() { #expect(findings(Rules.inotifytoolsStaysApart) == []) }

    @Test func `has files of at most 600 lines`() {
        let long = Self.files.filter { ($0.isSwift || $0.isC) && $0.lines.count > Rules.fileLinesAim }
            .sorted { $0.lines.count > $1.lines.count }.map { "\($0.lines.count) \($0.path)" }
        if !long.isEmpty { print("Over \(Rules.fileLinesAim) lines, to be looked at:\n  " + long.joined(separator: "\n  ")) }
        #expect(findings(Rules.fileLength) == [])
    }

    @Test func `has small types in the store and the flow`() { #expect(Rules.largeTypes(Self.files) == []) }

    @Test func `has functions of at most 80 lines`() { #expect(findings(Rules.functionLength) == []) }

    @Test func `has lines of at most 130 characters`() { #expect(findings(Rules.lineLength) == []) }

    @Test func `shows commands little of the daemon`() { #expect(findings(Rules.daemonShowsLittle) == []) }

    @Test func `changes the state of a drop in one place`() { #expect(findings(Rules.statesChangeInOnePlace) == []) }

    @Test func `promises nothing in remarks`() { #expect(findings(Rules.noPromises) == []) }

    @Test func `starts no task that nobody awaits`() { #expect(findings(Rules.noLooseTasks) == []) }

    @Test func `starts no program with Foundation`() { #expect(findings(Rules.noFoundationProcess) == []) }

    @Test func `compares no code of an error with a text`() { #expect(findings(Rules.noComparedCodes) == []) }

    @Test func `explains what the compiler does not check`() { #expect(findings(Rules.uncheckedIsExplained) == []) }

    @Test func `names no folder of one machine`() { #expect(findings(Rules.noMachinePaths) == []) }

    @Test func `names files and types after what they are`() { #expect(findings(Rules.plainNames) == []) }

    @Test func `says of every type that others see what it is`() { #expect(findings(Rules.typesAreDocumented) == []) }

    @Test func `has documents whose links lead somewhere`() {
        #expect(findings { Rules.linksLead($0, exists: Repository.exists) } == [])
    }

    @Test func `cites pages and headings that are there`() {
        let pages = Self.files.filter { $0.path.hasSuffix(".md") }.map { ($0.path, Rules.headings($0)) }
        let headings = Dictionary(pages) { first, _ in first }
        #expect(headings["docs/failure-model.md"]?.contains("Life cycle") == true)
        #expect(findings { file in Rules.citationsLead(file) { page in headings[page] } } == [])
    }

    @Test func `cites decisions that are there`() {
        let folder = "docs/decisions/"
        let pages = Self.files.filter { $0.path.hasPrefix(folder) }
        let known = Set(pages.map { String($0.path.dropFirst(folder.count).prefix(4)) })
        #expect(known.contains("0001"))
        #expect(findings { file in Rules.decisionsExist(file, known: known) } == [])
    }

    @Test func `cites nothing that is not in the repository`() { #expect(findings(Rules.noLostCitations) == []) }

    @Test func `has documents that show commands which exist`() throws {
        let makefile = try #require(Self.files.first { $0.path == "Makefile" })
        let targets = Rules.makeTargets(makefile)
        #expect(targets.isSuperset(of: ["build", "test", "demo", "install"]))
        #expect(findings { Rules.commandsExist($0, makeTargets: targets) } == [])
    }
}
