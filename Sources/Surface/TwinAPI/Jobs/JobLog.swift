import CurlKit
import DropCore
import SystemKit
import TwinModel

/// The log an import job writes beside its work: one JSON object a line (docs/azure-contract.md, "Import jobs").
///
/// A log for the web is written to a file of this machine, and sent as a whole twice: before anything is changed, and at the end.
/// So a job whose log cannot be sent ends at once.
///
/// Used by the job's thread only; that is also why `OpenFile` may be shared.
final class JobLog {
    private let job: ActiveJob
    private let path: String
    private let file: OpenFile
    private let address: WebAddress?
    private let rules: TransferRules
    private var pending: [UInt8] = []
    private var size: UInt64 = 0

    /// Begins the log.
    ///
    /// - Parameter spool: the file of a log for the web; it is emptied.
    /// Errors: `OutputUnavailable`.
    init(_ job: ActiveJob, _ place: JobPlace, spool: String, _ rules: TransferRules) throws(APIError) {
        self.job = job
        self.rules = rules
        switch place {
        case .file(let path): (self.path, address) = (path, nil)
        case .web(let address): (path, self.address) = (spool, address)
        }
        do throws(SystemError) { file = try OpenFile(creating: path) } catch { throw Self.failure(error) }
        info(["status": "Started"])
        if address != nil { try send() }
    }

    func info(_ details: JSON) { line("Info", details) }

    /// Logs a refusal; the job continues.
    func error(_ details: JSON) { line("Error", details) }

    /// Makes the log durable at the requested place. A log that cannot be sent stays in its file, and the error names that file.
    ///
    /// Errors: `OutputUnavailable`.
    func close() throws(APIError) {
        guard address != nil else {
            do throws(SystemError) {
                try write()
                try file.sync()
            } catch { throw Self.failure(error) }
            return
        }
        try send()
        // A file that cannot be removed is removed with the job's record.
        try? SmallFile.remove(path)
    }

    private func line(_ type: String, _ details: JSON) {
        let line: JSON = [
            "timestamp": .string(Instant.text(microseconds: SmallFile.now())), "jobId": .string(job.id), "jobType": "Import",
            "logType": .string(type), "details": details,
        ]
        pending += line.utf8()
        pending.append(0x0A)
        // A full disk shows when the log is closed, which is checked; until then lines are kept.
        if pending.count > 65_536 { try? write() }
    }

    private func write() throws(SystemError) {
        try file.write(pending)
        size += UInt64(pending.count)
        pending.removeAll(keepingCapacity: true)
    }

    /// The headers ask an Azure storage to store a blob; for other servers it is a PUT.
    private func send() throws(APIError) {
        guard let address else { return }
        do throws(SystemError) { try write() } catch { throw Self.failure(error) }
        do throws(TransferError) {
            let content = try Self.reading(path)
            try Upload.put(
                address, size: size, headers: ["x-ms-blob-type: BlockBlob", "Content-Type: application/x-ndjson"], rules,
                isCancelled: { [job] in job.isAbandoned },
                body: { (count) throws(TransferError) in
                    do throws(SystemError) { return try content.read(count) } catch { throw Self.transferError(error) }
                })
        } catch {
            throw APIError(
                .outputUnavailable,
                "The log cannot be written where outputBlobUri says: \(error.message) It is kept as \(path).")
        }
    }

    private static func reading(_ path: String) throws(TransferError) -> OpenFile {
        do throws(SystemError) { return try OpenFile(readingRegular: path) } catch { throw transferError(error) }
    }

    private static func transferError(_ error: SystemError) -> TransferError {
        TransferError(.local, "The file of the log cannot be read: \(error.reason).")
    }

    private static func failure(_ error: SystemError) -> APIError {
        APIError(.outputUnavailable, "The log of the job cannot be written: \(error.reason).")
    }
}
