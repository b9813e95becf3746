import DropCore
import Synchronization
import TwinModel

/// One import: reads NDJSON line by line, and writes models, then twins, then relationships (adt-api §12.1). What is refused is
/// logged and left out; the job then ends as failed. Nothing is rolled back.
final class ImportRun: Sendable {
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
    private let input: String
    private let output: String
    private let refusals = Mutex(Refusals())

    /// Lines that were refused, until they are logged.
    private struct Refusals {
        var lines: [JSON] = []
        var count = 0
    }

    init(job: ActiveJob, service: any TwinService, caller: Caller, input: String, output: String) {
        self.job = job
        self.service = service
        self.caller = caller
        self.input = input
        self.output = output
    }

    /// What made the job fail; nil where it went through, or was cancelled.
    func run() -> ServiceError? {
        do throws(FileFailure) {
            let log = try JobLog(job: job.id, path: output)
            log.info(["status": "Started"])
            let failure = try importLines(LineReader(input), log)
            let end = job.isCancelled ? "Cancelled" : failure == nil ? "Succeeded" : "Failed"
            if let failure {
                log.error(["status": .string(end), "code": .string(failure.code), "message": .string(failure.message)])
            } else {
                log.info(["status": .string(end)])
            }
            try log.flush()
            return failure
        } catch {
            let cause = error.code == 27 ? "a line is longer than \(LineReader.lineBytesMax) bytes" : error.description
            return ServiceError(400, "ValidationFailed", "The import stopped: \(cause).")
        }
    }

    private func importLines(_ lines: LineReader, _ log: JobLog) throws(FileFailure) -> ServiceError? {
        var section: Section?
        var models = ModelBatch()
        var fan: Fan?
        defer { fan?.finish() }
        func close(_ section: Section?) {
            if section == .models { upload(&models, log) }
            fan?.finish()
            fan = nil
            guard let section else { return }
            let (lines, _) = refusals.withLock { state in
                defer { state.lines = [] }
                return (state.lines, state.count)
            }
            for line in lines { log.error(line) }
            log.info([
                "section": .string(section.rawValue),
                "status": .string(lines.isEmpty ? "Succeeded" : "Failed"),
            ])
        }
        while let line = try lines.next(), !job.isCancelled {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
            guard let value = try? JSON(parsing: line, depthMax: 64), value.members != nil else {
                close(section)
                return ServiceError(400, "ValidationFailed", "Line \(lines.number) of the input is no JSON object.")
            }
            if let name = value["Section"]?.string, value.members?.count == 1 {
                guard let next = Section(rawValue: name), next.rank > section?.rank ?? -1, section != nil || next == .header else {
                    close(section)
                    return ServiceError(
                        400, "ValidationFailed",
                        "Line \(lines.number): the section \(Escaping.visible(String(name.prefix(50)))) cannot stand here. The order is Header, Models, Twins, Relationships.")
                }
                close(section)
                section = next
                log.info(["section": .string(name), "status": "Started"])
                if next == .twins || next == .relationships { fan = Fan(width: 8) }
                continue
            }
            switch section {
            case nil: return ServiceError(400, "ValidationFailed", "The input does not begin with {\"Section\":\"Header\"}.")
            case .header?:
                guard value["fileVersion"]?.string?.hasPrefix("1.") == true else {
                    return ServiceError(400, "ValidationFailed", "Line \(lines.number): the header is to have \"fileVersion\":\"1.0.0\".")
                }
            case .models?: models.add(line, value)
            case .twins?: put(twin: value, lines.number, fan)
            case .relationships?: put(relationship: value, lines.number, fan)
            }
        }
        close(section)
        guard section != nil else { return ServiceError(400, "ValidationFailed", "The input is empty.") }
        let count = refusals.withLock { $0.count }
        guard count > 0 else { return nil }
        return ServiceError(400, "ValidationFailed", "\(count) lines of the input were refused; the log at outputBlobUri names them.")
    }

    // MARK: - Sections

    private func upload(_ batch: inout ModelBatch, _ log: JobLog) {
        for models in batch.ordered() {
            let new = models.filter { model in
                guard let id = model.value["@id"]?.string, let known = try? service.model(id) else { return true }
                // The same model again is no news; another one under its id is refused by the upload.
                return (try? JSON(parsing: known.definition, depthMax: 64))?.text(.canonical) != model.value.text(.canonical)
            }
            guard !new.isEmpty else { continue }
            do throws(ServiceError) {
                _ = try service.upload(models: new, by: caller)
            } catch {
                refuse(["section": "Models", "code": .string(error.code), "message": .string(error.message)])
            }
        }
        batch = ModelBatch()
    }

    private func put(twin value: JSON, _ line: Int, _ fan: Fan?) {
        guard let id = value["$dtId"]?.string else {
            return refuse("Twins", line, nil, ServiceError(400, "ValidationFailed", "The twin has no $dtId."))
        }
        fan?.run(key: id) { [self] in
            do throws(ServiceError) {
                _ = try service.put(twin: id, value, .none, by: caller)
            } catch {
                refuse("Twins", line, id, error)
            }
        }
    }

    private func put(relationship value: JSON, _ line: Int, _ fan: Fan?) {
        guard let source = value["$sourceId"]?.string ?? value["$dtId"]?.string, let id = value["$relationshipId"]?.string else {
            let error = ServiceError(400, "ValidationFailed", "The relationship needs $sourceId (or $dtId) and $relationshipId.")
            return refuse("Relationships", line, nil, error)
        }
        let document = JSON.object((value.members ?? []).filter { $0.name != "$dtId" })
        fan?.run(key: source) { [self] in
            do throws(ServiceError) {
                _ = try service.put(relationship: id, of: source, document, .none, by: caller)
            } catch {
                refuse("Relationships", line, "\(source)/\(id)", error)
            }
        }
    }

    private func refuse(_ section: String, _ line: Int, _ id: String?, _ error: ServiceError) {
        var members: [JSON.Member] = [.init("section", .string(section)), .init("line", .int(Int64(line)))]
        if let id { members.append(.init("id", .string(id))) }
        members += [.init("code", .string(error.code)), .init("message", .string(error.message))]
        if !error.details.isEmpty {
            members.append(.init("details", .array(error.details.map { .string($0.message) })))
        }
        refuse(.object(members))
    }

    private func refuse(_ line: JSON) {
        refusals.withLock { state in
            state.count += 1
            if state.lines.count < 10_000 { state.lines.append(line) }
        }
    }
}

/// The models of an import, brought into an order in which none comes before what it extends or contains.
struct ModelBatch {
    private var models: [ModelText] = []

    mutating func add(_ text: [UInt8], _ value: JSON) { models.append(ModelText(text: text, value: value)) }

    /// In parts of at most 250; models that refer to each other in a circle come last, to be refused.
    func ordered() -> [[ModelText]] {
        var waiting = models
        var known: Set<[UInt8]> = []
        let own = Set(models.compactMap { $0.value["@id"]?.string.map { Array($0.utf8) } })
        var parts: [[ModelText]] = []
        while !waiting.isEmpty {
            var part: [ModelText] = []
            var later: [ModelText] = []
            for model in waiting {
                let needs = Self.references(model.value).filter { own.contains($0) && !known.contains($0) }
                if needs.isEmpty, part.count < 250 {
                    part.append(model)
                    if let id = model.value["@id"]?.string { known.insert(Array(id.utf8)) }
                } else {
                    later.append(model)
                }
            }
            if part.isEmpty { return parts + [later] }
            parts.append(part)
            waiting = later
        }
        return parts
    }

    /// Ids a model extends or has as a component's schema.
    private static func references(_ model: JSON) -> [[UInt8]] {
        var ids: [String] = []
        func take(_ value: JSON?) {
            if let id = value?.string { ids.append(id) }
            for element in value?.elements ?? [] { take(element) }
        }
        take(model["extends"])
        for content in model["contents"]?.elements ?? [] {
            let types = content["@type"]?.elements ?? content["@type"].map { [$0] } ?? []
            if types.contains(where: { $0.string == "Component" }) { take(content["schema"]) }
        }
        return ids.map { Array($0.utf8) }
    }
}
