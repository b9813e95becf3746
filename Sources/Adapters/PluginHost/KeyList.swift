import CTwinDropWire
import CodecKit
import DropCore

/// The names of one source in the order of their numbers, which only grows.
struct KeyList {
    /// Element `i` is the name of key `i + 1`: valid UTF-8 without NUL, 1 to 2048 bytes.
    private(set) var names: [[UInt8]] = []
    /// The same as `key` entries of the operation stream.
    private(set) var entries: [UInt8] = []
    private var known: Set<[UInt8]> = []
    private static let namesMax = 65535

    init() {}

    /// Takes the table the store kept.
    init(_ names: [String]) throws(WorkerFailure) {
        for name in names { try append(Array(name.utf8)) }
    }

    /// The names as text.
    var texts: [String] { names.map { String(decoding: $0, as: UTF8.self) } }

    /// Adds the new names of a KEYS frame: `04 length name`, again and again.
    mutating func append(frame: UnsafeRawBufferPointer) throws(WorkerFailure) {
        var at = 0
        while at < frame.count {
            guard unsafe frame[at] == OperationEntry.key.rawValue else { throw Self.torn }
            at += 1
            // Any fault of the number is the same: the frame is torn.
            let bytes = unsafe frame.bindMemory(to: UInt8.self).span
            guard let number = try? Varint.read(bytes, at: &at, end: frame.count), let length = Int(exactly: number),
                length <= frame.count - at
            else { throw Self.torn }
            try append(unsafe Array(frame[at..<at + length]))
            at += length
        }
    }

    private mutating func append(_ name: [UInt8]) throws(WorkerFailure) {
        guard names.count < Self.namesMax, entries.count + name.count < Int(TD_WIRE_KEYS_BYTES_MAX) else {
            throw WorkerFailure(
                .namesFull,
                "The source has \(names.count) names of properties, relationships and models in \(entries.count >> 10) KiB; no more fit."
            )
        }
        guard (1...Int(TD_WIRE_KEY_BYTES_MAX)).contains(name.count), !name.contains(0),
            String(validating: name, as: UTF8.self) != nil, known.insert(name).inserted
        else { throw WorkerFailure(.protocolFault, "Key \(names.count + 1) is no new name of 1 to 2048 bytes of UTF-8.") }
        names.append(name)
        write(name)
    }

    private mutating func write(_ name: [UInt8]) {
        entries.append(OperationEntry.key.rawValue)
        entries.append(varint: UInt64(name.count))
        entries += name
    }

    private static var torn: WorkerFailure { WorkerFailure(.protocolFault, "A KEYS frame is torn.") }
}

extension KeyList {
    /// The entries of the names from `index` on that fit into `bytesMax` (at least one); moves `index` behind them.
    func entries(from index: inout Int, bytesMax: Int) -> [UInt8] {
        var piece = KeyList()
        while index < names.count, piece.entries.count + names[index].count + 4 <= bytesMax || piece.entries.isEmpty {
            piece.write(names[index])
            index += 1
        }
        return piece.entries
    }
}
