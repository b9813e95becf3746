package import DropCore
import DropSpooling
import HomeConfiguration
import Pipeline
package import TwinModel
package import TwinStore

/// What a person can type next about a drop that waits for them: the same in `show`, `status`, `doctor` and `drop --wait`. Empty
/// where nothing is left to do.
package struct NextSteps {
    package struct Step {
        package let command: String
        package let meaning: String
    }

    /// Reasons that are in the file, as far as anybody can tell: the same bytes do no better while nothing else is changed.
    private static let fileFaults: Set<DropError.Code> = [.refused, .emptyFile, .manifestMismatch, .tooManyRejects]

    /// Reasons to hold a drop that a corrected file may not have.
    private static let correctable: Set<DropError.Code> = [.guardDeletes, .guardRejects, .emptyFile]

    package let steps: [Step]

    /// - Parameter needsForce: a release, or a retry, would undo something newer.
    package init(_ record: DropRecord, needsForce: Bool) {
        switch record.state {
        case .held: steps = Self.held(record, needsForce)
        case .quarantined:
            let discard = Step(command: "twindrop discard \(record.id)", meaning: "give it up; its bytes stay in the archive")
            // The same bytes under the same name cannot do better.
            if record.reason?.code == .amendment {
                steps = [discard]
                return
            }
            let isFilesFault = record.reason.map { Self.fileFaults.contains($0.code) } ?? false
            let force = needsForce ? "; --force, because newer files of the source were applied since" : ""
            let meaning =
                record.reason?.code == ByteLoss.missing
                ? "once its bytes lie there again"
                : record.reason?.code == ByteLoss.archivedBefore
                    ? "run its bytes again, out of the archive, as a new drop"
                    : record.reason?.code == .noPlace
                        ? "run it again, once `sequence` in twindrop.yaml fits its name and the daemon was started again"
                        : isFilesFault
                            ? "only after the plugin, the mapping or a setting was changed: the same bytes again"
                            : "run the same bytes again, once what was wrong is mended"
            let corrected =
                record.link?.kind == .amends ? Self.correctedRows(record) : Self.corrected(record, needsForce)
            let retry = Step(command: "twindrop retry \(record.id)\(needsForce ? " --force" : "")", meaning: meaning + force)
            let isWithoutBytes = record.reason?.code == ByteLoss.missing
            steps = (isFilesFault ? [corrected] : []) + [retry] + (isWithoutBytes ? [corrected] : []) + [discard]
        default: steps = []
        }
    }

    /// - Parameter record: as `DropRecord.judged` has it.
    package init(_ record: DropRecord, in home: Home, _ store: TwinStore) throws(DropError) {
        var objection: DropError?
        if record.state.needsPerson {
            objection = DropJudgement.objection(
                toRelease: record, of: home.configuration.source(record.source).map { PipelineSource($0) },
                newest: try store.register.newestApplied(of: record.source))
        }
        self.init(record, needsForce: objection != nil)
    }

    /// A corrected file in the place of a drop: what came after the drop stays newer.
    private static func corrected(_ record: DropRecord, _ needsForce: Bool) -> Step {
        Step(
            command: "twindrop retry \(record.id)\(needsForce ? " --force" : "") --with FILE",
            meaning: needsForce
                ? "run a corrected file as the newest of the source, although newer ones were applied since"
                : "run a corrected file in its place; what came after it stays newer")
    }

    /// The rows of corrected rejects, corrected once more.
    private static func correctedRows(_ record: DropRecord) -> Step {
        Step(
            command: "twindrop drop FILE --source \(record.source)",
            meaning: "deliver those rows, corrected: that does not wait for this drop")
    }

    private static func held(_ record: DropRecord, _ needsForce: Bool) -> [Step] {
        if record.reason?.code == ByteLoss.archivedBefore {
            return [
                Step(command: "twindrop retry \(record.id)", meaning: "run its bytes again, out of the archive, as a new drop"),
                Step(command: "twindrop discard \(record.id)", meaning: "leave the graph as it is"),
            ]
        }
        if record.reason?.code == ByteLoss.missing {
            return [
                corrected(record, needsForce),
                Step(command: "twindrop discard \(record.id)", meaning: "give it up"),
            ]
        }
        if record.reason?.code == .amendedHeld, let original = record.link?.drop {
            return [
                Step(command: "twindrop show \(original)", meaning: "the drop it corrects, which is held itself"),
                Step(command: "twindrop release \(original)", meaning: "lets that one go on, and this one behind it"),
                Step(command: "twindrop discard \(record.id)", meaning: "gives up this correction"),
            ]
        }
        let force = needsForce ? " --force" : ""
        guard record.outcome != .nothingUsable else {
            let shown = Step(command: "twindrop show \(record.id)", meaning: "its refused records, and where their rows are")
            let release = Step(
                command: "twindrop release \(record.id)\(force)",
                meaning: record.link?.kind == .amends
                    ? "where the mapping or plugin was corrected instead: its records are read again"
                    : "where the mapping or plugin was corrected, or those rows, which then follow: its records are read again")
            guard record.link?.kind == .amends else {
                let discard = Step(command: "twindrop discard \(record.id)", meaning: "give it up; its bytes stay in the archive")
                return [shown, corrected(record, needsForce), release, discard]
            }
            return [
                shown,
                correctedRows(record),
                Step(command: "twindrop discard \(record.id)", meaning: "give this one up then; its bytes stay in the archive"),
                release,
            ]
        }
        let mayBeCorrected = record.reason.map { correctable.contains($0.code) } ?? false
        return [
            Step(command: "twindrop show \(record.id) --diff", meaning: "what its release would change"),
            Step(
                command: "twindrop release \(record.id)\(force)",
                meaning: needsForce ? "apply it although something newer was applied since" : "apply it"),
        ] + (mayBeCorrected && record.link?.kind != .amends ? [corrected(record, needsForce)] : []) + [
            Step(command: "twindrop discard \(record.id)", meaning: "give it up; its bytes stay in the archive")
        ]
    }

    /// For people: a line each.
    package var lines: [String] {
        let width = steps.map(\.command.count).max() ?? 0
        return steps.map { $0.command + String(repeating: " ", count: width - $0.command.count + 3) + $0.meaning }
    }

    package var json: JSON {
        .array(steps.map { ["command": .string($0.command), "meaning": .string($0.meaning)] })
    }
}

/// Drops that wait for a person, the newest first: how many, and the first few with what to do.
package struct OpenDrops {
    private static let shownMax = 5

    private let all: [(state: DropState, count: Int, first: [(record: DropRecord, next: NextSteps)])]

    package init(in home: Home, _ store: TwinStore) throws(DropError) {
        var all: [(state: DropState, count: Int, first: [(record: DropRecord, next: NextSteps)])] = []
        // What the next start will set aside; beside a daemon that is on its way.
        let unfinished = HomeLock.isHeld(state: home.paths.state) ? [] : try store.register.drops(in: [.claimed, .registered])
        let judged = (try store.register.drops(in: [.held, .quarantined]) + unfinished).map { $0.judged(in: home) }
        for state in [DropState.held, .quarantined] {
            let records = judged.filter { $0.state == state }.sorted { $0.id < $1.id }
            var first: [(record: DropRecord, next: NextSteps)] = []
            for record in records.suffix(Self.shownMax).reversed() {
                first.append((record, try NextSteps(record, in: home, store)))
            }
            all.append((state, records.count, first))
        }
        self.all = all
    }

    /// docs/schemas/status.schema.json: `openDrops`.
    package var json: JSON {
        let counts = all.map { JSON.Member($0.state.rawValue, .int(Int64($0.count))) }
        let first = all.flatMap { group -> [JSON] in
            group.first.map { DropReport.json($0.record).adding("next", $0.next.json) }
        }
        return .object(counts + [JSON.Member("first", .array(first))])
    }

    /// For people: a sentence each, the commands behind it, and how many more there are.
    package var findings: [String] {
        all.flatMap { group -> [String] in
            let words = group.first.map { open -> String in
                let commands = open.next.steps.map { "`\($0.command)`" }.joined(separator: ", ")
                let drop = "It is drop \(open.record.id) of source \(open.record.source): \(commands)"
                return "\(open.record.fileName) is \(group.state.rawValue): \(open.record.reason?.message ?? "") \(drop)"
            }
            return words + Self.more(group.count - group.first.count, group.state)
        }
    }

    private static func more(_ rest: Int, _ state: DropState) -> [String] {
        rest > 0 ? ["… and \(rest) more \(state.rawValue): `twindrop drops --state \(state.rawValue)`"] : []
    }

    /// What `status` prints of `json`.
    package static func lines(of json: JSON) -> [String] {
        var lines: [String] = []
        let first = json["first"]?.elements ?? []
        for state in [DropState.held, .quarantined] {
            let shown = first.filter { $0["state"]?.string == state.rawValue }
            for drop in shown {
                let since = drop["changedAt"]?.string.flatMap { Times.read($0)?.first }.map { " since \(Times.shownWithAge($0))" }
                let code = drop["reason"]?["code"]?.string ?? ""
                lines.append(
                    "\(state.rawValue.uppercased()) (\(code)): \(drop["file"]?.string ?? "") of source "
                        + "\(drop["source"]?.string ?? "")\(since ?? "")")
                if let message = drop["reason"]?["message"]?.string { lines.append("  \(message)") }
                for step in drop["next"]?.elements ?? [] {
                    lines.append("  \(step["command"]?.string ?? "")   \(step["meaning"]?.string ?? "")")
                }
            }
            lines += more(Int(json[state.rawValue]?.int ?? 0) - shown.count, state)
        }
        return lines
    }
}
