import CodecKit
import DropCore
import TwinModel

/// What is stored about one twin or relationship: who made it, its properties, and for each property the drop and the record
/// that set it.
///
/// The byte form (`twin.rec`, `relationship.rec`), all numbers as in `OperationStream.swift`:
///
///     record    := 01 created:varint origin:varint base revision:varint count:varint exception{count} property*
///     base      := drop:varint record:varint            the stamp of every property without exception
///     exception := key:varint drop:varint record:varint
///
/// `created` is the drop whose commit made it; `origin` the drop that stated it where that is another (a relationship that waited
/// for its ends), else 0; `revision` the newest revision, 0 for none. Properties are in ascending order of their global key, none
/// of them absent; a statement of a drop in its change log has the same form, and may have absent ones.
///
/// Version 2 is what the twin service writes where there is more to say: between exceptions and properties stand the length of
/// the extras (a varint, bytes) and these; see `Extras`.
struct TwinRecord {
    struct Stamp: Equatable {
        var drop: UInt64
        var record: UInt64
    }

    struct Property: Equatable {
        var key: UInt32
        /// The type byte and the value.
        var value: ArraySlice<UInt8>
        var stamp: Stamp

        var isAbsent: Bool { value.first == PropertyType.absent.rawValue }
    }

    /// What only calls of the twin service say. Byte form, numbers as varints:
    ///
    ///     extras     := count sourceTime{count} count level{count}
    ///     sourceTime := key length text         when the source of the property says it had the value
    ///     level      := key drop                the last change of a component that its properties do not show
    struct Extras: Equatable {
        /// By property key, ascending; UTF-8.
        var sourceTimes: [(key: UInt32, text: [UInt8])] = []
        /// By the key of the component's name, ascending: a drop or call.
        var levels: [(key: UInt32, drop: UInt64)] = []

        var isEmpty: Bool { sourceTimes.isEmpty && levels.isEmpty }

        static func == (left: Extras, right: Extras) -> Bool {
            left.sourceTimes.elementsEqual(right.sourceTimes) { $0.key == $1.key && $0.text == $1.text }
                && left.levels.elementsEqual(right.levels) { $0 == $1 }
        }
    }

    static let version: UInt8 = 1
    static let versionWithExtras: UInt8 = 2

    var created: UInt64
    var origin: UInt64 = 0
    /// The stamp most properties have; kept for records without properties.
    var base: Stamp
    var revision: UInt64 = 0
    var extras = Extras()
    /// Ascending by key.
    var properties: [Property] = []

    /// The drop whose source owns it.
    var ownerDrop: UInt64 { origin == 0 ? created : origin }

    func property(_ key: UInt32) -> Property? { properties.first { $0.key == key } }

    /// True when `isWanted` holds for the drop of its creation or of one of its stamps.
    func mentions(_ isWanted: (UInt64) -> Bool) -> Bool {
        isWanted(created) || isWanted(base.drop) || (origin != 0 && isWanted(origin))
            || properties.contains { isWanted($0.stamp.drop) }
    }
}

extension TwinRecord {
    init(created: UInt64, base: Stamp) {
        self.created = created
        self.base = base
    }

    /// Reads the byte form; what does not fit it is a damaged database.
    init(_ bytes: [UInt8]) throws(DropError) {
        do {
            try self.init(parsing: bytes, at: 0)
        } catch {
            throw StorageFailure.damaged("a record cannot be read: \(error.message)")
        }
    }

    init(parsing bytes: [UInt8], at start: Int) throws(DropError) {
        let span = bytes.span
        var reader = OperationReader(at: start, end: bytes.count)
        let version = try reader.byte(span)
        guard version == Self.version || version == Self.versionWithExtras else {
            throw reader.failure("a record of an unknown version")
        }
        created = try reader.varint(span)
        origin = try reader.varint(span)
        base = Stamp(drop: try reader.varint(span), record: try reader.varint(span))
        revision = try reader.varint(span)
        var exceptions: [UInt32: Stamp] = [:]
        for _ in 0..<(try reader.varint(span)) {
            let key = UInt32(truncatingIfNeeded: try reader.varint(span))
            exceptions[key] = Stamp(drop: try reader.varint(span), record: try reader.varint(span))
        }
        if version == Self.versionWithExtras { extras = try Extras(span, &reader) }
        while let entry = try reader.property(span, validating: false) {
            let value = bytes[(entry.value.lowerBound - 1)..<entry.value.upperBound]
            let stamp = exceptions.isEmpty ? base : exceptions[entry.key] ?? base
            properties.append(Property(key: entry.key, value: value, stamp: stamp))
        }
    }

    /// Where the properties of a stored record start.
    static func propertiesStart(_ span: borrowing Span<UInt8>, at start: Int, end: Int) throws(DropError) -> Int {
        var reader = OperationReader(at: start, end: end)
        let version = try reader.byte(span)
        guard version == Self.version || version == versionWithExtras else {
            throw reader.failure("a record of an unknown version")
        }
        for _ in 0..<5 { _ = try reader.varint(span) }
        for _ in 0..<(try reader.varint(span)) {
            for _ in 0..<3 { _ = try reader.varint(span) }
        }
        return version == versionWithExtras ? try reader.text(span, validating: false).upperBound : reader.at
    }

    /// The byte form.
    func encoded() -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(32 + properties.reduce(0) { $0 + $1.value.count + 3 })
        let base = commonStamp()
        let exceptions = properties.filter { $0.stamp != base }
        out.append(extras.isEmpty ? Self.version : Self.versionWithExtras)
        for number in [created, origin, base.drop, base.record, revision, UInt64(exceptions.count)] { out.append(varint: number) }
        for property in exceptions {
            out.append(varint: UInt64(property.key))
            out.append(varint: property.stamp.drop)
            out.append(varint: property.stamp.record)
        }
        if !extras.isEmpty {
            let bytes = extras.encoded()
            out.append(varint: UInt64(bytes.count))
            out += bytes
        }
        for property in properties {
            out.append(varint: UInt64(property.key))
            out += property.value
        }
        return out
    }

    /// The stamp that needs the fewest exceptions: the old base, or that of the newest property.
    private func commonStamp() -> Stamp {
        guard let newest = properties.max(by: { ($0.stamp.drop, $0.stamp.record) < ($1.stamp.drop, $1.stamp.record) }) else {
            return base
        }
        let kept = properties.count { $0.stamp == base }
        return properties.count { $0.stamp == newest.stamp } > kept ? newest.stamp : base
    }
}

/// What one drop, all its operations on one twin folded together, says about it.
struct DropStatement {
    enum Kind { case merge, replace, delete }

    var kind: Kind
    /// Global key of the model, or of a relationship's name; 0 leaves the model as it is.
    var key: UInt32
    /// Ascending by key; absent ones only in a merge.
    var properties: [TwinRecord.Property]
    /// Number of the last record that said something.
    var record: UInt64

    /// About what it takes to write it down.
    var byteCount: UInt64 { properties.reduce(UInt64(16)) { $0 + UInt64($1.value.count) + 4 } }

    /// Says this first and `later` then.
    func followed(by later: DropStatement) -> DropStatement {
        switch (kind, later.kind) {
        case (_, .delete), (_, .replace):
            var result = later
            if later.kind == .replace, later.key == 0, kind != .delete { result.key = key }
            return result
        case (.delete, .merge):
            return DropStatement(
                kind: .replace, key: later.key, properties: later.properties.filter { !$0.isAbsent }, record: later.record)
        case (_, .merge):
            var merged = Self.merged(properties, later.properties)
            if kind == .replace { merged.removeAll(where: \.isAbsent) }
            return DropStatement(kind: kind, key: later.key == 0 ? key : later.key, properties: merged, record: later.record)
        }
    }

    /// The record this makes of `old`, and what of the old one it replaces: nil when nothing changes. Not for deletes.
    ///
    /// - Parameter created: the drop, for a record that starts from nothing.
    func applied(to old: TwinRecord) -> (record: TwinRecord, replaced: [TwinRecord.Property])? {
        var result = old
        var replaced: [TwinRecord.Property] = []
        result.properties.removeAll(keepingCapacity: true)
        var left = old.properties[...]
        var right = properties[...]
        while true {
            if let before = left.first, right.first.map({ before.key < $0.key }) ?? true {
                left.removeFirst()
                if kind == .replace { replaced.append(before) } else { result.properties.append(before) }
            } else if let now = right.popFirst() {
                if let before = left.first, before.key == now.key {
                    left.removeFirst()
                    if before.value == now.value {
                        result.properties.append(before)
                    } else {
                        replaced.append(before)
                        if !now.isAbsent { result.properties.append(now) }
                    }
                } else if !now.isAbsent {
                    replaced.append(.init(key: now.key, value: [PropertyType.absent.rawValue], stamp: now.stamp))
                    result.properties.append(now)
                }
            } else {
                break
            }
        }
        result.extras.keepOnly(result.properties)
        return replaced.isEmpty ? nil : (result, replaced)
    }

    /// Two ascending lists as one; of equal keys the later one stays.
    static func merged(_ first: [TwinRecord.Property], _ later: [TwinRecord.Property]) -> [TwinRecord.Property] {
        var result: [TwinRecord.Property] = []
        result.reserveCapacity(first.count + later.count)
        var left = first[...]
        var right = later[...]
        while let a = left.first, let b = right.first {
            if a.key < b.key {
                result.append(a)
                left.removeFirst()
            } else {
                result.append(b)
                right.removeFirst()
                if a.key == b.key { left.removeFirst() }
            }
        }
        return result + left + right
    }

    /// Any order, duplicates allowed, as ascending properties; the last of equal keys stays.
    static func normalized(_ properties: [TwinRecord.Property]) -> [TwinRecord.Property] {
        let sorted = properties.enumerated().sorted { ($0.element.key, $0.offset) < ($1.element.key, $1.offset) }
        var result: [TwinRecord.Property] = []
        for (_, property) in sorted {
            if result.last?.key == property.key { result.removeLast() }
            result.append(property)
        }
        return result
    }
}
