import CodecKit
import HomeConfiguration
package import DropCore
package import DropWatch
import SystemKit
package import TwinModel
import TwinStore

/// Why a file was or was not picked up: what the register knows of it, and what the watcher sees.
package struct WhyReport {
    private let home: Home
    private let register: any DropRegister
    private let waiting: WaitingReport
    private let explain: (String, FileName?) -> DropWatch.Explanation
    private let silence: [String]

    /// - Parameter silence: why a daemon that runs cannot be asked.
    package init(_ home: Home, silence: [String] = []) throws(CommandFailure) {
        self.silence = silence
        self.home = home
        let store = try home.openGraph(withModels: false)
        register = store.register
        (waiting, explain) = try reporting { () throws(DropError) in
            let explainer = try WaitingReport.explainer(home, store)
            return (try WaitingReport.atRest(home, store), { explainer.why($0, named: $1) })
        }
    }

    package init(_ home: Home, watcher: DropWatcher, register: any DropRegister, waiting: WaitingReport) {
        self.home = home
        self.register = register
        self.waiting = waiting
        explain = { watcher.why($0, named: $1) }
        silence = []
    }

    /// Sentences for people, and a code.
    ///
    /// - Parameter shown: the name of the file where the path has it only as it is shown, because it is no text.
    package func answer(_ path: String, shown: FileName? = nil) -> JSON {
        let seen = explain(path, shown)
        let name = shown ?? Self.name(in: path)
        var source = seen.source
        var said: (code: String, sentences: [String], needsPerson: Bool) = (seen.code, seen.sentences, seen.needsPerson)
        var age = seen.age
        if let file = known(path, name), file.reason.code.rawValue != seen.code,
            seen.code != DropWatch.Explanation.Own.gone.rawValue
        {
            // The report knows what a look at the file cannot: that its source is not served, or the disk is full.
            source = file.source
            said = (file.reason.code.rawValue, [file.reason.message, file.reason.hint], file.needsPerson)
            age = file.age
        }
        if said.code == WaitingReason.Code.notWatched.rawValue,
            let new = WaitingReport.newSource(of: Escaping.visible(Self.folder(of: path)), home)
        {
            source = new.source
            said = (said.code, [new.reason.message, new.reason.hint], true)
        }
        let isNobodys = [DropWatch.Explanation.Own.gone.rawValue, WaitingReason.Code.notWatched.rawValue].contains(said.code)
        if isNobodys, FileCalls.isFolder(path) {
            let owner = home.configuration.sources.first { $0.watched.folder == path }
            let whose = owner.map { ", in which files of source \($0.name) land" } ?? ""
            let sentences = ["\(Escaping.visible(path)) is a folder\(whose), not a file.", "Name a file in it."]
            (source, age) = (owner?.name ?? source, .zero)
            said = (WaitingReason.Code.notAFile.rawValue, sentences, false)
        }
        // That no daemon runs would not be true.
        if !silence.isEmpty, said.code == WaitingReason.Code.ready.rawValue { said = (said.code, silence, true) }
        let isTaken =
            [DropWatch.Explanation.Own.gone, .delivered].map(\.rawValue).contains(said.code) || Self.isMissing(path, shown)
        let drop = earlierDrop(path, name, source, isTaken: isTaken)
        // What lies there is another file than one that was taken, of the same name.
        let isItself = isTaken || drop.map { isBeingTaken(path, shown, as: $0) } ?? false
        if let drop, [DropWatch.Explanation.Own.gone, .delivered].map(\.rawValue).contains(said.code),
            let waits = waiting.drop(drop.id)
        {
            let needsPerson = waits.reason.code != .ready && waits.needsPerson
            said = (waits.reason.code.rawValue, [waits.reason.message, waits.reason.hint], needsPerson)
            age = .seconds(waits.seconds)
        }
        var members: [JSON.Member] = [.init("file", .string(Self.text(of: path, shown))), .init("code", .string(said.code))]
        if let source { members.append(.init("source", .string(source.text))) }
        if let drop {
            let reason = drop.hasOpenReason ? drop.reason.map { ": \($0.message)" } ?? "" : ""
            let isGone = said.code == DropWatch.Explanation.Own.gone.rawValue
            // Where it may be is known now.
            if isGone { said.sentences = Array(said.sentences.prefix(1)) }
            let end = "\(drop.state.rawValue)\(reason)"
            said.sentences.append(
                "\(isItself ? "A" : "An earlier") file of this name was claimed at \(Times.shown(drop.claimedAt)) as drop \(drop.id), "
                    + "which is \(end)\(end.hasSuffix(".") ? "" : ".")")
            members.append(.init(isItself ? "drop" : "earlierDrop", .string(drop.id.description)))
            members.append(.init(isItself ? "state" : "earlierState", .string(drop.state.rawValue)))
        }
        members.append(.init("seconds", .int(age.components.seconds)))
        members.append(.init("needsPerson", .bool(said.needsPerson)))
        members.append(.init("sentences", .array(said.sentences.filter { !$0.isEmpty }.map { .string($0) })))
        return .object(members)
    }

    /// The sentences of an answer for whoever has named its drop already.
    package static func sentences(besidesDrop answer: JSON) -> [String] {
        let sentences = (answer["sentences"]?.elements ?? []).compactMap(\.string)
        guard let drop = answer["drop"]?.string else { return sentences }
        return sentences.filter { !$0.contains(" was claimed at ") || !$0.contains(" as drop \(drop), ") }
    }

    /// What is said of the file everywhere else.
    private func known(_ path: String, _ name: FileName) -> WaitingFile? {
        guard let slash = path.lastIndex(of: "/") else { return nil }
        let folder = Escaping.visible(String(path[..<slash]))
        return waiting.files.first { $0.name == name && $0.folder == folder }
    }

    /// The newest drop whose file had this name.
    ///
    /// - Parameter isTaken: false where a file lies there: whose it is nobody knows, but drops of other folders are not meant.
    private func earlierDrop(_ path: String, _ name: FileName, _ source: SourceName?, isTaken: Bool) -> DropRecord? {
        // A register that cannot be read takes nothing from what the watcher sees; `doctor` reports it.
        let found = (try? register.drops(named: name, limit: 20)) ?? []
        return found.first { drop in
            guard drop.fileName == name else { return false }
            if let source { return drop.source == source }
            guard !isTaken, let folder = home.configuration.source(drop.source)?.watched.folder else { return isTaken }
            return path.hasPrefix(folder + "/")
        }
    }

    /// Whether the file at `path` is the one that the drop is of: a copy is made first, and the file removed then.
    private func isBeingTaken(_ path: String, _ shown: FileName?, as drop: DropRecord) -> Bool {
        let inode = shown.map { FileCalls.facts(of: $0.bytes, in: Self.folder(of: path))?.inode } ?? FileCalls.inode(path)
        return [.claimed, .registered].contains(drop.state) && inode == drop.intake.inode
    }

    // MARK: Names

    /// Whether it is certain that no such file is there.
    package static func isMissing(_ path: String, _ shown: FileName?) -> Bool {
        guard let shown else { return FileCalls.isMissing(path) }
        return FileCalls.facts(of: shown.bytes, in: folder(of: path)) == nil
    }

    private static func folder(of path: String) -> String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." }

    private static func name(in path: String) -> FileName {
        FileName(path.split(separator: "/").last.map(String.init) ?? path)
    }

    private static func text(of path: String, _ shown: FileName?) -> String {
        shown.map { Escaping.visible(folder(of: path)) + "/" + $0.description } ?? Escaping.visible(path)
    }
}
