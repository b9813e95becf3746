import CodecKit
import DropCore

/// Decides which source a file belongs to, by its name and its folder. Pure.
///
/// 1. The source whose patterns fit; a source that has a folder to itself and no patterns takes every name.
/// 2. If several fit, or none does, the plugins of sources with `probe: true` are asked.
/// 3. Otherwise it belongs to nobody, and stays.
struct Routing: Sendable {
    /// A source that may take files of the folder.
    struct Member: Sendable {
        let source: WatchedSource
        let names: NameRule
        /// How its files are known to be complete here.
        let rule: ReadinessRule

        init(_ source: WatchedSource, rule: ReadinessRule? = nil) {
            self.source = source
            names = NameRule(source)
            self.rule = rule ?? source.readiness
        }
    }

    enum Answer {
        case data(Member)
        /// Vouches for a file of the source.
        case marker(Member)
        /// Their plugins decide.
        case ask([Member])
        /// A name TwinDrop itself uses.
        case ours
        case ignored(pattern: String)
        case unmatched
        /// Several sources fit, and none of their plugins may be asked.
        case several([SourceName])
    }

    /// The source of a drop; nil if nobody knows it.
    typealias Owner = @Sendable (DropID) -> SourceName?

    let members: [Member]
    /// In the drop zone's root only patterns count, and files are taken when they are stable.
    let isRoot: Bool
    private let ignoredInRoot: [Glob]
    /// Asked about the drop that a name of corrected rejects contains.
    private let owner: Owner

    init(members: [WatchedSource], owner: @escaping Owner = { _ in nil }) {
        self.members = members.map { Member($0) }
        self.owner = owner
        isRoot = false
        ignoredInRoot = []
    }

    init(dropZoneOf sources: [WatchedSource]) {
        let rule = ReadinessRule()
        owner = { _ in nil }
        members = sources.map { Member($0, rule: rule) }
        isRoot = true
        ignoredInRoot = rule.ignore.map { Glob($0) }
    }

    /// The rule for files about which plugins are asked.
    static let askedRule = ReadinessRule()

    func answer(for name: FileName) -> Answer {
        if name.bytes.starts(with: NameRule.ownPrefix) { return .ours }
        if isRoot, let pattern = ignoredInRoot.first(where: { $0.matches(name.bytes) }) { return .ignored(pattern: pattern.text) }
        var fitting: [Member] = []
        var ignored: String?
        for member in members {
            switch member.names.answer(for: name) {
            case .ours: return .ours
            case .marker:
                // The marker of one source is not a data file of another.
                if !isRoot { return .marker(member) }
            case .ignored(let pattern): ignored = ignored ?? pattern
            case .unmatched: break
            case .data: if takes(name, member) { fitting.append(member) }
            }
        }
        if fitting.count == 1 { return .data(fitting[0]) }
        if let member = ownerOfAmended(name) { return .data(member) }
        let asked = (fitting.isEmpty ? members : fitting).filter { $0.source.probes && !isIgnored(name, by: $0) }
        if !asked.isEmpty { return .ask(asked) }
        if !fitting.isEmpty { return .several(fitting.map(\.source.name)) }
        return ignored.map { .ignored(pattern: $0) } ?? .unmatched
    }

    /// Without patterns a source takes every file of a folder that it does not share.
    private func takes(_ name: FileName, _ member: Member) -> Bool {
        if member.names.matchesPattern(name) { return true }
        // Corrected rejects belong to their source, whatever its patterns say.
        if members.count == 1, !isRoot, FileName.amendedDrop(in: name) != nil { return true }
        return member.source.patterns.isEmpty && !isRoot && !(member.source.probes && members.count > 1)
    }

    /// The source whose corrected rejects have this name, among several whose patterns do not decide: the drop in the name
    /// decides.
    private func ownerOfAmended(_ name: FileName) -> Member? {
        guard !isRoot, members.count > 1, let drop = FileName.amendedDrop(in: name), let source = owner(drop) else { return nil }
        return members.first { $0.source.name == source && !isIgnored(name, by: $0) }
    }

    private func isIgnored(_ name: FileName, by member: Member) -> Bool {
        if case .ignored = member.names.answer(for: name) { true } else { false }
    }
}
