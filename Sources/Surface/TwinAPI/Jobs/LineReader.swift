import DropCore

/// The lines of an input, one at a time, whatever its size.
///
/// Used by one thread.
final class LineReader {
    private let input: JobInput
    private var buffer: [UInt8] = []
    private var at = 0
    private var isAtEnd = false
    /// Of the line last given, from 1.
    private(set) var number = 0

    /// One line may have at most so many bytes.
    static let lineBytesMax = 4 << 20

    init(_ input: JobInput) { self.input = input }

    /// The next line without its end; nil at the end of the input. The last line needs no line end, because the input itself says
    /// when it is complete.
    ///
    /// Errors: `InputUnavailable`, `ValidationFailed` for a line that is too long.
    func next() throws(APIError) -> [UInt8]? {
        var searched = at
        while true {
            if let end = buffer[searched...].firstIndex(of: 0x0A) {
                let line = Array(buffer[at..<end])
                at = end + 1
                number += 1
                return line.last == 0x0D ? line.dropLast() : line
            }
            guard !isAtEnd else { break }
            guard buffer.count - at <= Self.lineBytesMax else {
                throw APIError(
                    .validationFailed, "Line \(number + 1) of the input is longer than \(Self.lineBytesMax) bytes.")
            }
            buffer.removeFirst(at)
            at = 0
            searched = buffer.count
            let chunk = try input.read()
            isAtEnd = chunk.isEmpty
            buffer += chunk
        }
        guard at < buffer.count else { return nil }
        defer { at = buffer.count }
        number += 1
        return Array(buffer[at...])
    }
}
