import CodecKit
package import DropCore
import SystemKit

extension Claimer {
    /// After a crash: finds each intent's file in the spool (adopted), in its landing folder by device and inode (withdrawn: it
    /// is found again by the scan), or nowhere (missing). Removes unfinished copies and finishes finished ones. May be repeated.
    package func recover(_ intents: [DropRecord]) throws(DropError) -> [RecoveredClaim] {
        let spool = try openSpool()
        do {
            try removeUnfinishedCopies(spool.number)
            var lost: [DropRecord] = []
            for intent in intents where try Self.spooled(intent.id, spool.number) == nil { lost.append(intent) }
            var found = search(for: Set(lost.map { FileKey($0.intake) }))
            let asides = search(forAsides: Set(intents.map(\.id)))
            var out: [RecoveredClaim] = []
            for intent in intents {
                if let facts = try Self.spooled(intent.id, spool.number) {
                    try makeDurable(intent.id, spool.number)
                    if let aside = asides[intent.id] { try Self.removeAside(intent, in: aside, spool.number) }
                    out.append(.adopted(intent.id, bytes: facts.bytes))
                } else if let aside = asides[intent.id] {
                    try Self.returnAside(intent, in: aside)
                    out.append(.withdrawn(intent.id))
                } else if found.remove(FileKey(intent.intake)) != nil {
                    out.append(.withdrawn(intent.id))
                } else {
                    out.append(.missing(intent.id))
                }
            }
            try SystemCall.sync(spool.number, "spool")
            return out
        } catch {
            throw Self.storage(error)
        }
    }

    /// Ids of the files in the spool, for finding those that no drop accounts for.
    package func spooled() throws(DropError) -> [DropID] {
        let spool = try openSpool()
        do { return try Self.names(spool.number).compactMap { DropID(String(decoding: $0.bytes, as: UTF8.self)) } } catch {
            throw Self.storage(error)
        }
    }

    private struct FileKey: Hashable {
        let device: UInt64
        let inode: UInt64
        init(_ identity: FileIdentity) { (device, inode) = (identity.device, identity.inode) }
    }

    private static func spooled(_ id: DropID, _ spool: CInt) throws(SystemError) -> FileFacts? {
        do { return try SystemCall.facts(of: FileName(id.description), in: spool) } catch  where error.isMissing {
            return nil
        }
    }

    /// The crash may have come before the mode was set, before the rename was synced, or before it was seen that somebody has
    /// another name for the file, by which he could change it: then a copy takes its place.
    private func makeDurable(_ id: DropID, _ spool: CInt) throws(SystemError) {
        let name = FileName(id.description)
        let file = try SystemCall.openFile(name, in: spool)
        for _ in 0..<3 {
            let facts = try SystemCall.facts(of: file.number)
            guard facts.links > 1 else { break }
            let temporary = FileName(id.description + ".tmp")
            let bytes = try FileCopy.make(of: file.number, facts, as: temporary, in: spool)
            if bytes != nil { return try SystemCall.replace(name, with: temporary, in: spool) }
            try SystemCall.unlink(temporary, in: spool)  // It was written to meanwhile.
        }
        try SystemCall.setMode(file.number, 0o600)
        try SystemCall.sync(file.number, id.description)
    }

    private func removeUnfinishedCopies(_ spool: CInt) throws(SystemError) {
        for name in try Self.names(spool) where Glob("*.tmp*").matches(name.bytes) { try SystemCall.unlink(name, in: spool) }
    }

    private static func names(_ folder: CInt) throws(SystemError) -> [FileName] {
        let reader = try FolderReader(FileName("."), in: folder)
        var entries: [FolderReader.Entry] = []
        while try reader.next(max: 4096, into: &entries) {}
        return entries.map(\.name)
    }

    /// Which of the files lie in a landing folder. Folders that cannot be read hold none that could be found again.
    private func search(for wanted: Set<FileKey>) -> Set<FileKey> {
        var found: Set<FileKey> = []
        guard !wanted.isEmpty else { return found }
        let inodes = Set(wanted.map(\.inode))
        visit { folder, _, entry in
            guard inodes.contains(entry.inode), let facts = try? SystemCall.facts(of: entry.name, in: folder) else { return }
            let key = FileKey(facts.identity)
            if wanted.contains(key) { found.insert(key) }
        }
        return found
    }

    /// Originals of finished copies, set aside to be removed, by drop: the folder each lies in.
    private func search(forAsides ids: Set<DropID>) -> [DropID: (folder: FolderPath, root: FolderPath)] {
        var found: [DropID: (folder: FolderPath, root: FolderPath)] = [:]
        let prefix = Array(FileClaim.asidePrefix.utf8)
        guard !ids.isEmpty else { return found }
        visit { _, place, entry in
            guard entry.name.bytes.starts(with: prefix) else { return }
            let text = String(decoding: entry.name.bytes.dropFirst(prefix.count), as: UTF8.self)
            if let id = DropID(text), ids.contains(id) { found[id] = place }
        }
        return found
    }

    /// Calls `body` for every name in the landing folders that is not a folder.
    private func visit(
        _ body: (_ folder: CInt, _ place: (folder: FolderPath, root: FolderPath), _ entry: FolderReader.Entry) -> Void
    ) {
        for root in roots {
            var pending = [root.path]
            while let path = pending.popLast() {
                guard let opened = try? path.open(below: root.path),
                    let reader = try? FolderReader(FileName("."), in: opened.number)
                else { continue }
                var entries: [FolderReader.Entry] = []
                var more = true
                while more {
                    entries.removeAll(keepingCapacity: true)
                    more = (try? reader.next(max: 4096, into: &entries)) ?? false
                    for entry in entries {
                        let isFolder =
                            entry.isFolder ?? ((try? SystemCall.facts(of: entry.name, in: reader.descriptor))?.kind == .folder)
                        if !isFolder {
                            body(reader.descriptor, (path, root.path), entry)
                        } else if root.recursive {
                            pending.append(path.appending(entry.name))
                        }
                    }
                }
            }
        }
    }

    /// The copy is durable, so what was set aside goes. One that has other bytes than the copy (a writer went on, or a power cut
    /// took what was not synced) gets its name back: it is a drop of its own.
    private static func removeAside(
        _ intent: DropRecord, in place: (folder: FolderPath, root: FolderPath), _ spool: CInt
    ) throws(SystemError) {
        let aside = FileClaim.asideName(of: intent.id)
        // Where the folder is away, the next recovery tries again; left behind it only takes space.
        guard let folder = try? place.folder.open(below: place.root),
            let original = try? SystemCall.openFile(aside, in: folder.number)
        else { return }
        let copy = try SystemCall.openFile(FileName(intent.id.description), in: spool)
        if (try? FileCopy.areEqual(original.number, copy.number)) == true {
            try? SystemCall.unlink(aside, in: folder.number)
        } else {
            try returnAside(intent, in: place)
        }
    }

    /// Gives the file its name back, or one beside it.
    private static func returnAside(
        _ intent: DropRecord, in place: (folder: FolderPath, root: FolderPath)
    ) throws(SystemError) {
        let folder = try place.folder.open(below: place.root)
        _ = try FileClaim.giveBack(
            FileClaim.asideName(of: intent.id), in: folder.number, to: intent.fileName, in: folder.number, intent.id)
        try SystemCall.sync(folder.number, place.folder.description)
    }
}
