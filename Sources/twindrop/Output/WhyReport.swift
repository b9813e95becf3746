import HomeConfiguration
import DropCore
import DropSpooling
import DropWatch
import TwinModel
import TwinStore

/// Why a file was or was not picked up: what the register knows of it, and what the watcher sees.
struct WhyReport {
    private let home: Home
    private let register: any DropRegister
    private let explain: (String) -> DropWatch.Explanation

    init(_ home: Home) throws(CommandFailure) {
        self.home = home
        register = try home.openGraph(withModels: false)
        let explainer = Explainer(
            sources: home.configuration.sources.map(\.watched), dropZone: home.paths.dropzone,
            truncation: HomeLock.truncation(state: home.paths.state))
        explain = { explainer.why($0) }
    }

    init(_ home: Home, watcher: DropWatcher, register: any DropRegister) {
        self.home = home
        self.register = register
        explain = { watcher.why($0) }
    }

    /// Sentences for people, and a code.
    func answer(_ path: String) -> JSON {
        let seen = explain(path)
        var sentences = seen.sentences
        var members: [JSON.Member] = [.init("file", .string(Escaping.visible(path))), .init("code", .string(seen.code))]
        if let source = seen.source { members.append(.init("source", .string(source.text))) }
        if let drop = earlierDrop(path, seen.source) {
            let reason = drop.reason.map { ": \($0.message)" } ?? ""
            sentences.append(
                "A file of this name was claimed at \(Times.shown(drop.claimedAt)) as drop \(drop.id), which is \(drop.state.rawValue)\(reason)"
            )
            members.append(.init("drop", .string(drop.id.description)))
            members.append(.init("state", .string(drop.state.rawValue)))
        }
        members.append(.init("sentences", .array(sentences.map { .string($0) })))
        return .object(members)
    }

    /// The newest drop whose file had this name.
    private func earlierDrop(_ path: String, _ source: SourceName?) -> DropRecord? {
        let name = FileName(path.split(separator: "/").last.map(String.init) ?? path)
        // A register that cannot be read takes nothing from what the watcher sees; `doctor` reports it.
        let found = (try? register.find(String(decoding: name.bytes, as: UTF8.self), limit: 20)) ?? []
        return found.first { $0.fileName == name && (source == nil || $0.source == source) }
    }
}
