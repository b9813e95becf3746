import ArgumentParser
import CodecKit
import Daemon
import HomeConfiguration
import DropCore
import DropWatch
import Foundation
import HomeReports
import SystemKit
import TwinModel
import TwinStore

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows what runs, what waits, and what needs a person.",
        discussion: "Example:\n  twindrop status")

    @OptionGroup var home: HomeOptions

    mutating func run() throws {
        // Whatever was written into the files since, a running daemon knows how it stands.
        let opened = try home.open()
        var silence: [String] = []
        let facts: JSON
        switch ControlClient.look(opened, ["do": "status"]) {
        case .answer(let told): facts = told
        case .none: facts = try StatusReport.atRest(opened)
        case .silent(let why):
            silence = why
            facts = try StatusReport.atRest(opened).adding("silent", .string(why.joined(separator: " ")))
        }
        if home.json { Terminal.print(facts) } else { StatusReport.print(facts) }
        if !silence.isEmpty { throw CommandFailure(.negative, lines: silence) }
    }
}

struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Says why a file in the drop zone was or was not picked up.",
        discussion: """
            A bare name is looked for in the folders of the sources, and among the drops; an id is that of a drop. What neither is
            nor was there ends with 64.

            Examples:
              twindrop why dropzone/assets/assets.csv
              twindrop why assets.csv
            """)

    @OptionGroup var home: HomeOptions
    @Argument(
        help: "A file in the drop zone, or one that was there: its path, its name, or the id of its drop.", completion: .file())
    var file: String

    mutating func run() throws {
        let opened = try home.open()
        let (path, shown) = try place(opened)
        var request: [JSON.Member] = [.init("do", .string("why")), .init("file", .string(path))]
        if let shown { request.append(.init("shown", .string(shown.description))) }
        let answer: JSON
        switch ControlClient.look(opened, .object(request)) {
        case .answer(let told): answer = told
        case .none:
            answer = try WhyReport(opened).answer(path, shown: shown)
                .adding("changed", StatusReport.cannotStart(opened).map { .string($0) })
        case .silent(let why):
            answer = try WhyReport(opened, silence: why).answer(path, shown: shown)
                .adding("changed", StatusReport.doubt(opened).map { .string($0) })
        }
        let sentences = (answer["sentences"]?.elements ?? []).compactMap(\.string)
        let code = answer["code"]?.string ?? ""
        if home.json { Terminal.print(answer) }
        // Neither is it there nor was it: an answer as if it were would hide that the name is mistyped.
        let own = DropWatch.Explanation.Own(rawValue: code)
        let isGone = own == .gone || own != .delivered && WhyReport.isMissing(path, shown)
        let changed = answer["changed"]?.string
        guard !isGone || answer["drop"] != nil else {
            throw CommandFailure(.usage, lines: sentences + (changed.map { [$0] } ?? []))
        }
        if home.json { return }
        let seconds = answer["seconds"]?.int ?? 0
        let age = seconds > 0 ? ", for \(Age.text(seconds))" : ""
        for (index, sentence) in sentences.enumerated() { Terminal.print(index == 0 ? "\(sentence) [\(code)\(age)]" : sentence) }
        if let changed { Terminal.print(changed) }
        for folder in namesakes(of: path, opened) {
            Terminal.print(
                "Another file of this name lies in \(Escaping.visible(folder)): `twindrop why PATH` is about one of them.")
        }
    }

    /// Other folders of sources in which a file has the same bare name.
    private func namesakes(of path: String, _ opened: Home) -> [String] {
        guard !file.contains("/") else { return [] }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let folders = Self.folders(opened, beside: System.parent(of: path), isNameAlone: true, name: Array(name.utf8))
        let others = Set(folders.filter { FileCalls.isTaken($0 + "/" + file) }).subtracting([System.parent(of: path)])
        return others.sorted()
    }

    /// Where the name is looked for. A bare one is in a folder of a source, as `twindrop.yaml` has it; if none has it, as the
    /// daemon has it, which may have started with other folders.
    private static func folders(_ opened: Home, beside here: String, isNameAlone: Bool, name: [UInt8]) -> [String] {
        guard isNameAlone else { return [here] }
        let configuration = opened.configuration
        let theirs = configuration.sources.map(\.watched.folder) + configuration.broken.compactMap { $0.watched?.folder }
        let folders = [here, opened.paths.dropzone] + theirs
        guard !folders.contains(where: { FileCalls.facts(of: name, in: $0) != nil }),
            case .answer(let told) = ControlClient.look(opened, ["do": "folders"])
        else { return folders }
        return folders + (told.elements ?? []).compactMap(\.string)
    }

    /// The file that is meant: its path, and its name where that is no text, or the word is how it is shown. A bare name that
    /// lies in no folder of a source is that of a drop.
    private func place(_ opened: Home) throws(CommandFailure) -> (path: String, shown: FileName?) {
        let path = URL(fileURLWithPath: file).standardizedFileURL.path
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let other = FileName(escaped: name).flatMap { $0 == FileName(name) ? nil : $0 }
        let here = System.parent(of: path)
        let folders = Self.folders(opened, beside: here, isNameAlone: !file.contains("/"), name: other?.bytes ?? Array(name.utf8))
        let written = folders.first { FileCalls.isTaken($0 + "/" + name) }
        let shown = other.flatMap { other in folders.first { FileCalls.facts(of: other.bytes, in: $0) != nil } }
        if let written, shown != nil {
            throw CommandFailure(
                .usage, "\(Escaping.visible(written))/\(name) is the name of a file, and another's name is shown so.",
                "Rename one of them, then ask again.")
        }
        if let written { return (written == here ? path : written + "/" + name, nil) }
        if let shown { return (shown + "/" + name, other) }
        if file.contains("/") {
            // Neither is there: of one that was taken the drop has the name.
            guard other != nil, let store = try? opened.openGraph(withModels: false) else { return (path, nil) }
            let isWritten = (try? store.register.drops(named: FileName(name), limit: 1))?.isEmpty == false
            return (path, isWritten ? nil : other)
        }
        let store = try opened.openGraph(withModels: false)
        guard let record = try? opened.drop(file, in: store) else {
            if let forgotten = opened.forgottenDrop(file) { throw forgotten }
            throw CommandFailure(
                .usage, "There is no file \(Escaping.visible(file)) in a folder of a source, and no drop of that name.",
                "`twindrop drops` lists the drops. Of a file that lies elsewhere, give the path.")
        }
        guard let source = opened.configuration.source(record.source) else {
            return (path, other)  // What is said of it there names it as it was given.
        }
        let text = String(validating: record.fileName.bytes, as: UTF8.self)
        return (source.watched.folder + "/" + (text ?? record.fileName.description), text == nil ? record.fileName : nil)
    }
}
