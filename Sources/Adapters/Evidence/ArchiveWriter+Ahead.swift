package import DropCore
import ThreadKit

extension ArchiveWriter {
    /// Compresses the bytes of a registered drop that has not ended, so that its container is soon complete when it has; until
    /// all is done, `append` needs the rest, or `isOver`, which is asked once in a MiB. Whatever was compressed ahead before is
    /// thrown away. What fails here is done again, and reported, by `append`.
    ///
    /// Beside all other calls, from one thread at a time.
    package func compressAhead(_ record: DropRecord, path: String, until isOver: () -> Bool) {
        do throws(DropError) {
            let name = places.temporary + "/ahead-\(record.id).tar.zst"
            let content = try ContentAhead(ContentSource(of: record, at: path), path: name, level: limits.level)
            ahead.with { $0 = content }
            try content.advance(until: isOver)
        } catch {
            forgetAhead(record.id)
        }
    }

    /// Throws away what was compressed ahead of a drop, if anything was, and was not used.
    package func forgetAhead(_ drop: DropID) { _ = takeAhead(drop) }

    /// The container of a drop that was applied and whose content was compressed ahead. What went wrong with that is done again.
    func containerAhead(_ item: ArchiveItem, at label: UInt64) -> Container? {
        guard let content = takeAhead(item.record.id), item.kind == "applied", item.sameBytesAs == nil else { return nil }
        return try? Container(content, item, level: limits.level, at: label)
    }

    private func takeAhead(_ drop: DropID) -> ContentAhead? {
        ahead.with { ahead in
            guard ahead?.drop == drop else { return nil }
            defer { ahead = nil }
            return ahead
        }
    }
}
