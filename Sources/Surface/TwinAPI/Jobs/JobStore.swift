import CodecKit
package import DropCore
import SystemKit
import ThreadKit
import TwinModel

/// The bulk jobs of a home. One runs at a time, on its own thread, and each has a record that outlives it
/// (docs/azure-contract.md, "Import jobs" and "Deletion jobs").
///
/// All calls may block, and are safe from any thread.
package final class JobStore: Sendable {
    private struct State {
        var records: [String: JobRecord] = [:]
        var active: ActiveJob?
        var thread: NamedThread?
        var isStopping = false
    }

    private let folder: String
    private let places: JobPlaces
    private let service: any TwinService
    private let state: Monitor<State>

    /// The most records that are kept. Records are removed after 30 days.
    static let recordsMax = 1000

    /// Reads the records of earlier runs; a job that was running then has failed.
    ///
    /// - Parameter folder: absolute; made if it is missing.
    /// Errors: `jobs` if the folder cannot be used.
    package init(folder: String, places: JobPlaces, service: any TwinService) throws(StartError) {
        self.folder = folder
        self.places = places
        self.service = service
        var records: [String: JobRecord] = [:]
        do throws(SystemError) {
            try SmallFile.makeFolder(folder)
            for name in SmallFile.names(in: folder) where name.hasSuffix(".json") {
                let bytes = try SmallFile.read(folder + "/" + name, bytesMax: 1 << 20)
                // A record that cannot be read is ignored.
                guard let value = try? JSON(parsing: bytes), var record = JobRecord(stored: value) else { continue }
                if record.status.isActive {
                    record.status = .failed
                    record.finished = SmallFile.now()
                    record.error = (
                        "Interrupted", "The server ended while the job was running. Start it again; what it did stays."
                    )
                    try Self.write(record, folder)
                }
                records["\(record.kind.rawValue)/\(record.id)"] = record
            }
        } catch {
            throw StartError(
                .jobs, "The folder of job records, \(folder), cannot be used: \(error.reason).",
                hint: "Check its permissions.")
        }
        state = Monitor(State(records: records))
    }

    /// Cancels the running job and waits for its thread.
    package func stop() {
        let thread = state.with { state in
            state.isStopping = true
            state.active?.abandon()
            return state.thread
        }
        thread?.join()
    }

    // MARK: - For the API

    func list(_ kind: JobRecord.Kind, after: String?, limit: Int) -> ServicePage<JSON> {
        purge()
        let all = state.withoutWaking { $0.records.values.filter { $0.kind == kind } }
            .sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
        let rest = all.drop { record in after.map { !$0.utf8.lexicographicallyPrecedes(record.id.utf8) } ?? false }
        let part = rest.prefix(limit)
        return ServicePage(elements: part.map(\.document), next: part.count < rest.count ? part.last?.id : nil)
    }

    /// Errors: `JobNotFound` (imports), `DeleteJobNotFound`.
    func job(_ id: String, _ kind: JobRecord.Kind) throws(APIError) -> JobRecord {
        if let record = state.withoutWaking({ $0.records[Self.key(id, kind)] }) { return record }
        throw APIError(
            kind == .imports ? .importJobNotFound : .deletionJobNotFound,
            "There is no \(kind == .imports ? "import" : "deletion") job \(Escaping.visible(String(id.prefix(200)))).")
    }

    /// Errors: `InvalidArgument`, `JobIdAlreadyExists`, `JobLimitReached`, `TooManyRequests` (a job runs already).
    func startImport(_ id: String, input: String, output: String, by caller: Caller) throws(APIError) -> JobRecord {
        try check(id)
        guard state.withoutWaking({ $0.records[Self.key(id, .imports)] }) == nil else {
            throw APIError(
                .jobExists, "An import job has the id \(Escaping.visible(id)) already. Choose another.")
        }
        let (source, target) = (try places.input(input), try places.output(output))
        guard !source.isSame(as: target) else {
            throw APIError(.invalidArgument, "The log of an import cannot be its input. Name another outputBlobUri.")
        }
        let record = JobRecord(
            id: id, kind: .imports, input: source.shown(as: input), output: target.shown(as: output), created: SmallFile.now(),
            caller: caller.name)
        let service = service
        let run = ImportRun.Places(input: source, output: target, spool: Self.log(record, folder), rules: places.rules)
        try start(record) { job in ImportRun(job: job, service: service, caller: caller, places: run).run() }
        return record
    }

    /// - Parameter timeout: unit: minutes; 15 … 1440.
    /// Errors: `ValidationFailed`, `JobLimitReached`, `TooManyRequests`.
    func startDeletion(_ id: String, timeout: Int, by caller: Caller) throws(APIError) -> JobRecord {
        try check(id)
        guard state.withoutWaking({ $0.records[Self.key(id, .deletions)] }) == nil else {
            throw APIError(
                .validationFailed, "A deletion job has the id \(Escaping.visible(id)) already. Choose another.")
        }
        let record = JobRecord(id: id, kind: .deletions, created: SmallFile.now(), caller: caller.name)
        let service = service
        let end = ContinuousClock.now.advanced(by: .seconds(60 * timeout))
        try start(record) { job in DeletionRun(job: job, service: service, caller: caller, end: end).run() }
        return record
    }

    /// Asks a running import to end, and returns the record as it is now. Errors: `JobNotFound`.
    func cancelImport(_ id: String) throws(APIError) -> JobRecord {
        let record = try job(id, .imports)
        state.with { state in
            guard let active = state.active, active.key == Self.key(id, .imports), record.status.isActive else { return }
            active.cancel()
            state.records[active.key]?.status = .cancelling
            state.records[active.key]?.lastAction = SmallFile.now()
        }
        return record
    }

    /// Forgets the record; a running job continues. Errors: `JobNotFound`.
    func forgetImport(_ id: String) throws(APIError) {
        let record = try job(id, .imports)
        do throws(SystemError) {
            try SmallFile.remove(Self.path(record, folder))
            let isActive = state.withoutWaking { $0.active?.key == Self.key(id, .imports) }
            if !isActive { try SmallFile.remove(Self.log(record, folder)) }
        } catch {
            throw Self.storage(error)
        }
        state.with { $0.records[Self.key(id, .imports)] = nil }
    }

    // MARK: - Running

    private func start(_ record: JobRecord, _ body: @escaping @Sendable (ActiveJob) -> APIError?) throws(APIError) {
        purge()
        let key = Self.key(record.id, record.kind)
        let job = ActiveJob(key: key, id: record.id)
        try state.with { (state) throws(APIError) in
            guard !state.isStopping else { throw APIError(.serverBusy, "The server is stopping. Try again.") }
            guard state.active == nil else {
                throw APIError(
                    .tooManyRequests, "Another bulk job is running; there is one at a time. Wait for its end.")
            }
            guard state.records.count < Self.recordsMax else {
                throw APIError(
                    .jobLimitReached, "There are \(Self.recordsMax) job records. Delete old ones: DELETE /jobs/imports/ID.")
            }
            do throws(SystemError) { try Self.write(record, folder) } catch { throw Self.storage(error) }
            state.records[key] = record
            state.active = job
        }
        let thread = NamedThread("td-job") { [self] in
            update(key) { $0.status = $0.status == .notstarted ? .running : $0.status }
            let failure = body(job)
            state.with { $0.active = nil }
            finish(key, failure, wasCancelled: job.isCancelled)
        }
        state.with { $0.thread = thread }
    }

    private func finish(_ key: String, _ failure: APIError?, wasCancelled: Bool) {
        let isStopping = state.withoutWaking { $0.isStopping }
        update(key) { record in
            if wasCancelled, isStopping {
                record.status = .failed
                record.finished = SmallFile.now()
                record.error = ("Interrupted", "The server ended while the job was running. Start it again; what it did stays.")
            } else if wasCancelled {
                record.status = .cancelled
            } else {
                record.status = failure == nil ? .succeeded : .failed
                record.finished = SmallFile.now()
                record.error = failure.map { ($0.word, $0.message) }
            }
        }
    }

    /// Changes a record that is not forgotten, in memory and in its file.
    private func update(_ key: String, _ change: (inout JobRecord) -> Void) {
        state.with { state in
            guard var record = state.records[key] else { return }
            change(&record)
            record.lastAction = SmallFile.now()
            state.records[key] = record
            // If it cannot be written, the next start finds the older record, and treats the job as interrupted.
            try? Self.write(record, folder)
        }
    }

    private func purge() {
        let now = SmallFile.now()
        state.with { state in
            for (key, record) in state.records where record.purge < now && state.active?.key != key {
                // A record that cannot be removed is tried again with the next one.
                guard (try? SmallFile.remove(Self.path(record, folder))) != nil,
                    (try? SmallFile.remove(Self.log(record, folder))) != nil
                else { continue }
                state.records[key] = nil
            }
        }
    }

    private func check(_ id: String) throws(APIError) {
        guard (1...100).contains(id.utf8.count) else {
            throw APIError(.validationFailed, "The id of a job must have 1 to 100 bytes.")
        }
    }

    private static func key(_ id: String, _ kind: JobRecord.Kind) -> String { "\(kind.rawValue)/\(id)" }

    /// Ids come from callers, so they never become a path.
    private static func path(_ record: JobRecord, _ folder: String) -> String { name(record, folder) + ".json" }

    /// The local file of a log that is sent elsewhere.
    private static func log(_ record: JobRecord, _ folder: String) -> String { name(record, folder) + ".log" }

    private static func name(_ record: JobRecord, _ folder: String) -> String {
        "\(folder)/\(record.kind.rawValue)-\(Hex.text(record.id.utf8))"
    }

    private static func write(_ record: JobRecord, _ folder: String) throws(SystemError) {
        try SmallFile.replace(path(record, folder), with: record.stored.utf8())
    }

    private static func storage(_ failure: SystemError) -> APIError {
        APIError(.storageFailed, "The record of the job cannot be written: \(failure.description).")
    }
}

/// The running job, and whether it must end.
final class ActiveJob: Sendable {
    let key: String
    let id: String
    private let end = Monitor<(isCancelled: Bool, isAbandoned: Bool)>((false, false))

    init(key: String, id: String) {
        self.key = key
        self.id = id
    }

    var isCancelled: Bool { end.withoutWaking { $0.isCancelled } }

    /// Whether the server ends: then the job does not wait until its log is sent.
    var isAbandoned: Bool { end.withoutWaking { $0.isAbandoned } }

    func cancel() { end.with { $0.isCancelled = true } }

    func abandon() { end.with { $0 = (true, true) } }
}
