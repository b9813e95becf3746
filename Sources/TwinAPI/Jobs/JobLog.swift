import TwinModel

/// The log an import job writes beside its work: one JSON object a line (adt-api §12.2).
///
/// Used by the job's thread only; that is also why `OpenFile` may be shared.
final class JobLog {
    private let job: String
    private let file: OpenFile
    private var pending: [UInt8] = []

    init(job: String, path: String) throws(FileFailure) {
        self.job = job
        file = try OpenFile(creating: path)
    }

    func info(_ details: JSON) { line("Info", details) }

    /// Something that was refused; the job goes on.
    func error(_ details: JSON) { line("Error", details) }

    func flush() throws(FileFailure) {
        try file.write(pending)
        pending.removeAll(keepingCapacity: true)
        try file.sync()
    }

    private func line(_ type: String, _ details: JSON) {
        let line: JSON = [
            "timestamp": .string(Instant.text(microseconds: SmallFile.now())), "jobId": .string(job), "jobType": "Import",
            "logType": .string(type), "details": details,
        ]
        pending += line.utf8()
        pending.append(0x0A)
        // A full disk shows at the next flush, which is checked; until then lines are kept.
        if pending.count > 65_536, (try? file.write(pending)) != nil { pending.removeAll(keepingCapacity: true) }
    }
}
