import CodecKit
import DropCore

/// Whose a file is, by its name and the folder it lies in. Pure.
///
/// 1. The source whose patterns fit; a source that has a folder to itself and no patterns takes every name.
/// 2. Where several fit, or none does: those that asked for it (`probe: true`) are asked, by their plugins.
/// 3. Else it is nobody's, and stays.
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
        /// Several sources fit, and none may be asked.
        case several([SourceName])
    }

    /// The source of a drop; nil where nobody knows it.
    typealias Owner = @Sendable (DropID) -> SourceName?

    let members: [Member]
    /// In the drop zone's root only patterns count, and files are taken once they are stable.
    let isRoot: Bool
    private let ignoredInRoot: [Glob]
    /// Asked about a drop whose corrected rejects a name says to be of.
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

    /// The rule by which a file that plugins are asked about is complete.
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
                // What vouches for a file of one source is no data of another.
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

    /// Without patterns a source takes everything, where it need not share.
    private func takes(_ name: FileName, _ member: Member) -> Bool {
        if member.names.matchesPattern(name) { return true }
        // Corrected rejects are their source's, whatever its patterns say.
        if members.count == 1, !isRoot, FileName.amendedDrop(in: name) != nil { return true }
        return member.source.patterns.isEmpty && !isRoot && !(member.source.probes && members.count > 1)
    }

    /// Whose corrected rejects a file of this name has, among several whose patterns do not tell: the drop that it names tells.
    private func ownerOfAmended(_ name: FileName) -> Member? {
        guard !isRoot, members.count > 1, let drop = FileName.amendedDrop(in: name), let source = owner(drop) else { return nil }
        return members.first { $0.source.name == source && !isIgnored(name, by: $0) }
    }

    private func isIgnored(_ name: FileName, by member: Member) -> Bool {
        if case .ignored = member.names.answer(for: name) { true } else { false }
    }
}
