package import DropCore
import HomeConfiguration
package import TwinModel

/// Everything that was delivered and is not being processed, and why: the one answer behind `status`, `doctor`, `why`, `show`,
/// `drop --wait`, `run --once`, `/readyz`, `/metrics` and the log (docs/decisions/0031).
package struct WaitingReport: Sendable {
    /// A source, or a landing folder, that does not go on.
    package struct Unserved: Sendable {
        /// Nil for the drop zone itself.
        package let source: String?
        package let reason: WaitingReason
        package let seconds: Int64
    }

    /// A claimed drop that does not go on.
    package struct Drop: Sendable {
        package let record: DropRecord
        package let reason: WaitingReason
        package let seconds: Int64
    }

    /// Files of one source that wait for the same reason.
    package struct Group: Sendable {
        package let source: String?
        package let code: WaitingReason.Code
        /// Of the file that has waited longest.
        package let reason: WaitingReason
        package let files: Int
        package let oldestSeconds: Int64
        package let needsPerson: Bool
        /// Names, safe to show; the first few.
        package let examples: [String]
    }

    /// Files in detail, at most; a fuller folder is counted so far.
    package static let filesMax = 20_000
    private static let examplesMax = 5

    package let files: [WaitingFile]
    package let drops: [Drop]
    package let unserved: [Unserved]

    /// Files by source and reason.
    package var groups: [Group] {
        let all = Dictionary(grouping: files) { "\($0.source?.text ?? "")\n\($0.reason.code.rawValue)" }
        return all.sorted { $0.key < $1.key }.compactMap { _, members in
            guard let oldest = members.max(by: { $0.age < $1.age }) else { return nil }
            let names = members.sorted { $0.age > $1.age }.prefix(Self.examplesMax).map(\.shownName)
            return Group(
                source: oldest.source?.text, code: oldest.reason.code, reason: Self.reason(of: oldest, members),
                files: members.count,
                oldestSeconds: oldest.age.components.seconds, needsPerson: members.contains(where: \.needsPerson), examples: names
            )
        }
    }

    /// The reason of the oldest. FIFOs, links and sockets have one code: where there are several kinds, each is named.
    private static func reason(of oldest: WaitingFile, _ members: [WaitingFile]) -> WaitingReason {
        guard oldest.reason.code == .notAFile else { return oldest.reason }
        var kinds: Set<String> = []
        let messages = members.sorted { $0.age > $1.age }.compactMap { file in
            let kind = file.reason.message.replacing(file.name.description, with: "")
            return kinds.count < examplesMax && kinds.insert(kind).inserted ? file.reason.message : nil
        }
        return WaitingReason(.notAFile, messages.joined(separator: " "), hint: oldest.reason.hint)
    }

    /// What a person has to do something about, a sentence and a step each.
    package var findings: [String] {
        unserved.map { one in
            let behind = dropsBehind(one).map { " \($0)" } ?? ""
            return "\(one.title): \(one.words): \(one.reason.message) [\(one.reason.code.rawValue)] \(one.reason.hint)\(behind)"
        }
            + groups.filter(\.needsPerson).map(\.sentence)
            + dropGroups.filter { $0.contains(where: \.needsPerson) }.map { group in
                "\(Self.names(group)) of source \(group[0].record.source) \(group.count == 1 ? "waits" : "wait"): "
                    + "\(group[0].reason.message) [\(group[0].reason.code.rawValue)] \(group[0].reason.hint)"
            }
    }

    /// Drops by source and reason, but for those that wait for what their source is not served for: that says it already.
    private var dropGroups: [[Drop]] {
        var groups: [[Drop]] = []
        for drop in drops where !unserved.contains(where: { Self.isBehind(drop, $0) }) {
            let index = groups.firstIndex { $0[0].record.source == drop.record.source && $0[0].reason == drop.reason }
            if let index { groups[index].append(drop) } else { groups.append([drop]) }
        }
        return groups
    }

    private static func isBehind(_ drop: Drop, _ one: Unserved) -> Bool {
        one.source == drop.record.source.text && one.reason == drop.reason
    }

    /// The claimed drops that wait for the same as their source; nil: none.
    private func dropsBehind(_ one: Unserved) -> String? {
        let behind = drops.filter { Self.isBehind($0, one) }
        return behind.isEmpty ? nil : "Claimed, and waiting for that: \(Self.names(behind))."
    }

    /// The first few, with their ids.
    private static func names(_ drops: [Drop]) -> String {
        let names = drops.prefix(examplesMax).map { "\($0.record.fileName) (\($0.record.id))" }.joined(separator: ", ")
        return drops.count > examplesMax ? "\(names) and \(drops.count - examplesMax) more" : names
    }

    package func drop(_ id: DropID) -> Drop? { drops.first { $0.record.id == id } }

    /// Whether files wait for room on the disk.
    package var lacksRoom: [Group] { groups.filter { $0.code == .noRoom || $0.code == .diskFull } }

    /// docs/schemas/waiting.schema.json.
    package var json: JSON {
        [
            "files": .array(groups.map(\.json)),
            "drops": .array(
                drops.map { drop in
                    .object(
                        [
                            .init("drop", .string(drop.record.id.description)), .init("source", .string(drop.record.source.text)),
                            .init("file", .string(drop.record.fileName.description)),
                        ] + drop.reason.members + [.init("seconds", .int(drop.seconds))])
                }),
            "unserved": .array(
                unserved.map { one in
                    .object(
                        [.init("source", one.source.map { .string($0) } ?? .null)] + one.reason.members
                            + [.init("seconds", .int(one.seconds))])
                }),
        ]
    }

    /// As `status` has it: `json`, with the lines for people by source.
    package func shown(_ home: Home) -> JSON {
        let configuration = home.configuration
        let names = configuration.sources.map(\.name.text) + configuration.broken.map(\.name)
        let all =
            [JSON.Member("", .array(lines(of: nil).map { .string($0) }))]
            + names.map { name in JSON.Member(name, .array(lines(of: name).map { .string($0) })) }
        let said = all.filter { $0.value.elements?.isEmpty == false }
        return .object((json.members ?? []) + [.init("lines", .object(said))])
    }

    /// What the daemon answers commands: `json`, with all that needs a person in words.
    package var answer: JSON { answer(with: []) }

    /// - Parameter more: what else needs a person.
    package func answer(with more: [String]) -> JSON {
        .object((json.members ?? []) + [.init("findings", .array((more + findings).map { .string($0) }))])
    }

    /// For people, of one source; of the drop zone itself where it is nil.
    package func lines(of source: String?) -> [String] {
        var lines: [String] = []
        for one in unserved where one.source == source {
            lines.append("\(one.words.uppercased()) (\(one.reason.code.rawValue)): \(one.reason.message)")
            lines.append("  \(one.reason.hint)")
            if let behind = dropsBehind(one) { lines.append("  \(behind)") }
        }
        for group in groups where group.source == source {
            let word = group.needsPerson ? "LEFT" : "waiting"
            let head = "\(word): \(counted(group.files, "file")), \(group.code.rawValue), for \(Age.text(group.oldestSeconds))"
            lines.append("\(head): \(group.names)")
            lines.append("  \(group.reason.message) \(group.reason.hint)")
        }
        for group in dropGroups.filter({ $0[0].record.source.text == source }).prefix(Self.examplesMax) {
            let age = Age.text(group.map(\.seconds).max() ?? 0)
            lines.append(
                "WAITING (\(group[0].reason.code.rawValue)): \(Self.names(group)), \(group.count == 1 ? "for" : "the oldest for") \(age)"
            )
            lines.append("  \(group[0].reason.message) \(group[0].reason.hint)")
        }
        return lines
    }
}

extension WaitingFile {
    /// The name; of a file in a subfolder that no source looks into with that subfolder.
    fileprivate var shownName: String {
        guard reason.code == .notWatched, let last = folder.split(separator: "/").last else { return name.description }
        return "\(last)/\(name)"
    }
}

extension WaitingReport.Unserved {
    package var title: String { source.map { "source \($0)" } ?? (isOfArchive ? "the archive" : "the drop zone") }

    private var isOfArchive: Bool { reason.code == .archiveFull || reason.code == .retrying }

    /// What is meant by not going on.
    package var words: String {
        switch reason.code {
        case .sourceMistake: "not served"
        case .sourceSuspended: "suspended"
        case .blocked: "blocked"
        case .archiveFull, .retrying: "not archived"
        case .receiptsFull, .receiptsUnusable: "without receipts"
        default: "not watched"
        }
    }
}

extension WaitingReport.Drop {
    package var needsPerson: Bool {
        // A drop that is ready waits for a daemon, which somebody has to start.
        reason.code == .ready || reason.needsPerson(after: .seconds(seconds))
    }
}

extension WaitingReport.Group {
    package var names: String { examples.joined(separator: ", ") + (files > examples.count ? ", …" : "") }

    package var sentence: String {
        let whose = source.map { "source \($0)" } ?? "the drop zone"
        return "\(whose): \(counted(files, "file")) \(files == 1 ? "stays" : "stay") [\(code.rawValue)], the oldest for "
            + "\(Age.text(oldestSeconds)): \(names). \(reason.message) \(reason.hint)"
    }

    package var json: JSON {
        .object(
            [.init("source", source.map { .string($0) } ?? .null)] + reason.members + [
                .init("files", .int(Int64(files))), .init("oldestSeconds", .int(oldestSeconds)),
                .init("needsPerson", .bool(needsPerson)), .init("examples", .array(examples.map { .string($0) })),
            ])
    }
}

extension WaitingReason {
    /// The members that stand for a reason wherever JSON is printed.
    package var members: [JSON.Member] {
        [.init("code", .string(code.rawValue)), .init("sentence", .string(message)), .init("next", .string(hint))]
    }

    package var json: JSON { .object(members) }
}

/// Times as people say them.
package enum Age {
    /// `5 s`, `3 min`, `2 h`, `4 days`.
    package static func text(_ seconds: Int64) -> String {
        switch seconds {
        case ..<120: "\(max(0, seconds)) s"
        case ..<7200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3600) h"
        default: "\(seconds / 86_400) days"
        }
    }
}
