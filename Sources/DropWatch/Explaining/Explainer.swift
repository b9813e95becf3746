package import DropCore
import Glibc
import ThreadKit

/// Why a file in the drop zone was or was not taken.
package struct Explanation: Sendable, Equatable {
    /// A short stable word: `settling`, `marker-missing`, `writer`, `temporary-name`, `unmatched-name`, `not-a-file`, `too-big`,
    /// …
    package let code: String
    package let source: SourceName?
    package let rule: ReadinessRule.Kind?
    /// For people, in order; safe to show.
    package let sentences: [String]
    /// Whether it is complete and will be taken at once by a running daemon.
    package let isReady: Bool
}

/// Explains by looking at the file itself, twice where that is needed; it needs no running watcher.
package struct Explainer: Sendable {
    private let sources: [WatchedSource]
    private let dropZone: String?
    private let truncation: TruncationRule
    /// Between two looks at a file.
    private let pause: Duration

    /// - Parameter truncation: which files are doubted since a power cut.
    package init(
        sources: [WatchedSource], dropZone: String?, truncation: TruncationRule = TruncationRule(),
        pause: Duration = .milliseconds(250)
    ) {
        self.sources = sources
        self.dropZone = dropZone
        self.truncation = truncation
        self.pause = pause
    }

    /// Explains the file at `path`, absolute. Blocks for a moment.
    package func why(_ path: String) -> Explanation {
        let (folder, name) = Self.split(path)
        return explain(folder: folder, name: name, knowledge: nil)
    }

    static func split(_ path: String) -> (FolderPath, FileName) {
        let bytes = Array(path.utf8)
        let slash = bytes.lastIndex(of: UInt8(ascii: "/")) ?? 0
        return (FolderPath(bytes: Array(bytes[..<max(slash, 1)])), FileName(bytes: Array(bytes[min(slash + 1, bytes.count)...])))
    }

    func explain(folder: FolderPath, name: FileName, knowledge: WatchLoop.Knowledge?) -> Explanation {
        let feeds = self.feeds
        guard let feed = feeds.filter({ $0.covers(folder) }).max(by: { $0.root.bytes.count < $1.root.bytes.count }) else {
            return notWatched(folder, name, feeds)
        }
        let place = Place(feed: feed, folder: folder, name: name)
        if let byName = explainName(place) { return byName }
        do {
            let opened = try folder.open(below: feed.root)
            let facts = try SystemCall.facts(of: name, in: opened.number)
            if let error = WatchLoop.refusal(of: name, facts, feed) { return place.refused(error) }
            if case .refused(let error)? = knowledge { return place.refused(error) }
            if case .unrouted? = knowledge { return unrouted(place) }
            return try explain(place, in: opened.number, facts, knowledge)
        } catch {
            return explainFailure(place, error, delivered: knowledge == .delivered)
        }
    }

    private var feeds: [Feed] {
        sources.map { Feed($0, at: .now) } + (dropZone.map { [Feed(dropZone: $0, fileBytesMax: .max, at: .now)] } ?? [])
    }

    private func notWatched(_ folder: FolderPath, _ name: FileName, _ feeds: [Feed]) -> Explanation {
        let above = feeds.first { folder.components(below: $0.root) != nil && $0.source != nil }
        let sentence =
            above.map {
                "\(folder) is a subfolder of source \($0.source!), which does not look into subfolders (recursive: false)."
            }
            ?? "\(folder) is not the landing folder of any source."
        return Explanation(
            code: "not-watched", source: above?.source, rule: nil,
            sentences: [sentence, "Move \(name) into a source's folder."], isReady: false)
    }

    private func explainName(_ place: Place) -> Explanation? {
        switch place.feed.names.answer(for: place.name) {
        case .data: nil
        case .ours: place.say("own-name", "\(place.name) is a file of TwinDrop itself.")
        case .ignored(let pattern):
            place.say(
                "temporary-name", "\(place.name) matches \(pattern), a pattern of temporary names, so it is never taken.",
                "It is taken once its writer renames it.")
        case .unmatched:
            place.say("unmatched-name", "No pattern of \(place.owner) matches \(place.name), so it stays where it is.")
        case .marker:
            place.say("marker", "\(place.name) is a marker: it vouches for a data file and is removed with it.")
        }
    }

    private func explain(
        _ place: Place, in folder: CInt, _ first: FileFacts, _ knowledge: WatchLoop.Knowledge?
    ) throws(SystemCallError) -> Explanation {
        if knowledge == .delivered {
            return place.say("delivered", "It is complete and waits for its turn in the pipeline.", isReady: true)
        }
        if place.feed.source == nil, !sources.contains(where: { NameRule($0).matchesPattern(place.name) }) {
            return unrouted(place)
        }
        if case .settling(let waiting?)? = knowledge { return place.waiting(waiting, at: .now) }
        let file = try SystemCall.openFile(place.name, in: folder)
        if ReadLease.probe(file.number) == .writerHasIt { return place.waiting(.writer(since: .now), at: .now) }
        let vouching = WatchLoop.vouching(
            place.feed.names.markers(for: place.name), in: folder, asked: place.feed.rule.kind == .marker)
        // The file's own times say how long it has been still, by its file system's clock; a second look says whether it is.
        Monitor(()).wait(until: { false }, timeout: pause) { _ in }
        let now = Instant.now
        let second = try SystemCall.facts(of: place.name, in: folder)
        var settling = Settling(rule: place.feed.rule, settle: place.feed.rule.settle, at: now)
        var verdict = settling.look(second, vouching: vouching, at: now)
        if second == first, case .wait(.stable(_, let needed), _) = verdict {
            let age = Duration.nanoseconds(max(0, WallClock.nanoseconds - second.changed))
            verdict =
                age >= needed
                ? .ready
                : .wait(.stable(since: Instant(nanoseconds: now.nanoseconds - age.wholeNanoseconds), needed: needed), until: nil)
        }
        var isVouchedFor = false
        if case .present = vouching { isVouchedFor = true }
        let provesEnd = sources.first { $0.name == place.feed.source }?.readiness.provesEnd ?? false
        switch verdict {
        case .wait(let waiting, _): return place.waiting(waiting, at: now)
        case .ready, .probe:
            guard provesEnd || !truncation.doubts(second.identity, isVouchedFor: isVouchedFor) else {
                let defect = TruncationRule.defect(of: place.name)
                return place.say(defect.code.text, defect.message, "It goes to quarantine. " + defect.hint, isReady: true)
            }
            return place.say(
                "ready",
                "It is complete by the \(place.feed.rule.kind.rawValue) rule of \(place.owner), and nobody has it open for writing.",
                "A running daemon takes it at once; without one it waits.", isReady: true)
        }
    }

    private func unrouted(_ place: Place) -> Explanation {
        place.say(
            "no-route", "\(place.name) lies in the drop zone's root, and no source's patterns match its name.",
            "Move it into a source's folder, or give a source a pattern for it.")
    }

    private func explainFailure(_ place: Place, _ error: SystemCallError, delivered: Bool) -> Explanation {
        switch error.number {
        case ENOENT, ENOTDIR:
            delivered
                ? place.say("delivered", "It was taken a moment ago.", isReady: true)
                : place.say("gone", "There is no file \(place.name) in \(place.folder).", "If it was taken, `drops` lists it.")
        case EACCES, EPERM:
            place.say(
                "permission-denied", "\(place.name) may not be read: \(SystemCallError.text(error.number)).",
                "Let the user TwinDrop runs as read it.")
        default: place.say("unreadable", "\(place.name) cannot be looked at: \(error).")
        }
    }

}

/// The file an explanation is about.
private struct Place {
    let feed: Feed
    let folder: FolderPath
    let name: FileName

    var owner: String { feed.source.map { "source \($0)" } ?? "the drop zone" }

    func say(_ code: String, _ sentences: String..., isReady: Bool = false) -> Explanation {
        Explanation(code: code, source: feed.source, rule: feed.rule.kind, sentences: sentences, isReady: isReady)
    }

    func refused(_ error: DropError) -> Explanation {
        say(error.code.text, Escaping.visible(error.message), error.hint)
    }

    func waiting(_ waiting: Settling.Waiting, at now: Instant) -> Explanation {
        switch waiting {
        case .stable(let since, let needed):
            say("settling", "It has been unchanged for \((now - since).shown) of the \(needed.shown) that \(owner) asks for.")
        case .marker(let names):
            say("marker-missing", "It waits for \(names.map(\.description).joined(separator: " or ")), which is not there.")
        case .manifest(let name, let why): say("manifest", "Its manifest \(name) does not vouch for it: \(why).")
        case .writer(let since):
            say(
                "writer",
                "A program has it open for writing"
                    + ((now - since) > .seconds(1) ? ", for at least \((now - since).shown)." : "."),
                "It is taken when the program closes it; `fuser` names the program.")
        case .claim(let reason): say("claim", "It was complete, but could not be claimed: \(reason). It is tried again.")
        }
    }
}
