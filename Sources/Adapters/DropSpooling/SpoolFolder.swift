package import DropCore
import SystemPackage
import ThreadKit
package import TwinModel

/// The folder `state/spool/in`, where claimed bytes lie under their drop's id, and `state/quarantine`.
///
/// Names below both are generated from ids and dates, never taken from a sender. Files are 0600, folders 0700.
package struct SpoolFolder: DropSpool {
    private let state: FilePath
    /// Files that are on their way here, each open under a descriptor of ours.
    private let attached = Monitor<[DropID: CInt]>([:])
    private var spool: FilePath { state.appending("spool/in") }

    /// Opens the folders below `state` (absolute), making what is missing.
    package init(state: String) throws(DropError) {
        self.state = FilePath(state)
        for folder in ["spool", "spool/in", "spool/out", "quarantine"] { try Self.make(self.state.appending(folder)) }
    }

    /// Where the comparison of large drops keeps what it cannot keep in memory: disposable.
    package var scratchFolder: String { state.appending("spool/out").string }

    /// Removes what an earlier run left in the scratch folder.
    package func clearScratch() throws(DropError) {
        for name in Self.names(in: state.appending("spool/out")) {
            try Self.remove(state.appending("spool/out/\(name)"))
        }
    }

    package func path(of drop: DropID) -> String { spool.appending(drop.description).string }

    package func contains(_ drop: DropID) -> Bool { Self.isFile(spool.appending(drop.description)) }

    package func attachDescriptor(_ descriptor: CInt, as drop: DropID) throws(DropError) {
        let own = try Self.duplicate(descriptor)
        attached.withoutWaking { $0[drop] = own }
    }

    package func detachDescriptor(of drop: DropID) {
        attached.withoutWaking { attached in
            if let descriptor = attached.removeValue(forKey: drop) { Self.close(descriptor) }
        }
    }

    package func withDescriptor<T>(
        of drop: DropID, _ body: (_ descriptor: CInt, _ bytes: UInt64) throws(DropError) -> T
    ) throws(DropError) -> T {
        let path = spool.appending(drop.description)
        // Opened anew, not duplicated: each reader has an offset of its own.
        let reopened = try attached.withoutWaking { (attached) throws(DropError) in
            if let open = attached[drop] { try Self.reopen(open) } else { nil as CInt? }
        }
        if let reopened {
            defer { Self.close(reopened) }
            return try body(reopened, try Self.size(of: reopened, path))
        }
        let (descriptor, bytes) = try Self.openToRead(path)
        defer { Self.close(descriptor) }
        return try body(descriptor, bytes)
    }

    package func digest(of drop: DropID, isCancelled: () -> Bool) throws(DropError) -> ContentDigest {
        try retryingUntilSpace { () throws(DropError) in
            try withDescriptor(of: drop) { (descriptor, _) throws(DropError) in
                try Self.hash(descriptor, spool.appending(drop.description), isCancelled: isCancelled)
            }
        }
    }

    /// The SHA-256 of a plain file of the spool or of quarantine, for one who only looks. Errors as `digest(of:)`.
    package static func digest(ofFile path: String) throws(DropError) -> ContentDigest {
        let path = FilePath(path)
        let descriptor = try openToRead(path).descriptor
        defer { close(descriptor) }
        return try hash(descriptor, path)
    }

    /// Runs `body` up to three times while the medium does not give the bytes.
    private func retryingUntilSpace<T>(_ body: () throws(DropError) -> T) throws(DropError) -> T {
        var attempt = 0
        while true {
            do throws(DropError) { return try body() } catch {
                attempt += 1
                guard attempt < 3, error.code == .unreadable else { throw error }
            }
        }
    }

    package func fill(_ drop: DropID, _ body: (_ descriptor: CInt) throws(DropError) -> Void) throws(DropError) {
        let temporary = spool.appending("\(drop).tmp")
        do throws(DropError) { try Self.write(to: temporary, body) } catch {
            try Self.remove(temporary)
            throw error
        }
        try Self.move(temporary, to: spool.appending(drop.description))
        try Self.sync(folder: spool)
    }

    package func remove(_ drops: [DropID]) throws(DropError) {
        guard !drops.isEmpty else { return }
        for drop in drops {
            try Self.remove(spool.appending(drop.description))
        }
        try Self.sync(folder: spool)
    }

    package func freeSpace() throws(DropError) -> FreeSpace {
        try Self.space(of: state)
    }
}

extension SpoolFolder {
    private func folder(of drop: DropID, on day: UTCDay) -> FilePath {
        state.appending("quarantine/\(day)/\(drop)")
    }

    package func quarantinedPath(of drop: DropID, on day: UTCDay) -> String {
        folder(of: drop, on: day).appending("content").string
    }

    package func isQuarantined(_ drop: DropID, on day: UTCDay) -> Bool {
        Self.isFile(folder(of: drop, on: day).appending("content"))
    }

    package func quarantinedDigest(
        of drop: DropID, on day: UTCDay
    ) throws(DropError) -> (bytes: UInt64, digest: ContentDigest) {
        let path = folder(of: drop, on: day).appending("content")
        return try retryingUntilSpace { () throws(DropError) in
            let (descriptor, bytes) = try Self.openToRead(path)
            defer { Self.close(descriptor) }
            return (bytes, try Self.hash(descriptor, path))
        }
    }

    package func quarantine(_ drop: DropID, on day: UTCDay, reason: JSON) throws(DropError) {
        let target = folder(of: drop, on: day)
        try makeAll(target)
        try Self.write(reason.text(.pretty) + "\n", to: target.appending("reason.json"))
        if contains(drop) {
            try Self.move(spool.appending(drop.description), to: target.appending("content"))
        }
        try Self.sync(folder: target)
        try Self.sync(folder: spool)
    }

    package func requeueFromQuarantine(_ drop: DropID, on day: UTCDay, as copy: DropID) throws(DropError) {
        let from = FilePath(quarantinedPath(of: drop, on: day))
        if drop == copy {
            try Self.move(from, to: spool.appending(drop.description))
            try Self.sync(folder: spool)
            return try Self.sync(folder: from.removingLastComponent())
        }
        let temporary = spool.appending("\(copy).tmp")
        try Self.copy(from, to: temporary)
        try Self.move(temporary, to: spool.appending(copy.description))
        try Self.sync(folder: spool)
    }

    /// Files in the spool that belong to none of `known`: of drops that a database restored from a backup does not have.
    package func strangers(besides known: Set<DropID>) -> [String] {
        Self.names(in: spool).filter { name in !name.hasSuffix(".tmp") && DropID(name).map { !known.contains($0) } ?? true }
            .map { spool.appending($0).string }
    }

    package func quarantinedDrops() throws(DropError) -> [DropID] {
        // quarantine/YYYY/MM/DD/ULID/content
        var folders = [state.appending("quarantine")]
        for _ in 0..<4 { folders = folders.flatMap { folder in Self.folders(in: folder).map { folder.appending($0) } } }
        return folders.filter { Self.exists($0.appending("content")) }.compactMap { folder in
            folder.lastComponent.flatMap { DropID($0.string) }
        }
    }

    package func deleteQuarantined(_ drop: DropID, on day: UTCDay) throws(DropError) {
        let target = folder(of: drop, on: day)
        try Self.remove(target.appending("content"))
        try Self.sync(folder: target)
    }

    /// Makes the folder and its missing parents, each durable in its parent.
    private func makeAll(_ folder: FilePath) throws(DropError) {
        let parent = folder.removingLastComponent()
        if !Self.exists(parent) { try makeAll(parent) }
        try Self.make(folder)
        try Self.sync(folder: parent)
    }
}
