import CodecKit
package import DropCore
import SystemKit
import TwinModel

/// Writes a whole graph as an import job reads it: models, twins, relationships, one JSON object a line (docs/azure-contract.md,
/// "Import jobs").
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

    /// Writes the graph of one moment to `path`. The file is there as a whole or, after an error, not at all. Blocking.
    ///
    /// Errors: `export` if the file cannot be written or the graph cannot be read.
    package static func write(_ service: any TwinService, to path: String) throws(StartError) -> Counts {
        let beside = path + ".part"
        do {
            var export = GraphExport(service: service, file: try OpenFile(creating: beside))
            try export.run()
            try export.flush()
            try export.file.sync()
            try SmallFile.rename(beside, path)
            return export.counts
        } catch let failure as SystemError {
            throw StartError(
                .export, "The file \(Escaping.visible(path)) cannot be written: \(failure.reason).",
                hint: "Check the folder, its permissions and its free space.")
        } catch {
            let message = (error as? ServiceError)?.message ?? "\(error)"
            throw StartError(.export, "The graph cannot be read: \(message)", hint: "Try again.")
        }
    }

    private mutating func run() throws {
        try line(["Section": "Header"])
        try line(["fileVersion": "1.0.0", "author": "twindrop", "organization": ""])
        var rank = 0
        func section(_ next: Int, _ export: inout GraphExport) throws {
            while rank < next {
                rank += 1
                try export.line(["Section": .string(["Models", "Twins", "Relationships"][rank - 1])])
            }
        }
        try service.export { part in
            switch part {
            case .model(let model):
                try section(1, &self)
                // One line each: the text as uploaded may have several.
                try line(JSON(parsing: model.definition, depthMax: 64))
                counts.models += 1
            case .twin(let document, let conforms):
                try section(2, &self)
                try line(Self.marked(Self.twin(document), conforms))
                counts.twins += 1
            case .relationship(let document, let conforms):
                try section(3, &self)
                try line(Self.marked(JSON.object((document.members ?? []).filter { $0.name != "$etag" }), conforms))
                counts.relationships += 1
            }
        }
        try section(3, &self)
    }

    /// The member that tells an import to accept a line as it is.
    static let unchecked = "$unchecked"

    private static func marked(_ document: JSON, _ conforms: Bool) -> JSON {
        conforms ? document : .object((document.members ?? []) + [.init(unchecked, true)])
    }

    /// Without the members that the service sets itself: tag and times of update. Source times stay.
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

    private mutating func line(_ value: JSON) throws(SystemError) {
        pending += value.utf8()
        pending.append(0x0A)
        if pending.count > 1 << 18 { try flush() }
    }

    private mutating func flush() throws(SystemError) {
        try file.write(pending)
        pending.removeAll(keepingCapacity: true)
    }
}
