import DropCore
import SystemKit

/// The sources that a file may belong to, and the rule by which it is complete.
struct Candidate {
    let members: [Routing.Member]
    let rule: ReadinessRule

    /// The only source; nil if plugins must be asked.
    var source: WatchedSource? { members.count == 1 && !isAsked ? members[0].source : nil }
    var bytesMax: UInt64 { members.map(\.source.fileBytesMax).max() ?? .max }
    private let isAsked: Bool

    init(members: [Routing.Member], rule: ReadinessRule, isAsked: Bool = false) {
        self.members = members
        self.rule = rule
        self.isAsked = isAsked
    }

    /// Files that can never be taken as they are.
    func refusal(of name: FileName, _ facts: FileFacts) -> WaitingReason? {
        guard facts.kind == .file else {
            return WaitingReason(.notAFile, "\(name) is a \(facts.kind.rawValue), not a file.")
        }
        let bytes = max(facts.bytes, facts.bytesAllocated > facts.bytes + (64 << 20) ? facts.bytesAllocated : 0)
        guard bytes <= bytesMax else {
            return WaitingReason(.tooBig, "\(name) has \(bytes) bytes; the source takes at most \(bytesMax).")
        }
        return nil
    }
}
