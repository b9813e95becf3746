import DropCore
import SystemKit

/// Copies of files that cannot be claimed by a rename.
enum FileCopy {
    /// Makes a durable copy, which keeps the holes of the file. Its size; nil when the file is not, or did not stay, as `facts`
    /// says.
    static func make(
        of descriptor: CInt, _ facts: FileFacts, as name: FileName, in spool: CInt
    ) throws(SystemError) -> UInt64? {
        let target = try SystemCall.createFile(name, in: spool)
        var buffer = [UInt8](repeating: 0, count: bufferBytes)
        var done: UInt64 = 0
        while let data = try SystemCall.dataRange(descriptor, from: done, bytes: facts.bytes) {
            try SystemCall.seek(target.number, to: data.lowerBound)
            done = data.lowerBound
            while done < data.upperBound {
                let count = try SystemCall.read(descriptor, into: &buffer, at: done)
                if count == 0 { return nil }  // It was cut off under us.
                try SystemCall.write(buffer, count: count, to: target.number)
                done += UInt64(count)
                if done > facts.bytes { return nil }  // It grows under us: no need to copy all of that.
            }
        }
        // What is at the end, and all that lies between, is a hole.
        try SystemCall.setLength(target.number, facts.bytes)
        guard try SystemCall.facts(of: descriptor).isUntouched(since: facts) else { return nil }
        try SystemCall.sync(target.number, name.description)
        return facts.bytes
    }

    /// Whether both files have the same bytes.
    static func areEqual(_ one: CInt, _ other: CInt) throws(SystemError) -> Bool {
        var (left, right) = ([UInt8](repeating: 0, count: bufferBytes), [UInt8](repeating: 0, count: bufferBytes))
        var done: UInt64 = 0
        while true {
            let count = try SystemCall.read(one, into: &left, at: done)
            var found = 0
            while found < max(count, 1) {
                var rest = [UInt8](repeating: 0, count: bufferBytes - found)
                let more = try SystemCall.read(other, into: &rest, at: done + UInt64(found))
                if more == 0 { break }
                right.replaceSubrange(found..<found + more, with: rest[..<more])
                found += more
            }
            if count == 0 { return found == 0 }
            guard found >= count, left[..<count] == right[..<count] else { return false }
            done += UInt64(count)
        }
    }

    private static let bufferBytes = 1 << 18
}

extension FileFacts {
    /// Whether nothing happened to the file since: neither a write nor another name, and no times were set. Our own renames count
    /// as well.
    func isUntouched(since other: FileFacts) -> Bool { version == other.version && links == other.links }
}
