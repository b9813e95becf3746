import CodecKit
import DropCore

extension TwinRecord.Extras {
    /// Reads the byte form, its length first.
    init(_ span: borrowing Span<UInt8>, _ reader: inout OperationReader) throws(DropError) {
        let range = try reader.text(span, validating: false)
        var own = OperationReader(at: range.lowerBound, end: range.upperBound)
        for _ in 0..<(try own.varint(span)) {
            let key = UInt32(truncatingIfNeeded: try own.varint(span))
            let text = try own.text(span, validating: false)
            sourceTimes.append((key, text.map { span[$0] }))
        }
        for _ in 0..<(try own.varint(span)) {
            let key = UInt32(truncatingIfNeeded: try own.varint(span))
            levels.append((key, try own.varint(span)))
        }
    }

    /// The byte form, without its length.
    func encoded() -> [UInt8] {
        var out: [UInt8] = []
        out.append(varint: UInt64(sourceTimes.count))
        for (key, text) in sourceTimes {
            out.append(varint: UInt64(key))
            out.append(varint: UInt64(text.count))
            out += text
        }
        out.append(varint: UInt64(levels.count))
        for (key, drop) in levels {
            out.append(varint: UInt64(key))
            out.append(varint: drop)
        }
        return out
    }

    /// Forgets the source times of properties that are not there any more.
    mutating func keepOnly(_ properties: [TwinRecord.Property]) {
        guard !sourceTimes.isEmpty else { return }
        sourceTimes.removeAll { entry in !properties.contains { $0.key == entry.key } }
    }
}
