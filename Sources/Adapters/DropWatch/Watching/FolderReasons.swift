import DropCore

extension WatchedFolder {
    /// Why a file of this name is never taken; nil if the name does not prevent it.
    func reason(byNameOf name: FileName) -> (WaitingReason, source: SourceName?)? {
        let names = routing.members.map(\.source.name)
        let only = names.count == 1 && !routing.isRoot ? names[0] : nil
        switch routing.answer(for: name) {
        case .ours, .data, .marker, .ask: return nil
        case .ignored(let pattern):
            let sentence = "\(name) matches \(pattern), a pattern of temporary names, so it is never taken."
            return (WaitingReason(.temporaryName, sentence), only)
        case .several(let sources):
            let all = sources.map(\.text).joined(separator: " and of ")
            return (WaitingReason(.severalRoutes, "\(name) fits the patterns of \(all)."), nil)
        case .unmatched:
            if routing.isRoot {
                let sentence = "\(name) lies in the drop zone itself, and no source's patterns fit its name."
                return (WaitingReason(.noRoute, sentence), nil)
            }
            let owner = only.map { "source \($0)" } ?? "sources " + names.map(\.text).joined(separator: ", ")
            return (WaitingReason(.unmatchedName, "No pattern of \(owner) matches \(name), so it stays where it is."), only)
        }
    }

    func isNamedByPattern(_ name: FileName) -> Bool {
        routing.members.contains { $0.names.matchesPattern(name) }
    }
}
