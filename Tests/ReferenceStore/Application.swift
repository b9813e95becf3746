import DropCore
import TwinModel
import TwinService

/// What a drop makes of a graph: its statements in the order of its file, twins before relationships, all at one instant.
/// Written from docs/decisions/0011-change-sets.md and docs/decisions/0027-snapshots.md.
struct Application {
    let drop: ReferenceDrop
    let before: Graph
    var graph: Graph
    /// The commit it is, and its time in milliseconds since 1970.
    let commit: UInt64
    let time: UInt64
    var books = DropBooks()
    var rejections: [Rejection] = []
    /// It relied on what others had said, or deleted what was not there.
    var hasUnstampedValues = false
    private var used: [Record] = []
    /// What usable records name, and refused ones that name only what is there.
    private var listedTwins: Set<Name> = []
    private var listedLinks: Set<LinkName> = []
    /// Refused records that may have listed anything.
    private var hasUnknown = false
    private var namedDeletes = 0
    private var absentTwins = 0
    private var job: ApplyJob { drop.job }
    private var owner: Owner { Owner(source: job.source, scope: drop.scope) }
    private var isList: Bool { job.policy.mode == .snapshot && job.amends == nil }

    /// Errors: those of the guards, where the drop is not released.
    init(_ drop: ReferenceDrop, to graph: Graph, commit: UInt64, time: UInt64) throws(DropError) {
        (self.drop, before, self.graph, self.commit, self.time) = (drop, graph, graph, commit, time)
        (self.graph.twinGraves, self.graph.linkGraves) = ([:], [:])
        books.recordsRead = UInt64(drop.records.count)
        books.bytesAccounted = drop.bytesAccounted
        books.bytesUnaccounted = job.bytes - min(job.bytes, drop.bytesAccounted)
        books.skipped = SkippedPart.counted(drop.spans)
        hasUnknown = job.doubtsBytes && books.bytesUnaccounted > 0
        judgeRecords()
        writeTwins()
        deleteAbsentTwins()
        writeLinks()
        deleteAbsentLinks()
        try checkGuards()
        self.graph.activateWaiting(at: commit, time: time, after: before)
    }

    private func stamp(_ record: UInt64) -> Stamp { Stamp(commit: commit, source: job.source, record: record) }

    // MARK: Records

    private mutating func judgeRecords() {
        var stated: [Name: Bool] = [:]
        for record in drop.records {
            if let refusal = refusal(of: record, stated) {
                reject(record, refusal)
            } else if record.statements.isEmpty {
                books.recordsFiltered += 1
            } else {
                used.append(record)
                for one in record.statements where one.isTwin { stated[one.twin] = one.kind != .delete }
            }
        }
        if case .reject = job.policy.dangling { rejectDangling() }
        rejections.sort { $0.record < $1.record }
        books.recordsUsed = UInt64(used.count)
        for statement in used.flatMap(\.statements) { list(statement) }
    }

    /// Only the largest set of records that is complete in itself is used: a record whose relationships lack an end behind the
    /// drop is not, nor one that patches what such a record would have made. What a list leaves out is looked at last.
    private mutating func rejectDangling() {
        var looksAtList = false
        while true {
            var standing = Set(before.twins.keys)
            var unmade: Set<UInt64> = []
            for one in used.flatMap(\.statements) where one.isTwin {
                if one.kind == .patch, !standing.contains(one.twin) { unmade.insert(one.record) }
                if one.kind == .delete { standing.remove(one.twin) } else { standing.insert(one.twin) }
            }
            guard unmade.isEmpty else {
                for record in used where unmade.contains(record.number) { reject(record, ("missing-twin", "nothing to patch")) }
                used.removeAll { unmade.contains($0.number) }
                continue
            }
            if looksAtList, isList, !hasUnknown {
                let named = listedTwins.union(used.flatMap(\.statements).filter(\.isTwin).map(\.twin))
                standing = standing.filter { before.twins[$0]?.owner != owner || named.contains($0) }
            }
            let bad = used.filter { record in
                record.statements.contains { one in
                    guard !one.isTwin, one.kind != .delete, let target = one.target else { return false }
                    return !standing.contains(one.twin) || !standing.contains(target)
                }
            }
            guard !bad.isEmpty || !looksAtList else { return }
            if bad.isEmpty { looksAtList = true }
            used.removeAll { record in bad.contains { $0.number == record.number } }
            for record in bad { reject(record, ("dangling", "a relationship without an end")) }
        }
    }

    private mutating func reject(_ record: Record, _ why: (code: String, message: String)) {
        books.recordsRejected += 1
        if books.firstRejected == 0 || record.number < books.firstRejected { books.firstRejected = record.number }
        rejections.append(
            Rejection(
                record: record.number, offset: record.offset, length: record.length, code: why.code,
                message: why.message))
        let isKnown = record.statements.allSatisfy { isNamed($0) }
        if record.isOfPlugin || !isKnown { hasUnknown = true } else { for one in record.statements { list(one) } }
    }

    /// Whether it is there, or a record before made it.
    private func isNamed(_ one: Statement) -> Bool {
        if one.isTwin ? before.twins[one.twin] != nil : before.links[one.link] != nil { return true }
        let earlier = used.filter { $0.number < one.record }.flatMap(\.statements).filter { $0.kind != .delete }
        return earlier.contains { $0.isTwin == one.isTwin && (one.isTwin ? $0.twin == one.twin : $0.link == one.link) }
    }

    private mutating func list(_ statement: Statement) {
        if statement.isTwin { listedTwins.insert(statement.twin) } else { listedLinks.insert(statement.link) }
    }

    /// Why a record cannot be used; nil where it can.
    private func refusal(of record: Record, _ stated: [Name: Bool]) -> (code: String, message: String)? {
        if let rejection = record.rejection { return rejection }
        var stated = stated
        for one in record.statements {
            for id in [one.twin, one.id, one.target ?? one.twin] where id.text.unicodeScalars.count > 128 {
                return ("id", "\(id.text) is longer than 128 characters")
            }
            let isNamed = one.isTwin || one.kind == .delete || (one.word != nil && one.target != nil)
            if one.twin.text.isEmpty || !isNamed { return ("id", "an id is missing") }
            if one.properties.contains(where: { MemberName.kind(of: $0.name.text) == .other }) {
                return ("name", "a property that no model can have")
            }
            let prefixes = job.policy.twinPrefixes
            guard prefixes.isEmpty || prefixes.contains(where: { one.twin.text.utf8.starts(with: $0.utf8) }) else {
                return ("prefix", "\(one.twin.text) has none of the prefixes")
            }
            if one.isTwin, let word = one.word, !allows(word) { return ("model", "\(word) is not one of the models") }
            if let problem = modelProblem(one) { return ("model-refused", problem) }
            guard one.isTwin else { continue }
            if one.kind == .patch, !(stated[one.twin] ?? (before.twins[one.twin] != nil)) {
                return ("missing-twin", "\(one.twin.text) does not exist")
            }
            stated[one.twin] = one.kind != .delete
        }
        return nil
    }

    private func allows(_ model: String) -> Bool {
        job.policy.models.isEmpty
            || job.policy.models.contains { $0.hasSuffix(":*") ? model.hasPrefix($0.dropLast()) : $0 == model }
    }

    private func modelProblem(_ statement: Statement) -> String? {
        guard job.policy.validation != .off, statement.kind != .delete else { return nil }
        guard statement.isTwin else {
            guard let source = before.twins[statement.twin], let target = statement.target.flatMap({ before.twins[$0] }) else {
                return nil
            }
            let values = statement.properties.map { JSON.Member($0.name.text, $0.value.json) }
            return graph.models.refusal(
                ofRelationship: statement.word ?? "", from: source.word, to: target.word, values,
                strict: job.policy.validation == .strict)
        }
        guard let shape = graph.models.shape(statement.word ?? before.twins[statement.twin]?.word) else {
            return job.policy.validation == .strict ? "the twin has no model in the graph" : nil
        }
        var problems: [String] = []
        for (name, value) in statement.properties where value != .absent {
            let path = PropertyPath(key: name.text)
            let properties = path.component.map { shape.components[$0]?.properties ?? [:] } ?? shape.model.properties
            shape.check(.init(path.name, value.json), properties, path.component ?? "Twin", &problems)
        }
        return problems.first
    }

    // MARK: Statements

    /// The statements about each thing, in the order in which the things are first named.
    private func grouped<Key: Hashable>(_ isTwin: Bool, _ key: (Statement) -> Key) -> [(Key, [Statement])] {
        var order: [Key] = []
        var groups: [Key: [Statement]] = [:]
        for one in used.flatMap(\.statements) where one.isTwin == isTwin {
            if groups[key(one)] == nil { order.append(key(one)) }
            groups[key(one), default: []].append(one)
        }
        return order.map { ($0, groups[$0]!) }
    }

    /// What a thing is after some statements; nil where they delete it. One that is deleted and stated again was never away: it
    /// is replaced.
    private mutating func said(_ statements: [Statement], of old: Thing?) -> Thing? {
        let last = stamp(statements.last!.record)
        var values = old?.properties ?? [:]
        var (word, target, isThere) = (old?.word, old?.target, old != nil)
        for one in statements {
            isThere = one.kind != .delete
            if one.kind == .delete || one.kind == .replace { values = [:] }
            if one.kind != .delete { (word, target) = (one.word ?? word, one.target ?? target) }
            for (name, value) in one.properties {
                values[name] = value == .absent ? nil : Said(value: value, stamp: stamp(one.record))
            }
        }
        guard isThere else { return nil }
        var thing = old ?? graph.newThing(last, owner)
        // A value that is as it was keeps who said it first.
        for (name, said) in values where old?.properties[name]?.value == said.value { values[name] = old?.properties[name] }
        guard old == nil || values != thing.properties || word != thing.word || target != thing.target else { return old }
        (thing.properties, thing.word, thing.target, thing.changed) = (values, word, target, last)
        thing.sourceTimes = thing.sourceTimes.filter { values[$0.key] != nil }
        thing.version = graph.nextVersion()
        return thing
    }

    private mutating func writeTwins() {
        for (name, statements) in grouped(true, \.twin) {
            books.superseded += UInt64(statements.count - 1)
            let old = before.twins[name]
            if let new = said(statements, of: old) {
                graph.twins[name] = new
                count(old, new)
            } else if old != nil {
                books.deleted += 1
                namedDeletes += 1
                books.deletedWithTwins += UInt64(
                    graph.delete(twin: name, statements.last!.record, by: job.source))
            } else {
                books.unchanged += 1
                hasUnstampedValues = true
            }
            // What waits for a twin that is not there goes with the word that it is gone.
            let isGone = statements[0].kind == .delete || statements.last!.kind == .delete
            if old == nil, isGone { graph.withdraw(waitingAt: name, by: job.source) }
        }
    }

    private mutating func writeLinks() {
        for (name, statements) in grouped(false, \.link) {
            books.superseded += UInt64(statements.count - 1)
            // Whatever is said of it now is newer than what waits.
            graph.waiting.removeAll { $0.name == name }
            let old = graph.links[name]
            guard let new = said(statements, of: old), let target = new.target else {
                if old != nil { books.deleted += 1 } else { books.unchanged += 1 }
                if old == nil { hasUnstampedValues = true } else { graph.delete(link: name, statements.last!.record) }
                continue
            }
            if graph.twins[name.source] == nil || graph.twins[target] == nil {
                guard case .wait(let patience) = job.policy.dangling else {
                    stub(name.source, new.changed)
                    stub(target, new.changed)
                    write(new, old, name)
                    continue
                }
                // What waits is the word of this drop alone.
                wait(name, said(statements, of: nil)!, patience)
                if old != nil { graph.delete(link: name, statements.last!.record) }
            } else if isRefused(name, new) {
                let patience = if case .wait(let patience) = job.policy.dangling { patience } else { Duration.seconds(24 * 3600) }
                wait(name, said(statements, of: nil)!, patience)
            } else {
                write(new, old, name)
            }
        }
    }

    private mutating func write(_ new: Thing, _ old: Thing?, _ name: LinkName) {
        graph.links[name] = new
        // One that went with a twin which is there again has changed.
        if old == nil, before.links[name] != nil { books.updated += 1 } else { count(old, new) }
    }

    private mutating func count(_ old: Thing?, _ new: Thing) {
        guard let old, old.version == new.version else {
            if old == nil { books.created += 1 } else { books.updated += 1 }
            return
        }
        books.unchanged += 1
        if !old.sources.contains(job.source) { hasUnstampedValues = true }
    }

    private func isRefused(_ name: LinkName, _ link: Thing) -> Bool {
        guard job.policy.validation != .off, let source = graph.twins[name.source], let target = graph.twins[link.target!] else {
            return false
        }
        let values = link.sorted.map { JSON.Member($0.name.text, $0.said.value.json) }
        return graph.models.refusal(
            ofRelationship: link.word ?? "", from: source.word, to: target.word, values,
            strict: job.policy.validation == .strict) != nil
    }

    private mutating func stub(_ twin: Name, _ stamp: Stamp) {
        if graph.twins[twin] == nil { graph.twins[twin] = graph.newThing(stamp, owner) }
    }

    private mutating func wait(_ name: LinkName, _ link: Thing, _ patience: Duration) {
        books.waiting += 1
        graph.waiting.append(
            Waiting(
                name: name, word: link.word ?? "", target: link.target!, properties: link.properties.mapValues(\.value),
                stated: link.changed, drop: job.drop, owner: owner,
                expires: time + UInt64(patience.components.seconds * 1000), validation: job.policy.validation))
    }

    // MARK: Lists

    private mutating func deleteAbsentTwins() {
        guard isList else { return }
        let absent = before.twins.filter { $0.value.owner == owner && !listedTwins.contains($0.key) }.map(\.key).sorted()
        absentTwins = absent.count
        guard !hasUnknown else {
            books.withheldTwins = UInt64(absent.count)
            return
        }
        for name in absent {
            books.deletedByAbsence += 1
            books.deletedWithTwins += UInt64(graph.delete(twin: name, 0, by: job.source))
        }
    }

    private mutating func deleteAbsentLinks() {
        guard isList else { return }
        let absent = graph.links.filter { $0.value.owner == owner && !listedLinks.contains($0.key) }.map(\.key).sorted()
        guard !hasUnknown else {
            books.withheldRelationships = UInt64(absent.count)
            return
        }
        for name in absent {
            books.deletedByAbsence += 1
            graph.delete(link: name, 0)
        }
        graph.waiting = graph.waiting.filter { $0.owner != owner || $0.drop == job.drop }
    }

    private func checkGuards() throws(DropError) {
        guard !job.released else { return }
        let policy = job.policy
        if policy.rejectsShareMax < 1, books.recordsUsed == 0, books.recordsRejected > 0 {
            throw held(.nothingUsable, "Nothing of the file could be used.")
        }
        let owned = before.twins.values.count { $0.owner == owner }
        let ownedLost = before.twins.count { $0.value.owner == owner && graph.twins[$0.key] == nil }
        let sum = namedDeletes + absentTwins
        let isPastShare = Double(sum) > policy.deletesShareMax * Double(owned)
        let losesAll = owned > (absentTwins > 0 ? 0 : 1) && ownedLost + Int(books.withheldTwins) == owned
        let losesMost = !losesAll && absentTwins > owned - absentTwins
        let isPastFree = UInt64(sum) > policy.deletesFree || losesMost
        if isPastShare && isPastFree || losesAll && policy.deletesShareMax < 1 {
            throw held(.guardDeletes, "\(sum) of \(owned) twins of \(job.source) would go.")
        }
        let rejected = books.recordsRejected
        if rejected > policy.rejectsFree, Double(rejected) > policy.rejectsShareMax * Double(books.recordsRead) {
            throw held(.guardRejects, "\(rejected) of \(books.recordsRead) records were refused.")
        }
    }

    private func held(_ code: DropError.Code, _ message: String) -> DropError {
        DropError(code, message, hint: "Look at the file.", remedy: .hold)
    }
}
