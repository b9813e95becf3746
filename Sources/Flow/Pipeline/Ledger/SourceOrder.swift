import DropCore

/// What each source has said so far, as far as that decides about its next drop.
struct SourceOrder: Sendable {
    private struct Source {
        /// Drops in the queue of the commit, or in the hands of the committing thread.
        var uncommitted = 0
        /// The last of the names of those.
        var handedName: FileName?
        /// Where the source is ordered by name: the last of the names that were applied.
        var highestName: FileName?
        /// The newest applied drop, so that the common case of the duplicate check asks nobody.
        var newestApplied: DropRecord?
        /// Quarantined drops by name: a delivery of the same name may put them right.
        var quarantined: [FileName: Set<DropID>] = [:]
    }

    private var sources: [SourceName: Source] = [:]

    func newestApplied(of source: SourceName) -> DropRecord? { sources[source]?.newestApplied }

    /// Whether drops of the source wait for their commit: until then nobody can say what it said last.
    func hasUncommitted(_ source: SourceName) -> Bool { (sources[source]?.uncommitted ?? 0) > 0 }

    /// The last of the names that were applied, and of those on their way to the commit.
    func lastNames(of source: SourceName) -> (applied: FileName?, handed: FileName?) {
        (sources[source]?.highestName, hasUncommitted(source) ? sources[source]?.handedName : nil)
    }

    /// At a start, from the register.
    mutating func remember(_ source: SourceName, newestApplied: DropRecord?, highestName: FileName?) {
        sources[source, default: Source()].newestApplied = newestApplied
        sources[source]?.highestName = highestName
    }

    /// The drop goes to the commit.
    mutating func handOver(_ record: DropRecord) {
        sources[record.source, default: Source()].uncommitted += 1
        let known = sources[record.source]?.handedName ?? record.fileName
        sources[record.source]?.handedName = max(record.fileName, known)
    }

    /// The commit has settled a drop of the source, one way or the other.
    mutating func ended(_ source: SourceName) {
        sources[source]?.uncommitted -= 1
        if sources[source]?.uncommitted == 0 { sources[source]?.handedName = nil }
    }

    /// - Parameters:
    ///   - isNewest: false where newer drops of the source were applied before.
    ///   - byName: the source is ordered by name.
    mutating func applied(_ record: DropRecord, isNewest: Bool, byName: Bool) {
        guard record.link?.kind != .amends else { return }
        if isNewest { sources[record.source, default: Source()].newestApplied = record }
        if byName {
            let known = sources[record.source]?.highestName ?? record.fileName
            sources[record.source, default: Source()].highestName = max(record.fileName, known)
        }
    }

    // MARK: - Quarantined drops

    func quarantined(named name: FileName, of source: SourceName) -> Set<DropID> { sources[source]?.quarantined[name] ?? [] }

    mutating func quarantined(_ record: DropRecord) {
        sources[record.source, default: Source()].quarantined[record.fileName, default: []].insert(record.id)
    }

    /// The drop waits for a person no longer.
    mutating func forget(_ record: DropRecord) {
        sources[record.source]?.quarantined[record.fileName]?.remove(record.id)
        if sources[record.source]?.quarantined[record.fileName]?.isEmpty == true {
            sources[record.source]?.quarantined[record.fileName] = nil
        }
    }
}
