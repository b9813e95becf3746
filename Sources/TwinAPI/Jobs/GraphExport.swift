package import DropCore
import TwinModel

/// Writes a whole graph as an import job reads it: models, twins, relationships, one JSON object a line (adt-api §12.1).
package struct GraphExport {
    /// What was written.
    package struct Counts: Sendable, Equatable {
        package var models = 0
        package var twins = 0
        package var relationships = 0
    }

    private let service: any TwinService
    private let file: OpenFile
    private var pending: [UInt8] = []
    private var counts = Counts()

    /// Writes everything to `path`, which then stands there whole or, after an error, not at all. Blocking. What others change
    /// meanwhile may be in it or not.
    ///
    /// Errors: `export` where the file cannot be written or the graph cannot be read.
    package static func write(_ service: any TwinService, to path: String) throws(DropError) -> Counts {
        let beside = path + ".part"
        do {
            var export = GraphExport(service: service, file: try OpenFile(creating: beside))
            try export.run()
            try export.flush()
            try export.file.sync()
            try SmallFile.rename(beside, path)
            return export.counts
        } catch let failure as FileFailure {
            throw DropError(
                "export", "The file \(Escaping.visible(path)) cannot be written: \(failure.description).",
                hint: "Check the folder, its permissions and its free space.", remedy: .stop)
        } catch {
            let message = (error as? ServiceError)?.message ?? "\(error)"
            throw DropError("export", "The graph cannot be read: \(message)", hint: "Try again.", remedy: .stop)
        }
    }

    private mutating func run() throws {
        try line(["Section": "Header"])
        try line(["fileVersion": "1.0.0", "author": "twindrop", "organization": ""])
        try line(["Section": "Models"])
        var after: String?
        repeat {
            let page = try service.models(dependenciesFor: [], after: after, limit: 1000)
            for model in page.elements {
                // One line each: the text as uploaded may have several.
                guard let value = try? JSON(parsing: model.definition, depthMax: 64) else { continue }
                try line(value)
                counts.models += 1
            }
            after = page.next
        } while after != nil
        try line(["Section": "Twins"])
        counts.twins = try rows("SELECT * FROM digitaltwins") { Self.twin($0) }
        try line(["Section": "Relationships"])
        counts.relationships = try rows("SELECT * FROM relationships") { row in
            JSON.object((row.members ?? []).filter { $0.name != "$etag" })
        }
    }

    private mutating func rows(_ query: String, _ shape: (JSON) -> JSON) throws -> Int {
        var count = 0
        var continuation: String?
        repeat {
            let page = try service.query(continuation == nil ? query : nil, continuation: continuation, limit: 1000)
            for row in page.rows {
                try line(shape(row))
                count += 1
            }
            continuation = page.continuation
        } while continuation != nil
        return count
    }

    /// Without what the service sets itself: tag and times of update; source times stay.
    private static func twin(_ document: JSON) -> JSON {
        .object(
            (document.members ?? []).compactMap { member in
                switch (member.name, member.value) {
                case ("$etag", _): nil
                case ("$metadata", _): JSON.Member(member.name, metadata(member.value))
                case (_, .object): JSON.Member(member.name, twin(member.value))
                default: member
                }
            })
    }

    private static func metadata(_ value: JSON) -> JSON {
        .object(
            (value.members ?? []).compactMap { member in
                if member.name == "$lastUpdateTime" { return nil }
                guard member.value.members != nil else { return member }
                guard let source = member.value["sourceTime"] else { return nil }
                return JSON.Member(member.name, ["sourceTime": source])
            })
    }

    private mutating func line(_ value: JSON) throws(FileFailure) {
        pending += value.utf8()
        pending.append(0x0A)
        if pending.count > 1 << 18 { try flush() }
    }

    private mutating func flush() throws(FileFailure) {
        try file.write(pending)
        pending.removeAll(keepingCapacity: true)
    }
}
