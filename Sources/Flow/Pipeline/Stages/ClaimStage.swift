import DropCore
import ThreadKit

/// A settled file that waits for its claim.
struct Submitted: Sendable {
    let file: SettledFile
    let token: Tokens.Token
}

/// S1, one thread: takes settled files out of the drop zone, many at a time. It has them opened, writes their intents, has them
/// moved, and waits for the disk (docs/decisions/0043-claims-in-two-calls.md). Files go on to S2 and S3 while the folders are
/// synced, a lone small one before that (decision 0022); `waitForClaim` keeps what they come to from being written down before.
struct ClaimStage: Sendable {
    let shared: Shared
    let claimer: any FileClaimer
    let register: any DropRegister
    let spool: any DropSpool
    let room: DiskRoom
    /// A lane for each source: none delays another.
    let files: FairQueue<SourceName, Submitted>
    /// Where claimed drops go.
    let claimed: BoundedQueue<DropRecord>
    /// Told what became of files.
    let afterClaim: @Sendable ([(SettledFile, ClaimResult)]) -> Void

    /// Files below this many bytes are read on the claiming thread: another would take longer to wake.
    static let loneBytesMax: UInt64 = 64 << 10

    /// Intents of claims that failed. Their rows are still in the register.
    private let void = Monitor<[DropID]>([])

    /// A file of a claim: the drop that it is to be, and what became of it.
    private struct Claim {
        let file: SettledFile
        let token: Tokens.Token
        let id: DropID
        /// As its intent has it; nil before the file is open. The claimed drop is made here and nowhere else.
        var record: DropRecord?
        /// Nil: not known yet.
        var result: ClaimResult?
        /// It went on to the next stages before its claim was durable.
        var isBegun = false

        /// It is open, and is to be moved.
        var isReady: Bool { record != nil }
        /// Its intent stands, and its file lies in the spool.
        var claimed: DropRecord? {
            guard case .claimed(_, let bytes)? = result, var record else { return nil }
            record.bytes = bytes
            return record
        }
    }

    init(
        shared: Shared, claimer: any FileClaimer, register: any DropRegister, spool: any DropSpool, room: DiskRoom,
        files: FairQueue<SourceName, Submitted>, claimed: BoundedQueue<DropRecord>,
        afterClaim: @escaping @Sendable ([(SettledFile, ClaimResult)]) -> Void
    ) {
        (self.shared, self.claimer, self.register, self.spool, self.room) = (shared, claimer, register, spool, room)
        (self.files, self.claimed, self.afterClaim) = (files, claimed, afterClaim)
    }

    /// Hands over complete files. Waits while the lane of their source is full; false once it is closed.
    func submit(_ settled: [SettledFile]) -> Bool {
        let submitted = shared.ledger.withoutWaking { ledger in
            shared.byName(settled, \.self).map { Submitted(file: $0, token: ledger.drops.issue()) }
        }
        var isTaken = true
        for (source, lane) in Dictionary(grouping: submitted, by: \.file.source).sorted(by: { $0.key < $1.key }) {
            let pushed = files.push(contentsOf: lane, to: source)
            guard pushed < lane.count else { continue }
            isTaken = false
            end(lane[pushed...].map(\.token))
        }
        return isTaken
    }

    func run() throws(DropError) {
        // Sources that keep an order and of which a file could not be claimed: what was submitted until then waits with it.
        var stopped: [SourceName: Tokens.Token] = [:]
        while true {
            let next = files.popAll(max: shared.limits.batchDrops)
            guard !next.isEmpty else { return }
            let isBehind = { (one: Submitted) in stopped[one.file.source].map { one.token <= $0 } ?? false }
            leave(next.filter(isBehind), .behind)
            let batch = shared.byName(next.filter { !isBehind($0) }, \.file)
            guard !batch.isEmpty else { continue }
            if !shared.limits.waitsForSpace, let shortage = room.shortage(shared.limits.softFree) {
                leave(batch, .notYet(WaitingReason(shortage)))
                continue
            }
            guard room.wait(above: shared.limits.softFree), let results = try claim(batch) else { return }
            for (result, one) in zip(results, batch) {
                guard case .notYet = result, shared.keepsOrder(one.file.source) else { continue }
                stopped[one.file.source] = shared.ledger.withoutWaking { $0.drops.tokens.last }
            }
            afterClaim(zip(batch, results).map { ($0.file, $1) })
        }
    }

    /// What became of each file; nil when the pipeline stops first.
    private func claim(_ batch: [Submitted]) throws(DropError) -> [ClaimResult]? {
        let named = batch.map { Claim(file: $0.file, token: $0.token, id: shared.clock.nextID()) }
        let now = shared.clock.now()
        var claims: [Claim] = []
        // While there is no room for the intents, nothing else is claimed: what comes later must not overtake.
        let isClaimed = try room.retryingUntilSpace { () throws(DropError) in
            claims = named
            try shared.ledger.timed(.claim) { () throws(DropError) in try take(&claims, at: now) }
        }
        guard isClaimed else { return nil }
        if claims.contains(where: \.isBegun) {
            shared.ledger.with { ledger in
                for claim in claims where claim.isBegun { ledger.drops.change(claim.id) { $0.claimIsDurable() } }
            }
        }
        for claim in claims {
            if let record = claim.claimed {
                if !claim.isBegun { begin(record, claim.token, isDurable: true) }
                continue
            }
            end([claim.token])
            if case .refused(let error)? = claim.result { shared.emit(.refused(claim.file, error)) }
        }
        return claims.map { $0.result! }
    }

    /// One attempt at a claim. Its errors leave nothing begun, but for those that stop the pipeline.
    private func take(_ claims: inout [Claim], at now: UInt64) throws(DropError) {
        // No file is claimed a second time while its first intent stands: a start could not tell which of them has its bytes.
        try withdrawVoid()
        for index in claims.indices { claims[index].result = try knownDefect(of: claims[index]).map { .refused($0) } }
        let asked = claims.indices.filter { claims[$0].result == nil }
        guard !asked.isEmpty else { return }
        let open = try claimer.prepare(asked.map { (claims[$0].file, claims[$0].id) })
        var early: DropRecord?
        defer {
            open.close()
            if let early, !claims.contains(where: { $0.id == early.id && $0.isBegun }) { void(early.id, of: early.source) }
        }
        for (index, opening) in zip(asked, open.openings) {
            switch opening {
            case .not(let result): claims[index].result = result
            case .ready(let bytes):
                claims[index].record = claims[index].file.claimed(as: claims[index].id, bytes: bytes, at: now)
            }
        }
        let intents = claims.compactMap(\.record)
        guard let first = asked.first, !intents.isEmpty else { return }
        if let descriptor = open.leasedDescriptor, let record = claims[first].record,
            beginEarly(record, claims[first].token, descriptor)
        {
            early = record
        }
        try register.recordIntents(intents)
        for (index, result) in zip(asked, try open.commit()) where claims[index].isReady {
            claims[index].result = result
            guard let record = claims[index].claimed else { continue }
            claims[index].isBegun = true
            if early != nil {
                spool.detachDescriptor(of: record.id)
                shared.emit(.claimed(record))
            } else {
                begin(record, claims[index].token, isDurable: false)
            }
        }
        for (index, result) in zip(asked, try open.finish()) { claims[index].result = result }
        try withdraw(claims.filter { $0.isReady && $0.claimed == nil }.map(\.id))
    }

    /// The defect of a file that is held open and that an earlier run quarantined, as it is now.
    private func knownDefect(of claim: Claim) throws(DropError) -> DropError? {
        guard claim.file.isStillOpen else { return nil }
        let known = try register.drop(withIntake: claim.file.identity, of: claim.file.source, before: claim.id)
        return known?.reason?.code == SettledFile.stillOpen ? claim.file.defect : nil
    }

    /// Takes intents back. Where the register has no room for that now, the next claim begins with it: what was claimed beside
    /// them counts.
    private func withdraw(_ drops: [DropID]) throws(DropError) {
        void.with { $0 += drops }
        do throws(DropError) { try withdrawVoid() } catch {
            guard case .retry = error.remedy else { throw error }
        }
    }

    private func withdrawVoid() throws(DropError) {
        let drops = void.with { $0 }
        guard !drops.isEmpty else { return }
        try register.withdraw(drops)
        void.with { $0 = [] }
    }

    private func begin(_ record: DropRecord, _ token: Tokens.Token, isDurable: Bool) {
        shared.ledger.withoutWaking { $0.begin(.claimed(record, isDurable: isDurable), token) }
        shared.emit(.claimed(record))
        claimed.push(record)
    }

    // MARK: - A lone small file

    /// Sends the file of a claim that is under way on to S3: it is read and transformed while its claim is being made. False when
    /// it is none of these, or when it cannot be read. Nothing is written down about the drop before its claim is durable.
    private func beginEarly(_ record: DropRecord, _ token: Tokens.Token, _ descriptor: CInt) -> Bool {
        guard record.reason == nil, record.bytes < min(shared.limits.aheadBytes, Self.loneBytesMax),
            shared.ledger.withoutWaking({ $0.drops.mayBeginEarly })
        else { return false }
        let digest: ContentDigest
        do throws(DropError) {
            try spool.attachDescriptor(descriptor, as: record.id)
            digest = try shared.ledger.timed(.register) { () throws(DropError) in try spool.digest(of: record.id) }
        } catch {
            spool.detachDescriptor(of: record.id)
            return false
        }
        shared.ledger.with { $0.begin(.readEarly(record, digest), token) }
        return true
    }

    /// Takes back what `beginEarly` sent on. Returns when no thread works with it any more, or when the pipeline stops.
    private func void(_ drop: DropID, of source: SourceName) {
        let isGone = shared.ledger.with { $0.void(drop, of: source) }
        if !isGone { shared.ledger.wait(until: { $0.run.isStopping || $0.drops[drop] == nil }) { _ in } }
        spool.detachDescriptor(of: drop)
    }

    // MARK: - Files that are no drops

    private func leave(_ batch: [Submitted], _ result: ClaimResult) {
        guard !batch.isEmpty else { return }
        end(batch.map(\.token))
        afterClaim(batch.map { ($0.file, result) })
    }

    private func end(_ tokens: [Tokens.Token]) {
        shared.ledger.with { ledger in for token in tokens { ledger.drops.end(token) } }
    }
}
