import CodecKit
package import DropCore
import TwinModel

extension ArchiveWriter {
    /// Puts acts of people into the chain, in order, in one durable step. An act that is already there stays: a start after a
    /// crash finds it by its id.
    ///
    /// - Returns: the leaf of each.
    package func note(_ acts: [Act], now: UInt64) throws(DropError) -> [UInt64] {
        guard !acts.isEmpty else { return [] }
        return try use { (state) throws(DropError) in
            try self.findActs(acts.filter { $0.at < state.begun }, &state)
            let fresh = acts.filter { state.acts[$0.id] == nil }
            if !fresh.isEmpty {
                let leaves = try self.appending(fresh.map { Self.record(of: $0, state.chain.record(.act, at: now)) }, &state)
                for (act, leaf) in zip(fresh, leaves) { state.acts[act.id] = leaf }
            }
            return acts.map { state.acts[$0.id]! }
        }
    }

    private static func record(of act: Act, _ blank: ChainRecord) -> ChainRecord {
        var record = blank
        record.drop = act.drop
        record.source = act.source
        let at = JSON.Member("at", .string(UTCTime(milliseconds: act.at).description))
        record.extra = .object((act.extra.members ?? []) + [at])
        return record
    }

    /// Looks acts of earlier runs up in the chain, from its end back to a day before the oldest of them.
    private func findActs(_ acts: [Act], _ state: inout State) throws(DropError) {
        let wanted = Set(acts.map(\.id)).subtracting(state.acts.keys)
        guard let oldest = acts.map(\.at).min(), !wanted.isEmpty else { return }
        let end = state.chain.head.bytes
        let file = try StorageFile(places.chain, .read)
        var window: UInt64 = 1 << 20
        while true {
            let start = end > window ? end - window : 0
            var reader = try ChainReader(file, from: start, end: end)
            // The first line read may be only the rest of a line.
            if start > 0 { _ = try reader.next() }
            var first: UInt64?
            while let line = try reader.next() {
                guard let text = line.text, let record = ChainRecord(parsing: text) else {
                    throw .unsound("\(places.chain) byte \(line.offset): the line is damaged.")
                }
                first = first ?? record.at.milliseconds
                if let id = record.actID, wanted.contains(id) { state.acts[id] = record.index }
            }
            if start == 0 || (first ?? 0) + 86_400_000 < oldest { return }
            window *= 4
        }
    }
}

extension ChainRecord {
    /// The id of the act in a record; nil if the record is not of an act, or has no id.
    var actID: DropID? { kind == .act ? extra?["id"]?.string.flatMap { DropID($0) } : nil }

    /// What is missing in the record of an act; nil if it says who did what.
    var lackOfAct: String? {
        guard kind == .act else { return nil }
        if extra?["act"]?.string == nil { return "what was done" }
        if actID == nil { return "the act's id" }
        return extra?["by"].flatMap(Person.init(json:)) == nil ? "who did it" : nil
    }
}
