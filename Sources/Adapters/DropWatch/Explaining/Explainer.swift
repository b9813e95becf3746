package import DropCore
import SystemKit
import ThreadKit

/// Why a file in the drop zone was or was not taken.
package struct Explanation: Sendable, Equatable {
    /// The codes for files that wait for nothing.
    package enum Own: String, Sendable, CaseIterable {
        /// It was taken a moment ago.
        case delivered
        /// There is no such file.
        case gone
        /// It is a file of TwinDrop itself.
        case ownName = "own-name"
    }

    /// A code of `WaitingReason`, or one of `Own`.
    package let code: String
    package let source: SourceName?
    /// For people, in order; safe to show.
    package let sentences: [String]
    /// Whether it is complete and will be taken at once by a running daemon.
    package let isReady: Bool
    /// The reason, if it waits for one, and for how long.
    package let reason: WaitingReason?
    package let age: Duration
    package let needsPerson: Bool
}

/// Explains by looking at the files themselves, without a running watcher. It uses the watcher's own code, told to look only, so
/// it says what the watcher would do.
package struct Explainer: Sendable {
    private let sources: [WatchedSource]
    private let dropZone: String?
    private let ownership: FolderOwnership?
    private let truncation: TruncationRule
    private let copying: CopyRoom?
    private let owner: Routing.Owner

    /// - Parameters:
    ///   - ownership: nil: whose the folders are is not asked.
    ///   - truncation: which files are doubted since a power cut.
    ///   - owner: as of `DropWatcher`.
    ///   - copying: where copies go; nil: whether they have room is not asked.
    package init(
        sources: [WatchedSource], dropZone: String?, ownership: FolderOwnership? = nil,
        truncation: TruncationRule = TruncationRule(), copying: CopyRoom? = nil,
        owner: @escaping @Sendable (DropID) -> SourceName? = { _ in nil }
    ) {
        self.sources = sources
        self.dropZone = dropZone
        self.ownership = ownership
        self.truncation = truncation
        self.copying = copying
        self.owner = owner
    }

    /// Explains the file at `path`, absolute. Blocks for a moment.
    ///
    /// - Parameter name: in place of the path's last part, of a file whose name is no text.
    package func why(_ path: String, named name: FileName? = nil) -> Explanation {
        let (folder, last) = Self.split(path)
        return explain(folder: folder, name: name ?? last, knowledge: nil)
    }

    /// The first `limit` files in the landing folders, and the folders that cannot be used. Blocking.
    package func survey(limit: Int) -> DropWatcher.Waiting {
        let loop = looker()
        while !loop.turn(Inbox(), hints: []) {}
        return DropWatcher.Waiting(files: loop.answers.waiting(limit: limit), folders: loop.answers.unusedFolders())
    }

    static func split(_ path: String) -> (FolderPath, FileName) {
        let bytes = Array(path.utf8)
        let slash = bytes.lastIndex(of: UInt8(ascii: "/")) ?? 0
        return (FolderPath(bytes: Array(bytes[..<max(slash, 1)])), FileName(bytes: Array(bytes[min(slash + 1, bytes.count)...])))
    }

    private func looker() -> WatchLoop {
        let loop = WatchLoop(
            sources: sources, dropZone: dropZone, ownership: ownership, timing: WatchTiming(),
            handler: WatchHandler(settled: { _ in }), truncation: truncation, purpose: .looking, owner: owner)
        loop.looks.copying = copying
        return loop
    }

    func explain(folder: FolderPath, name: FileName, knowledge: FileReasons.Knowledge?) -> Explanation {
        let loop = looker()
        guard let place = loop.state.folders.folder(at: folder) else { return notWatched(folder, name) }
        let isThere: Bool
        switch exists(name, in: place) {
        case .success(let there): isThere = there
        case .failure(let error): return say(WaitingReason(.unreadable, "\(name) cannot be looked at: \(error)."), nil, .zero)
        }
        if case .ours = place.routing.answer(for: name) {
            return say(.ownName, nil, "\(name) is a file of TwinDrop itself.")
        }
        guard isThere else {
            if knowledge == .delivered { return say(.delivered, nil, "It was taken a moment ago.", isReady: true) }
            if let reason = place.reason(byNameOf: name) { return say(reason.0, reason.source, .zero) }
            return say(.gone, nil, "There is no file \(name) in \(folder).", "If it was taken, `twindrop drops` lists it.")
        }
        switch knowledge {
        case .delivered: return say(WaitingReason(.queued), nil, .zero)
        case .waiting(let reason, let source, let age): return say(reason, source, age)
        case nil: break
        }
        loop.health.check(place.watchRoot, at: .now)
        if case .unavailable(let error) = place.watchRoot.mode {
            return say(WaitingReason(error), place.watchRoot.sources.first?.name, .zero)
        }
        loop.looks.look(at: name, in: place)
        if case .waiting(let reason, let source, let age)? = loop.answers.knowledge(of: name, in: folder) {
            return say(reason, source, age)
        }
        return say(.gone, nil, "There is no file \(name) in \(folder).", "If it was taken, `twindrop drops` lists it.")
    }

    private func exists(_ name: FileName, in place: WatchedFolder) -> Result<Bool, SystemError> {
        do throws(SystemError) {
            let opened = try place.path.open(below: place.watchRoot.root)
            return .success(try SystemCall.exists(name, in: opened.number))
        } catch {
            // A folder that is missing or that we may not enter: the ownership's refusal says so, if it is known.
            return error.isNowhere || error.kind == .lockedAway
                ? .success(ownership != nil && error.kind == .lockedAway) : .failure(error)
        }
    }

    private func notWatched(_ folder: FolderPath, _ name: FileName) -> Explanation {
        let above = sources.first { folder.components(below: FolderPath($0.folder)) != nil }
        let sentence =
            above.map { "\(folder) is a subfolder of source \($0.name), which does not look into subfolders (recursive: false)." }
            ?? "\(folder) is not the landing folder of any source."
        return say(
            WaitingReason(.notWatched, sentence, hint: "Move \(name) into a source's folder."), above?.name, .zero)
    }

    func say(_ reason: WaitingReason, _ source: SourceName?, _ age: Duration) -> Explanation {
        Explanation(
            code: reason.code.rawValue, source: source, sentences: [reason.message, reason.hint].filter { !$0.isEmpty },
            isReady: reason.code == .ready || reason.code == .queued, reason: reason, age: age,
            needsPerson: reason.needsPerson(after: age))
    }

    private func say(_ own: Explanation.Own, _ source: SourceName?, _ sentences: String..., isReady: Bool = false) -> Explanation
    {
        Explanation(
            code: own.rawValue, source: source, sentences: sentences, isReady: isReady, reason: nil, age: .zero,
            needsPerson: false)
    }
}
