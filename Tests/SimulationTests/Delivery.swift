import DropCore
import TwinModel

/// What a file of the simulation says: a line for each record.
///
///     set TWIN NUMBER     the twin exists and has this value
///     del TWIN            it does not
///     rej                 a record that the plugin refuses
///     amends DROP         the first line of corrected rows
///     bad                 a file that the plugin does not read
struct Delivery {
    private(set) var lines: [[String]]

    init(_ lines: [String]) { self.lines = lines.map { $0.split(separator: " ").map(String.init) } }

    init(bytes: [UInt8]) { self.init(String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)) }

    var bytes: [UInt8] { lines.flatMap { Array(($0.joined(separator: " ") + "\n").utf8) } }
    var isBad: Bool { lines.first == ["bad"] }
    var hasRefused: Bool { lines.contains(["rej"]) }
    var amends: DropID? {
        guard let first = lines.first, first.count == 2, first[0] == "amends" else { return nil }
        return DropID(first[1])
    }

    /// As a worker sends it.
    var stream: [UInt8] {
        var writer = OperationWriter()
        let value = writer.key("v")
        for line in lines {
            let length = UInt64(line.joined(separator: " ").utf8.count + 1)
            guard line[0] != "amends" else {
                writer.span(.header, length: length)
                continue
            }
            writer.record(length: length)
            switch line[0] {
            case "set":
                writer.beginTwin(.upsertTwin, line[1])
                writer.set(value, .integer(Int64(line[2]) ?? 0))
                writer.end()
            case "del":
                writer.beginTwin(.deleteTwin, line[1])
                writer.end()
            default: writer.reject(code: "bad-row", message: "It is refused.")
            }
        }
        return writer.takeBytes()
    }

    /// What it makes of what its source said before: written from docs/failure-model.md and docs/decisions/0027-snapshots.md, and
    /// apart from any store.
    func fold(into twins: inout [String: Int64], isList: Bool) {
        guard !lines.isEmpty else { return }  // It is recorded, and deletes nothing.
        var listed: [String: Int64] = [:]
        for line in lines {
            switch line[0] {
            case "set":
                twins[line[1]] = Int64(line[2])
                listed[line[1]] = Int64(line[2])
            case "del":
                twins[line[1]] = nil
                listed[line[1]] = nil
            default: break
            }
        }
        // What a refused record lists is not known, so nothing is missing from such a list.
        if isList, amends == nil, !hasRefused { twins = listed }
    }
}
