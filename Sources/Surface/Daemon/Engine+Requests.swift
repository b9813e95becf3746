import CodecKit
package import DropCore
import DropWatch
import HomeConfiguration
package import HomeReports
import Logging
import Pipeline
import PluginHost
import SystemKit
package import TwinModel
import TwinStore

/// What operators ask of the running daemon, through the control socket.
extension Engine {
    /// One request of an operator; `caller` is who asks.
    package func answer(_ act: String, _ request: JSON, _ caller: Person) throws(CommandFailure) -> JSON {
        switch act {
        case "ping": return ["pong": true]
        case "open-files":
            return [
                "limit": .int(Int64(budget.limit)), "open": .int(Int64(System.openFiles ?? 0)),
                "connections": .int(Int64(budget.connections)),
            ]
        case "progress": return .array(pipeline.progress().map { ProgressLine($0).json })
        case "status":
            return try reporting { () throws(DropError) in try StatusReport.running(self, pipeline.snapshot(), watcher, host) }
        case "why":
            let report = WhyReport(home, watcher: watcher, register: register, waiting: waiting())
            let shown = request["shown"]?.string.flatMap { FileName(escaped: $0) }
            return report.answer(request["file"]?.string ?? "", shown: shown)
                .adding("changed", StatusReport.changedAndMistaken(home).map { .string($0) })
        case "folders":
            let broken = home.configuration.broken.compactMap { $0.watched?.folder }
            return .array((home.configuration.sources.map(\.watched.folder) + broken).map { .string($0) })
        case "waiting": return waiting().answer(with: StatusReport.changed(home).map { [$0] } ?? [])
        case "adopt":
            let source = request["source"]?.string.flatMap { SourceName($0) }
            return try reporting { () throws(DropError) in
                FolderAdoption.json(
                    try adopt(
                        source, whileInUse: request["whileInUse"] == .bool(true), by: caller,
                        because: request["reason"]?.string))
            }
        case "rescan":
            watcher.rescanNow()
            return ["done": true]
        case "upload-models":
            let files = request["files"]?.elements?.compactMap(\.string) ?? []
            let uploaded = try reporting { () throws(StartError) in
                try ModelFolder.adopt(files, into: graph, by: Caller(name: "command line"))
            }
            return ["uploaded": .array(uploaded.map { .string($0.id) })]
        case "forget-names":
            guard let source = request["source"]?.string.flatMap({ SourceName($0) }) else {
                throw Self.misunderstood("The request names no source.")
            }
            let count = try reporting { () throws(DropError) in
                let count = try graph.sourceKeys.forgetKeys(of: source)
                try pipeline.note(
                    .forget, source: source, facts: [.init("names", .int(Int64(count)))], by: caller,
                    reason: request["reason"]?.string)
                return count
            }
            log.notice(
                "An operator had the names of a source forgotten.", metadata: ["source": "\(source)", "names": "\(count)"])
            return ["source": .string(source.text), "names": .int(Int64(count))]
        case "retry", "release", "discard":
            guard let id = request["drop"]?.string.flatMap({ DropID($0) }) else {
                throw Self.misunderstood("The request names no drop.")
            }
            return try reporting { () throws(DropError) in DropReport.json(try perform(act, on: id, request, caller)) }
        case "look": return try reporting { () throws(DropError) in try look(request) }
        default:
            throw Self.misunderstood(
                "Unknown request \(Escaping.visible(act)).", hint: "Is the command of another version?")
        }
    }

    private static func misunderstood(_ message: String, hint: String = "Use the twindrop command.") -> CommandFailure {
        CommandFailure(StartError(.request, message, hint: hint))
    }

    /// Takes landing folders over as they are, because a person says so; the folders that were taken.
    ///
    /// - Parameter source: nil: every folder that is not ours, the drop zone's among them.
    private func adopt(
        _ source: SourceName?, whileInUse: Bool, by who: Person, because reason: String?
    ) throws(DropError) -> [FolderAdoption] {
        let adopted = try FolderAdoption.perform(
            home, graph, source, whileInUse: whileInUse, by: who, because: reason
        ) {
            [pipeline, log] (one) throws(DropError) in
            try pipeline.note(.adopt, source: one.sourceName, facts: one.facts, by: who, reason: reason)
            log.notice(
                "A person takes a landing folder over.",
                metadata: [
                    "folder": "\(one.folder)", "source": "\(one.sourceName?.text ?? "-")", "who": "\(who.description)",
                    "why": "\(reason ?? "-")",
                ])
        }
        watcher.rescanNow()
        return adopted
    }

    private func perform(
        _ act: String, on id: DropID, _ request: JSON, _ caller: Person
    ) throws(DropError) -> DropRecord {
        let reason = request["reason"]?.string
        switch act {
        case "retry":
            let force = request["force"] == .bool(true)
            let old = try register.drop(id)
            if let old { try pipeline.checkRetry(old) }
            if let name = request["with"]?.string, let old {
                return try replace(old, name, force: force, by: caller, reason: reason)
            }
            // First the plugin, then its drops: the other way round the first drop finds the source suspended still. Nothing of
            // that where the state of the drop does not allow it: a plugin that was resumed alone would not be looked at again.
            if let old, [.claimed, .registered, .quarantined].contains(old.state) { host.resume(old.source) }
            return try pipeline.retry(id, force: force, by: caller, reason: reason)
        case "release":
            return try pipeline.release(id, force: request["force"] == .bool(true), by: caller, reason: reason)
        default: return try pipeline.discard(id, by: caller, reason: reason)
        }
    }

    /// A corrected file runs in the place of a drop.
    ///
    /// - Parameter name: of the file, in the landing folder of the drop's source.
    private func replace(
        _ old: DropRecord, _ name: String, force: Bool, by who: Person, reason: String?
    ) throws(DropError) -> DropRecord {
        guard let source = home.configuration.source(old.source) else {
            throw DropError(
                .noSource, "The source \(old.source) of \(old.fileName) is not configured any more.",
                hint: "Configure it again and retry the drop, or discard it.", remedy: .quarantine)
        }
        return try ReplacementFile.with(name, of: source) { (file) throws(DropError) in
            if old.state.needsPerson { host.resume(old.source) }
            return try pipeline.replace(old.id, with: file, force: force, by: who, reason: reason)
        }
    }

    /// A drop as it stands, and why it does not go on, where it does not.
    private func look(_ request: JSON) throws(DropError) -> JSON {
        guard let id = request["drop"]?.string.flatMap({ DropID($0) }), let record = try register.drop(id) else { return .null }
        let snapshot = pipeline.snapshot()
        let isUnfinished = record.state == .claimed || record.state == .registered
        let why: String? =
            if !isUnfinished {
                nil
            } else if snapshot.suspended.contains(record.source) || pipeline.isStuck(record) {
                // Named here: what waits for a person does not go on by itself.
                pipeline.reason(whyWaiting: record)?.message ?? "Its source \(record.source) waits for a person."
            } else {
                snapshot.diskIsFull ? "The disk is full: it goes on when there is room." : nil
            }
        return ["drop": DropReport.json(record), "waits": why.map { .string($0) } ?? .null]
    }
}
