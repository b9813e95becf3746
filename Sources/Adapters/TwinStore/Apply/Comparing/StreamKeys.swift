import CodecKit
import DropCore
import TwinModel

/// The keys of one drop's operation stream: their names, and their numbers in the graph.
struct StreamKeys {
    /// By the number in the stream: the global key; element 0 is 0.
    private(set) var globals: [UInt32] = [0]
    private(set) var names: [String] = []
    /// Numbers of names that only drops under way have used.
    private var held: [UInt32] = []
    /// Every key has the same number in the stream and in the graph.
    private(set) var areEqual = true
    /// A key is none of those that the database has for the source.
    private(set) var areNew = false
    /// A key of the stream is neither a name nor a path as DTDL has them, nor the id of a model.
    private(set) var hasOdd = false
    /// Where the frame that is read begins in the stream; for messages.
    var position: UInt64 = 0

    static let countMax = 65535

    /// Enters the next key of the stream.
    ///
    /// - Parameter persisted: the names the source's streams begin with, as the database has them.
    mutating func define(
        _ name: String, persisted: [String], in table: GlobalKeys, _ reader: OperationReader
    ) throws(DropError) {
        let wire = globals.count
        guard wire <= Self.countMax else { throw reader.failure("more than 65535 keys") }
        if wire <= persisted.count {
            guard persisted[wire - 1].utf8.elementsEqual(name.utf8) else {
                throw reader.failure("key \(wire) is defined anew: it was \"\(Escaping.visible(persisted[wire - 1]))\"")
            }
        } else {
            areNew = true
        }
        let (global, isHeld) = table.hold(name)
        if isHeld { held.append(global) }
        globals.append(global)
        names.append(name)
        if !hasOdd, MemberName.kind(of: name) == .other, !name.utf8.starts(with: "dtmi:".utf8) { hasOdd = true }
        if Int(global) != wire { areEqual = false }
    }

    /// The global key of a key of the stream; a number the stream did not define is a protocol error.
    @inline(__always)
    func global(_ wire: UInt32) throws(DropError) -> UInt32 {
        guard Int(wire) < globals.count else { throw undefined(wire) }
        return globals[Int(wire)]
    }

    /// The name of a key that is defined; empty for 0.
    func name(_ wire: UInt32) -> String { wire == 0 ? "" : names[Int(wire) - 1] }

    /// The error for a key that the stream did not define.
    @inline(never)
    func undefined(_ wire: UInt32) -> DropError {
        OperationReader.failure("key \(wire) is used and not defined", position, 0)
    }

    /// The id of a relationship. It is `NAME:TARGET` where its plugin gave none.
    func relationshipID(_ head: OperationHead, _ bytes: borrowing Span<UInt8>) throws(DropError) -> [UInt8] {
        guard head.relationship.isEmpty else { return RawBytes.copy(bytes, head.relationship) }
        _ = try global(head.key)
        return Array(name(head.key).utf8) + [UInt8(ascii: ":")] + RawBytes.copy(bytes, head.target)
    }

    /// Ends the holds on names: of those that nobody else uses, the numbers are free again. Once.
    func release(to table: GlobalKeys) { table.release(held) }
}
