import CodecKit
import DropCore
import Glibc

/// One entry of a change log, as written: what a drop states about one twin or relationship.
struct ChangeEntry {
    enum Kind: UInt8 { case twin = 0, relationship = 1 }

    var kind: Kind
    var verb: OperationVerb
    /// True when the number was reserved by this drop.
    var isNew: Bool
    var number: UInt32
    /// Global key of the model, or of the relationship's name; 0: none.
    var key: UInt32
    var record: UInt64
    var fingerprint: Fingerprint
    /// Lengths of what follows: id (or source id), target id, relationship id; then the record bytes.
    var idLength: Int
    var targetLength: Int
    var relationshipLength: Int
}

/// What a drop would change, in the order it was said: in memory up to 8 MiB, then in a `SpillFile`, which is written a MiB at a
/// time.
///
/// `@unchecked Sendable`: used by one thread at a time, first the builder's, then the writer's.
@safe final class ChangeLog: @unchecked Sendable {
    static let headLength = 48
    private static let memoryBytes = 8 << 20
    /// Once there is a file.
    private static let blockBytes = 1 << 20

    private let folder: String
    private var memory: UnsafeMutableRawPointer
    private var capacity: Int
    private var used = 0
    /// Bytes in the file: everything before the memory.
    private var spilled = 0
    private var chunks: [Int] = []
    private var file: SpillFile?
    /// The buffer that the file has last been given.
    private var inFile: (buffer: UnsafeMutableRawPointer, capacity: Int)?
    /// Where what is read back from the file is put.
    private var scratch: (buffer: UnsafeMutableRawPointer, capacity: Int)?
    private var entryStart = 0
    /// Entries appended, dead ones included.
    private(set) var count = 0
    /// True when an entry is about a relationship.
    private(set) var hasRelationships = false

    init(folder: String) {
        self.folder = folder
        capacity = 64 << 10
        unsafe memory = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        file = nil  // Before its buffer: it is done with that then.
        unsafe inFile?.buffer.deallocate()
        unsafe memory.deallocate()
        unsafe scratch?.buffer.deallocate()
    }

    /// Bytes of the log, in memory and in the file.
    var byteCount: Int { spilled + used }

    // MARK: Writing

    /// Makes room for an entry with at most `bytes` after its head; then `append…`, then `finish`.
    func begin(_ bytes: Int) throws(DropError) {
        let needed = Self.headLength + bytes + 16
        if used + needed > capacity {
            let bytesMax = file == nil ? Self.memoryBytes : Self.blockBytes
            if used >= bytesMax / 2, used + needed > bytesMax { try spill() }
            if used + needed > capacity { widen(to: max(used + needed, min(capacity * 2, bytesMax))) }
        }
        entryStart = used
        used += Self.headLength
    }

    @inline(__always)
    func append(_ byte: UInt8) {
        precondition(used < capacity)
        unsafe memory.storeBytes(of: byte, toByteOffset: used, as: UInt8.self)
        used &+= 1
    }

    @inline(__always)
    func append(varint number: UInt64) { Varint.write(number) { append($0) } }

    @inline(__always)
    func append(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) {
        precondition(range.upperBound <= bytes.count && used + range.count <= capacity)
        let target = unsafe memory + used
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            unsafe target.copyMemory(from: start + range.lowerBound, byteCount: range.count)
        }
        used &+= range.count
    }

    func append(_ bytes: [UInt8]) { append(bytes.span, 0..<bytes.count) }

    /// Ends the entry; its place, for `read` (never 0).
    @inline(__always)
    func finish(_ entry: ChangeEntry) throws(DropError) -> UInt32 {
        let head = unsafe memory + entryStart
        let length = used - entryStart
        unsafe head.storeBytes(of: UInt32(length), toByteOffset: 0, as: UInt32.self)
        unsafe head.storeBytes(of: entry.kind.rawValue, toByteOffset: 4, as: UInt8.self)
        unsafe head.storeBytes(of: entry.verb.rawValue, toByteOffset: 5, as: UInt8.self)
        unsafe head.storeBytes(of: entry.isNew ? 1 : 0, toByteOffset: 6, as: UInt8.self)
        unsafe head.storeBytes(of: entry.number, toByteOffset: 8, as: UInt32.self)
        unsafe head.storeBytes(of: entry.key, toByteOffset: 12, as: UInt32.self)
        unsafe head.storeBytes(of: entry.record, toByteOffset: 16, as: UInt64.self)
        unsafe head.storeBytes(of: UInt16(entry.idLength), toByteOffset: 24, as: UInt16.self)
        unsafe head.storeBytes(of: UInt16(entry.targetLength), toByteOffset: 26, as: UInt16.self)
        unsafe head.storeBytes(of: UInt16(entry.relationshipLength), toByteOffset: 28, as: UInt16.self)
        unsafe head.storeBytes(of: entry.fingerprint, toByteOffset: 32, as: Fingerprint.self)
        used = (used + 15) & ~15
        count += 1
        if entry.kind == .relationship { hasRelationships = true }
        let place = (spilled + entryStart) / 16 + 1
        guard place < Int(UInt32.max) else {
            throw DropError(
                .limit, "The drop changes more than 64 GiB.", hint: "Split the file.", remedy: .quarantine)
        }
        return UInt32(place)
    }

    private func widen(to bytes: Int) {
        let wider = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
        unsafe wider.copyMemory(from: memory, byteCount: used)
        unsafe memory.deallocate()
        unsafe memory = wider
        capacity = bytes
    }

    /// Hands what is in memory over to the file, and goes on in another buffer while it is written.
    private func spill() throws(DropError) {
        let file: SpillFile
        if let known = self.file { file = known } else { file = try SpillFile(folder: folder) }
        self.file = file
        try file.finishWrites()
        unsafe file.write(memory, used, at: spilled)
        unsafe chunks += Self.chunks(of: memory, used)
        spilled += used
        used = 0
        let written = unsafe (buffer: memory, capacity: capacity)
        // The one written before is free again; the first, large one is not kept.
        if let free = unsafe inFile, unsafe free.capacity <= 2 * Self.blockBytes {
            unsafe (memory, capacity) = free
        } else {
            unsafe inFile?.buffer.deallocate()
            capacity = Self.blockBytes
            unsafe memory = .allocate(byteCount: capacity, alignment: 16)
        }
        unsafe inFile = written
    }

    /// Where to cut a block into pieces of whole entries that are read back one at a time.
    private static func chunks(of block: UnsafeRawPointer, _ bytes: Int) -> [Int] {
        guard bytes > 2 * blockBytes else { return [bytes] }
        var result: [Int] = []
        var start = 0
        var at = 0
        while at < bytes {
            at = unsafe (at + View(block + at).length + 15) & ~15
            guard at - start >= blockBytes || at >= bytes else { continue }
            result.append(at - start)
            start = at
        }
        return result
    }

    /// Waits until what is in the file has been written.
    ///
    /// - Throws: `disk-full` (retry), `scratch` (stop).
    func finishWrites() throws(DropError) { try file?.finishWrites() }

    // MARK: Reading

    /// Where an entry is for the length of a call: its head, and its bytes.
    @safe struct View: ~Copyable {
        let start: UnsafeRawPointer
        let length: Int

        init(_ start: UnsafeRawPointer) {
            unsafe self.start = start
            length = unsafe Int(start.load(as: UInt32.self))
        }

        @inline(__always) var number: UInt32 { unsafe start.load(fromByteOffset: 8, as: UInt32.self) }

        /// As `ChangeEntry.key`.
        @inline(__always) var key: UInt32 { unsafe start.load(fromByteOffset: 12, as: UInt32.self) }

        var head: ChangeEntry {
            ChangeEntry(
                kind: unsafe ChangeEntry.Kind(rawValue: start.load(fromByteOffset: 4, as: UInt8.self))!,
                verb: unsafe OperationVerb(rawValue: start.load(fromByteOffset: 5, as: UInt8.self))!,
                isNew: unsafe start.load(fromByteOffset: 6, as: UInt8.self) == 1, number: number,
                key: key,
                record: unsafe start.load(fromByteOffset: 16, as: UInt64.self),
                fingerprint: unsafe start.load(fromByteOffset: 32, as: Fingerprint.self),
                idLength: unsafe Int(start.load(fromByteOffset: 24, as: UInt16.self)),
                targetLength: unsafe Int(start.load(fromByteOffset: 26, as: UInt16.self)),
                relationshipLength: unsafe Int(start.load(fromByteOffset: 28, as: UInt16.self)))
        }

        /// The bytes after the head; valid for the call only.
        var body: UnsafeRawBufferPointer {
            unsafe UnsafeRawBufferPointer(start: start + ChangeLog.headLength, count: length - ChangeLog.headLength)
        }

        /// `range` of the body, copied.
        func bytes(_ range: Range<Int>) -> [UInt8] {
            unsafe Array(UnsafeRawBufferPointer(rebasing: body[range]))
        }
    }

    /// Reads the entry at `place`.
    func read<T>(_ place: UInt32, _ body: (borrowing View) throws(DropError) -> T) throws(DropError) -> T {
        let offset = (Int(place) - 1) * 16
        if offset >= spilled { return try unsafe body(View(UnsafeRawPointer(memory + (offset - spilled)))) }
        try fill(from: offset, bytes: min(Self.headLength, spilled - offset))
        let length = unsafe Int(scratch!.buffer.load(as: UInt32.self))
        try fill(from: offset, bytes: length)
        return try unsafe body(View(UnsafeRawPointer(scratch!.buffer)))
    }

    /// Calls `body` with each entry and its place, in order, dead ones included.
    ///
    /// - Parameter release: called when entries that `body` was given are about to go from memory.
    func forEach(
        _ body: (UInt32, borrowing View) throws(DropError) -> Void,
        release: () throws(DropError) -> Void = { () throws(DropError) in }
    ) throws(DropError) {
        var base = 0
        for chunk in chunks {
            try fill(from: base, bytes: chunk)
            try unsafe walk(UnsafeRawPointer(scratch!.buffer), chunk, base, body)
            try release()
            base += chunk
        }
        try unsafe walk(UnsafeRawPointer(memory), used, base, body)
        try release()
    }

    private func walk(
        _ start: UnsafeRawPointer, _ bytes: Int, _ base: Int, _ body: (UInt32, borrowing View) throws(DropError) -> Void
    ) throws(DropError) {
        var at = 0
        while at < bytes {
            let view = unsafe View(start + at)
            try body(UInt32((base + at) / 16 + 1), view)
            at = (at + view.length + 15) & ~15
        }
    }

    private func fill(from offset: Int, bytes: Int) throws(DropError) {
        if unsafe scratch?.capacity ?? 0 < bytes {
            unsafe scratch?.buffer.deallocate()
            unsafe scratch = unsafe (.allocate(byteCount: bytes, alignment: 16), bytes)
        }
        guard let file else { preconditionFailure("what is not in memory is in the file") }
        unsafe try file.read(into: scratch!.buffer, bytes, from: offset)
    }
}

extension ChangeLog.View {
    @inline(__always) var isTwin: Bool { unsafe start.load(fromByteOffset: 4, as: UInt8.self) == 0 }

    @inline(__always) var fingerprint: Fingerprint { unsafe start.load(fromByteOffset: 32, as: Fingerprint.self) }

    /// A new twin whose record can be written as it is.
    @inline(__always) var isPlainNewTwin: Bool {
        let verb = unsafe start.load(fromByteOffset: 5, as: UInt8.self)
        let isNew = unsafe start.load(fromByteOffset: 6, as: UInt8.self)
        return isTwin && isNew == 1 && verb != OperationVerb.deleteTwin.rawValue
    }
}
