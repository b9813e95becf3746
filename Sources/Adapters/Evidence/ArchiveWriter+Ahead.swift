package import DropCore
import ThreadKit

extension ArchiveWriter {
    /// Compresses the bytes of a registered drop before it ends, so that its container is complete soon afterwards. Stops when
    /// all is done, when `append` needs the rest, or when `isOver` is true, which it asks once in a MiB. An earlier result is
    /// thrown away. If something fails here, `append` does it again and reports it.
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

    /// The container of an applied drop whose content was compressed ahead. If that failed, it is done again.
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
