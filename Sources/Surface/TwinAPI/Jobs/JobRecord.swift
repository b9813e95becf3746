import TwinModel

/// One bulk job, as far as it is known: kept in a file of its own, so that it outlives the process (docs/azure-contract.md,
/// "Import jobs" and "Deletion jobs").
package struct JobRecord: Sendable, Equatable {
    package enum Kind: String, Sendable { case imports, deletions }

    package enum Status: String, Sendable {
        case notstarted, running, succeeded, failed, cancelling, cancelled

        /// Whether the job can still change the graph.
        var isActive: Bool { self == .notstarted || self == .running || self == .cancelling }
    }

    package let id: String
    package let kind: Kind
    /// Where an import reads, and where it writes its log, as the caller gave them, without the queries of URLs; empty
    /// for deletions.
    package let input: String
    package let output: String
    package var status: Status
    /// Microseconds since 1970.
    package let created: Int64
    package var lastAction: Int64
    package var finished: Int64?
    /// Code and sentence.
    package var error: (code: String, message: String)?
    /// Who asked for it.
    let caller: String

    init(id: String, kind: Kind, input: String = "", output: String = "", created: Int64, caller: String) {
        self.id = id
        self.kind = kind
        self.input = input
        self.output = output
        status = .notstarted
        self.created = created
        lastAction = created
        self.caller = caller
    }

    /// Records are kept for 30 days after their making.
    var purge: Int64 { created + 30 * 86_400_000_000 }

    /// As the API shows it; members without a value are left out.
    var document: JSON {
        var members: [JSON.Member] = [.init("id", .string(id))]
        if kind == .imports {
            members += [.init("inputBlobUri", .string(input)), .init("outputBlobUri", .string(output))]
        }
        members += [
            .init("status", .string(status.rawValue)), .init("createdDateTime", .string(Instant.text(microseconds: created))),
        ]
        if kind == .imports { members.append(.init("lastActionDateTime", .string(Instant.text(microseconds: lastAction)))) }
        if let finished { members.append(.init("finishedDateTime", .string(Instant.text(microseconds: finished)))) }
        members.append(.init("purgeDateTime", .string(Instant.text(microseconds: purge))))
        if let error {
            members.append(.init("error", ["code": .string(error.code), "message": .string(error.message)]))
        }
        return .object(members)
    }

    package static func == (one: JobRecord, other: JobRecord) -> Bool { one.stored == other.stored }
}

extension JobRecord {
    /// As it is kept in its file.
    var stored: JSON {
        var members: [JSON.Member] = [
            .init("id", .string(id)), .init("kind", .string(kind.rawValue)), .init("input", .string(input)),
            .init("output", .string(output)), .init("status", .string(status.rawValue)), .init("created", .int(created)),
            .init("lastAction", .int(lastAction)), .init("caller", .string(caller)),
        ]
        if let finished { members.append(.init("finished", .int(finished))) }
        if let error {
            members += [.init("errorCode", .string(error.code)), .init("errorMessage", .string(error.message))]
        }
        return .object(members)
    }

    /// Nil if the text is not a record.
    init?(stored value: JSON) {
        guard let id = value["id"]?.string, let kind = value["kind"]?.string.flatMap(Kind.init(rawValue:)),
            let status = value["status"]?.string.flatMap(Status.init(rawValue:)), let created = value["created"]?.int
        else { return nil }
        self.init(
            id: id, kind: kind, input: value["input"]?.string ?? "", output: value["output"]?.string ?? "", created: created,
            caller: value["caller"]?.string ?? "")
        self.status = status
        lastAction = value["lastAction"]?.int ?? created
        finished = value["finished"]?.int
        if let code = value["errorCode"]?.string { error = (code, value["errorMessage"]?.string ?? "") }
    }
}
