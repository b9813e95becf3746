import DropCore
import HomeConfiguration
import TwinModel
import TwinStore

/// What a file that is delivered now would come behind, and which drop it would not replace
/// (docs/decisions/0048-replacing-a-drop.md).
struct PlannedPlace {
    /// The drop that waits for a person, and that the file would wait behind.
    let behind: DropRecord?
    /// The newest drop of the same name that waits for a person.
    let beside: DropRecord?

    init(of name: FileName, _ source: Source, _ store: TwinStore) throws(DropError) {
        let open = try store.register.drops(in: [.held, .quarantined]).filter {
            $0.source == source.name && $0.link?.kind != .amends
        }
        beside = open.last { $0.fileName == name }
        guard source.order != .none else {
            behind = nil
            return
        }
        // A quarantined drop counts until something behind it was applied; one that came too late blocks nobody.
        let quarantined = Set(try store.register.blocking(source.name, source.order).map(\.id))
        behind = open.first { drop in
            guard source.order == .arrival || !(name < drop.fileName) else { return false }
            return drop.state == .held
                ? drop.reason?.code != .late && drop.reason?.code != .lateUndecided : quarantined.contains(drop.id)
        }
    }

    /// For people.
    var lines: [String] {
        var lines: [String] = []
        if let behind {
            lines.append(
                "It would wait behind drop \(behind.id) (\(behind.fileName)), which is \(behind.state.rawValue), and come after what "
                    + "waits already. [\(WaitingReason.Code.blocked.rawValue)]")
        }
        if let beside {
            lines.append(
                "It would not take the place of drop \(beside.id), which has this name and is \(beside.state.rawValue), but count as newer "
                    + "than all that came before: `twindrop retry \(beside.id) --with FILE` runs a file in that drop's place.")
        }
        return lines
    }

    var json: JSON {
        [
            "behind": behind.map { .string($0.id.description) } ?? .null,
            "beside": beside.map { .string($0.id.description) } ?? .null,
        ]
    }
}
