import DropCore
import ThreadKit

/// A settled file that waits for its claim.
struct Submitted: Sendable {
    let file: SettledFile
    let token: Tokens.Token
}

/// S1, one thread: takes settled files out of the drop zone, many at a time. Files go on to S2 and S3 while the folders are
/// synced, a lone small one before that (decision 0022); `waitForClaim` keeps what they come to from being written down before.
struct ClaimStage: Sendable {
    let shared: Shared
    let claimer: any FileClaimer
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

    private typealias Named = (file: SettledFile, id: DropID)

    /// Hands over complete files. Waits while the lane of their source is full; false once it is closed.
    func submit(_ settled: [SettledFile]) -> Bool {
        let submitted = shared.ledger.quietly { ledger in
            shared.byName(settled, \.self).map { Submitted(file: $0, token: ledger.drops.issue()) }
        }
        var isTaken = true
        for (source, lane) in Dictionary(grouping: submitted, by: \.file.source).sorted(by: { $0.key < $1.key }) {
            let pushed = files.push(contentsOf: lane, to: source)
            guard pushed < lane.count else { continue }
            isTaken = false
            end(lane[pushed...])
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
                stopped[one.file.source] = shared.ledger.quietly { $0.drops.tokens.last }
            }
            afterClaim(zip(batch, results).map { ($0.file, $1) })
        }
    }

    /// What became of each file; nil when the pipeline stops first.
    private func claim(_ batch: [Submitted]) throws(DropError) -> [ClaimResult]? {
        let named: [Named] = batch.map { ($0.file, shared.clock.nextID()) }
        let now = shared.clock.now()
        var results: [ClaimResult] = []
        var begun: Set<DropID> = []
        // While there is no room for the intents, nothing else is claimed: what comes later must not overtake.
        let isClaimed = try room.insisting { () throws(DropError) in
            results = try shared.ledger.timed(.claim) { () throws(DropError) in
                try claim(named, batch.map(\.token), at: now, begun: &begun)
            }
        }
        guard isClaimed else { return nil }
        if !begun.isEmpty {
            shared.ledger.with { ledger in for drop in begun { ledger.drops.change(drop) { $0.claimIsDurable() } } }
        }
        for (result, (one, (_, id))) in zip(results, zip(batch, named)) {
            switch result {
            case .claimed(_, let bytes):
                if !begun.contains(id) {
                    begin(one.file.claimed(as: id, bytes: bytes, at: now), one.token, isDurable: true)
                }
            case .refused(let error):
                end([one])
                shared.tell(.refused(one.file, error))
            case .notYet: end([one])
            }
        }
        return results
    }

    /// Claims the files and begins with those that are moved before the claim is durable; adds these to `begun`.
    private func claim(
        _ named: [Named], _ tokens: [Tokens.Token], at now: UInt64, begun: inout Set<DropID>
    ) throws(DropError) -> [ClaimResult] {
        var held: DropRecord?
        defer { if let held, !begun.contains(held.id) { void(held.id, of: held.source) } }
        return try claimer.claim(
            named, at: now,
            whenHeld: { descriptor, bytes in
                let record = named[0].file.claimed(as: named[0].id, bytes: bytes, at: now)
                if beginEarly(record, tokens[0], descriptor) { held = record }
            },
            whenMoved: { moved in
                for ((file, id), (result, token)) in zip(named, zip(moved, tokens)) {
                    guard case .claimed(_, let bytes)? = result else { continue }
                    begun.insert(id)
                    if let held {
                        spool.endLoan(of: id)
                        shared.tell(.claimed(held))
                    } else {
                        begin(file.claimed(as: id, bytes: bytes, at: now), token, isDurable: false)
                    }
                }
            })
    }

    private func begin(_ record: DropRecord, _ token: Tokens.Token, isDurable: Bool) {
        shared.ledger.quietly { $0.begin(.claimed(record, isDurable: isDurable), token) }
        shared.tell(.claimed(record))
        claimed.push(record)
    }

    // MARK: - A lone small file

    /// Sends the file of a claim that is under way on to S3: it is read and transformed while its claim is being made. False when
    /// it is none of these, or when it cannot be read. Nothing is written down about the drop before its claim is durable.
    private func beginEarly(_ record: DropRecord, _ token: Tokens.Token, _ descriptor: CInt) -> Bool {
        guard record.reason == nil, record.bytes < min(shared.limits.aheadBytes, Self.loneBytesMax),
            shared.ledger.quietly({ $0.drops.mayBeginEarly })
        else { return false }
        let digest: ContentDigest
        do throws(DropError) {
            try spool.lend(descriptor, as: record.id)
            digest = try shared.ledger.timed(.register) { () throws(DropError) in try spool.digest(of: record.id) }
        } catch {
            spool.endLoan(of: record.id)
            return false
        }
        shared.ledger.with { $0.begin(.readEarly(record, digest), token) }
        return true
    }

    /// Takes back what `beginEarly` sent on. Returns when no thread works with it any more, or when the pipeline stops.
    private func void(_ drop: DropID, of source: SourceName) {
        let isGone = shared.ledger.with { $0.void(drop, of: source) }
        if !isGone { shared.ledger.wait(until: { $0.run.isStopping || $0.drops[drop] == nil }) { _ in } }
        spool.endLoan(of: drop)
    }

    // MARK: - Files that are no drops

    private func leave(_ batch: [Submitted], _ result: ClaimResult) {
        guard !batch.isEmpty else { return }
        end(batch)
        afterClaim(batch.map { ($0.file, result) })
    }

    private func end(_ files: some Sequence<Submitted>) {
        shared.ledger.with { ledger in for one in files { ledger.drops.end(one.token) } }
    }
}
