import CodecKit
import CurlKit
import DropCore
import TwinModel

/// One import: reads NDJSON line by line, and writes models, then twins, then relationships (docs/azure-contract.md, "Import
/// jobs"). A refused line is logged and left out, and the job then ends as failed. Nothing is rolled back.
final class ImportRun {
    private enum Section: String {
        case header = "Header"
        case models = "Models"
        case twins = "Twins"
        case relationships = "Relationships"

        var rank: Int {
            switch self {
            case .header: 0
            case .models: 1
            case .twins: 2
            case .relationships: 3
            }
        }
    }

    private let job: ActiveJob
    private let service: any TwinService
    private let caller: Caller
    private let places: Places
    private var refusals = Refusals()

    /// Lines written in one transaction: some thousands are quickest, and other writers get their turn in between.
    private static let part = 2000
    /// Refused lines that are logged one by one, for each section; all are counted.
    private static let loggedMax = 10_000

    /// Lines that were refused, until they are logged.
    private struct Refusals {
        var lines: [JSON] = []
        var count = 0
    }

    /// The input of an import, and its output besides the graph.
    struct Places: Sendable {
        let input: JobPlace
        let output: JobPlace
        /// The file of a log that is sent elsewhere.
        let spool: String
        let rules: TransferRules
    }

    init(job: ActiveJob, service: any TwinService, caller: Caller, places: Places) {
        self.job = job
        self.service = service
        self.caller = caller
        self.places = places
    }

    /// Why the job failed; nil if it succeeded or was cancelled.
    func run() -> APIError? {
        do throws(APIError) {
            let log = try JobLog(job, places.output, spool: places.spool, places.rules)
            let failure = importAll(log)
            if job.isCancelled {
                log.info(["status": "Cancelled"])
            } else if let failure {
                log.error(["status": "Failed", "code": .string(failure.word), "message": .string(failure.message)])
            } else {
                log.info(["status": "Succeeded"])
            }
            do throws(APIError) {
                try log.close()
            } catch {
                guard let failure else { throw error }
                return failure.saying("\(failure.message) \(error.message)")
            }
            return failure
        } catch {
            return error
        }
    }

    private func importAll(_ log: JobLog) -> APIError? {
        let lines: LineReader
        do throws(APIError) {
            lines = LineReader(try JobInput(places.input, places.rules, job))
        } catch {
            return error
        }
        do throws(APIError) {
            return try importLines(lines, log)
        } catch {
            let read = "\(lines.number) whole lines were read before; what was written of them stays."
            return error.saying("\(error.message) \(read)")
        }
    }

    private func importLines(_ lines: LineReader, _ log: JobLog) throws(APIError) -> APIError? {
        var section: Section?
        var pending = Pending()
        while let line = try lines.next(), !job.isCancelled {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
            let number = lines.number
            // Editors of some systems put a mark of the encoding first.
            let text = number == 1 && line.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(line.dropFirst(3)) : line
            guard let value = try? JSON(parsing: text, depthMax: 64), value.members != nil else {  // Said in the next line.
                let error = Self.invalid("Line \(number) of the input is not a JSON object.")
                guard let section, section != .header else { return error }
                refuse(section.rawValue, number, nil, error)
                continue
            }
            if let name = value["Section"]?.string, value.members?.count == 1 {
                guard let next = Section(rawValue: name), next.rank > section?.rank ?? -1, section != nil || next == .header
                else {
                    let shown = Escaping.visible(String(name.prefix(50)))
                    write(&pending)
                    return Self.invalid(
                        "Line \(number): the section \(shown) is not allowed here. "
                            + "The order is Header, Models, Twins, Relationships."
                    )
                }
                write(&pending)
                close(section, log)
                section = next
                log.info(["section": .string(name), "status": "Started"])
                continue
            }
            switch section {
            case nil: return Self.invalid("The input does not begin with {\"Section\":\"Header\"}.")
            case .header?:
                guard value["fileVersion"]?.string?.hasPrefix("1.") == true else {
                    return Self.invalid("Line \(number): the header must have \"fileVersion\":\"1.0.0\".")
                }
            case .models?: pending.models.append(ModelText(text: line, value: value))
            case .twins?: add(twin: value, number, &pending)
            case .relationships?: add(relationship: value, number, &pending)
            }
            if pending.lines.count >= Self.part { write(&pending) }
        }
        if !job.isCancelled { write(&pending) }
        close(section, log)
        guard section != nil else { return Self.invalid("The input is empty.") }
        guard refusals.count > 0 else { return nil }
        let count = refusals.count == 1 ? "1 line of the input was" : "\(refusals.count) lines of the input were"
        return Self.invalid("\(count) refused; the log at outputBlobUri names them.")
    }

    private func close(_ section: Section?, _ log: JobLog) {
        guard let section else { return }
        for line in refusals.lines { log.error(line) }
        log.info(["section": .string(section.rawValue), "status": refusals.lines.isEmpty ? "Succeeded" : "Failed"])
        refusals.lines = []
    }

    private static func invalid(_ message: String) -> APIError { APIError(.validationFailed, message) }

    // MARK: - Sections

    /// The lines of a section that were read and not written yet.
    private struct Pending {
        var models: [ModelText] = []
        var twins: [TwinPayload] = []
        var relationships: [RelationshipPayload] = []
        /// Of twins or relationships, in their order.
        var lines: [Int] = []
    }

    /// Writes the pending lines in one transaction, in which each line is accepted or refused by itself.
    private func write(_ pending: inout Pending) {
        defer { pending = Pending() }
        do throws(ServiceError) {
            if !pending.models.isEmpty { _ = try service.uploadNew(models: pending.models, by: caller) }
            if !pending.twins.isEmpty {
                let refused = try service.put(twins: pending.twins, by: caller)
                for (index, error) in refused.enumerated() {
                    if let error { refuse("Twins", pending.lines[index], pending.twins[index].id, APIError(error)) }
                }
            }
            if !pending.relationships.isEmpty {
                let refused = try service.put(relationships: pending.relationships, by: caller)
                for (index, error) in refused.enumerated() {
                    let at = pending.relationships[index]
                    if let error { refuse("Relationships", pending.lines[index], "\(at.source)/\(at.id)", APIError(error)) }
                }
            }
        } catch {
            refuse(
                pending.models.isEmpty ? (pending.twins.isEmpty ? "Relationships" : "Twins") : "Models", pending.lines.first, nil,
                APIError(error))
        }
    }

    private func add(twin value: JSON, _ line: Int, _ pending: inout Pending) {
        guard let id = value["$dtId"]?.string else {
            return refuse("Twins", line, nil, APIError(.validationFailed, "The twin has no $dtId."))
        }
        pending.twins.append(TwinPayload(id, Self.without([GraphExport.unchecked], value), isChecked: Self.isChecked(value)))
        pending.lines.append(line)
    }

    private func add(relationship value: JSON, _ line: Int, _ pending: inout Pending) {
        guard let source = value["$sourceId"]?.string ?? value["$dtId"]?.string, let id = value["$relationshipId"]?.string else {
            let error = APIError(.validationFailed, "The relationship needs $sourceId (or $dtId) and $relationshipId.")
            return refuse("Relationships", line, nil, error)
        }
        pending.relationships.append(
            RelationshipPayload(
                source: source, id, Self.without(["$dtId", GraphExport.unchecked], value), isChecked: Self.isChecked(value)))
        pending.lines.append(line)
    }

    /// False if the export marks the line as not conforming to its model.
    private static func isChecked(_ line: JSON) -> Bool { line[GraphExport.unchecked] != .bool(true) }

    private static func without(_ names: Set<String>, _ line: JSON) -> JSON {
        .object((line.members ?? []).filter { !names.contains($0.name) })
    }

    private func refuse(_ section: String, _ line: Int?, _ id: String?, _ error: APIError) {
        var members: [JSON.Member] = [.init("section", .string(section))]
        if let line { members.append(.init("line", .int(Int64(line)))) }
        if let id { members.append(.init("id", .string(id))) }
        members += [.init("code", .string(error.word)), .init("message", .string(error.message))]
        if !error.details.isEmpty {
            members.append(.init("details", .array(error.details.map { .string($0.message) })))
        }
        refusals.count += 1
        if refusals.lines.count < Self.loggedMax { refusals.lines.append(.object(members)) }
    }
}
