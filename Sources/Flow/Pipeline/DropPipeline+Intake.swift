import DropCore
import ThreadKit

extension DropPipeline {
    /// S1: takes settled files out of the drop zone, many at a time. Files go on to S2 and S3 while the folders are synced, a
    /// lone small one before that; `waitForClaim` keeps what they come to from being written down before.
    func claimLoop() throws(DropError) {
        // Sources that keep an order and of which a file could not be claimed: what was submitted until then waits with it.
        var stopped: [SourceName: Int] = [:]
        while true {
            let submitted = intake.popAll(max: limits.batchDrops)
            guard !submitted.isEmpty else { return }
            let behind = submitted.filter { $0.number <= stopped[$0.file.source, default: 0] }.map(\.file)
            if !behind.isEmpty {
                state.with { $0.active -= behind.count }
                afterClaim(behind.map { ($0, .behind) })
            }
            let files = byName(submitted.filter { $0.number > stopped[$0.file.source, default: 0] }.map(\.file))
            guard !files.isEmpty else { continue }
            if !limits.waitsForSpace, let shortage = shortage(limits.softFree) {
                state.with { $0.active -= files.count }
                afterClaim(files.map { ($0, .notYet(WaitingReason(shortage))) })
                continue
            }
            guard waitForSpace(limits.softFree) else { return }
            let named = files.map { (file: $0, id: clock.nextID()) }
            let now = clock.now()
            var results: [ClaimResult] = []
            var begun: Set<DropID> = []
            // While there is no room for the intents, nothing else is claimed: what comes later must not overtake.
            let isClaimed = try insisting { () throws(DropError) in
                results = try timed(.claim) { () throws(DropError) in try claim(named, at: now, begun: &begun) }
            }
            guard isClaimed else { return }
            if !begun.isEmpty { state.with { $0.undurable.subtract(begun) } }
            for (result, (file, id)) in zip(results, named) {
                switch result {
                case .claimed(_, let bytes):
                    if !begun.contains(id) { begin(claimedRecord(file, id, bytes, at: now), isDurable: true) }
                case .refused(let error):
                    state.with { $0.active -= 1 }
                    tell(.refused(file, error))
                case .notYet:
                    let newest = state.with { state in
                        state.active -= 1
                        return state.submissions
                    }
                    if keepsOrder(file.source) { stopped[file.source] = newest }
                }
            }
            afterClaim(Array(zip(files, results)))
        }
    }

    /// Claims the files and begins with those that are moved before the claim is durable; adds these to `begun`.
    private func claim(
        _ named: [(file: SettledFile, id: DropID)], at now: UInt64, begun: inout Set<DropID>
    ) throws(DropError) -> [ClaimResult] {
        var held: DropRecord?
        defer { if let held, !begun.contains(held.id) { void(held.id, of: held.source) } }
        return try ports.claimer.claim(
            named, at: now,
            whenHeld: { descriptor, bytes in
                let record = claimedRecord(named[0].file, named[0].id, bytes, at: now)
                if beginHeld(record, descriptor) { held = record }
            },
            whenMoved: { moved in
                for case (let (file, id), .claimed(_, let bytes)?) in zip(named, moved) {
                    begun.insert(id)
                    if let held {
                        ports.spool.endLoan(of: id)
                        tell(.claimed(held))
                    } else {
                        begin(claimedRecord(file, id, bytes, at: now), isDurable: false)
                    }
                }
            })
    }

    private func claimedRecord(_ file: SettledFile, _ id: DropID, _ bytes: UInt64, at now: UInt64) -> DropRecord {
        DropRecord(
            id: id, source: file.source, fileName: file.name, bytes: bytes, state: .claimed, claimedAt: now, changedAt: now,
            intake: file.identity, reason: file.defect.map(DropReason.init))
    }

    private func begin(_ record: DropRecord, isDurable: Bool) {
        state.quietly { state in
            state.inFlight[record.id] = record
            if !isDurable { state.undurable.insert(record.id) }
        }
        tell(.claimed(record))
        enqueueClaimed(record)
    }

    func enqueueClaimed(_ record: DropRecord) {
        state.quietly { $0.unregistered += 1 }
        claimed.push(record)
    }

    /// Files that wait together in a source ordered by name, by their names: the first to be registered is the first to go on.
    func byName(_ files: [SettledFile]) -> [SettledFile] {
        var sorted = files
        for source in Set(files.map(\.source)) where sources[source]?.order == .name {
            let places = files.indices.filter { files[$0].source == source }
            let names = places.map { files[$0] }.sorted { $0.name.bytes.lexicographicallyPrecedes($1.name.bytes) }
            for (place, file) in zip(places, names) { sorted[place] = file }
        }
        return sorted
    }

    /// S2: reads each claimed file once for its digest. The row becomes durable with the commit of S4.
    ///
    /// A large file is read beside, so that it holds nobody up but those behind it in its source.
    func registerLoop() throws(DropError) {
        defer { claimedLarge.close() }
        while let record = claimed.pop() {
            let isForLane = state.quietly { state in
                let isForLane = record.bytes >= limits.aheadBytes || state.inLargeLane[record.source, default: 0] > 0
                if isForLane { state.inLargeLane[record.source, default: 0] += 1 }
                return isForLane
            }
            if isForLane { claimedLarge.push(record) } else { guard try register(record) else { return } }
        }
    }

    /// The lane of large files. What it has in hand when the pipeline stops is unfinished work, which the next start takes up.
    func registerLargeLoop() throws(DropError) {
        while let record = claimedLarge.pop() {
            let now = clock.now()
            let isStopping = state.quietly { state in
                if record.bytes >= limits.aheadBytes { state.reading[record.id] = (record, now) }
                return state.isStopping
            }
            defer {
                state.quietly { state in
                    state.reading[record.id] = nil
                    state.inLargeLane[record.source, default: 1] -= 1
                }
            }
            guard !isStopping, try register(record) else { return }
        }
    }

    /// False when the pipeline stops first.
    private func register(_ claimedRecord: DropRecord) throws(DropError) -> Bool {
        defer { state.quietly { $0.unregistered -= 1 } }
        var record = claimedRecord
        do throws(DropError) {
            let isRead = try insisting { () throws(DropError) in
                record.digest = try timed(.register) { () throws(DropError) in
                    try ports.spool.digest(of: record.id) { state.quietly { $0.isStopping } && record.bytes >= limits.aheadBytes }
                }
            }
            guard isRead else { return false }
            if let known = claimedRecord.digest, known != record.digest {
                let found = record.digest
                record.digest = known
                throw ByteLoss.changed(ports.spool.path(of: record.id), known: known, found: found)
            }
            if let reason = record.reason {  // Its claim said why it is not to be processed.
                guard waitForClaim(of: record.id) == .durable else { return false }
                return try insisting { [record] () throws(DropError) in try quarantine(record, because: reason) }
            }
            record.state = .registered
            state.with { [record] state in state.enqueue(record) }
            // Only the lane of large files pushes; where there is no room, it is compressed when its turn comes.
            if record.bytes >= limits.aheadBytes, large.count < large.capacity { large.push(record) }
        } catch {
            guard waitForClaim(of: record.id) == .durable else { return false }
            guard let reason = record.reason, error.remedy == .quarantine else {
                try remedy(error, for: record)
                return true
            }
            // The reason of its claim stands: a later run, which can read the bytes, must not process them.
            tell(.failed(error))
            return try insisting { [record] () throws(DropError) in try quarantine(record, because: reason) }
        }
        return true
    }

    /// What keeps files or drops where they are while the state folder has less room than `mark`; nil: it has more.
    func shortage(_ mark: (share: Double, bytes: UInt64)) -> DropError? {
        // Not knowing is no reason to stop: what needs the room reports what is wrong.
        guard let space = try? ports.spool.freeSpace() else { return nil }
        let floor = SpaceReserve(share: mark.share, bytes: mark.bytes).floor(of: space)
        guard space.bytesFree < floor else { return nil }
        state.with { $0.diskIsFull = true }
        return DropError(
            .diskFull,
            "\(ByteCount.text(space.bytesFree)) are free on the file system of state, below the mark of \(ByteCount.text(floor)) "
                + "(limits.free-space).",
            hint: "Make room there.", remedy: .suspendSource)
    }

    /// Waits while the state folder has less room than `mark`; false when the pipeline stops meanwhile.
    func waitForSpace(_ mark: (share: Double, bytes: UInt64)) -> Bool {
        var wasFull = false
        while true {
            // Not knowing is no reason to stop intake: the claim itself reports what is wrong.
            guard let space = try? ports.spool.freeSpace() else { return true }
            let floor = min(mark.bytes, UInt64(Double(space.bytesTotal) * mark.share))
            let back = floor + (wasFull ? space.bytesTotal / 50 : 0)
            if space.bytesFree >= min(back, floor + (1 << 30)) {
                if wasFull { state.with { $0.diskIsFull = false } }
                return !state.quietly { $0.isCancelled }
            }
            wasFull = true
            let stopping = state.with { state in
                state.diskIsFull = true
                return state.isStopping
            }
            if stopping { return false }
            _ = state.wait(until: { $0.isStopping }, timeout: .seconds(1)) { $0.isStopping }
        }
    }
}
