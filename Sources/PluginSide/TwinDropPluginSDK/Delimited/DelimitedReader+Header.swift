/// Distinguishes a repeated header from a record. For nearly every record, the length and the first byte of its first cell are
/// enough.
struct HeaderWatch {
    /// The cells of a header; empty if nothing is searched for.
    var names: [[UInt8]] = []
    /// The header line, decoded, as far as messages need it.
    var line = ""
    /// How many cells a header has; 0: nothing is searched for.
    var count = 0
    /// By first byte, in both cases: bit n where a name has n bytes (63: or more). 256 elements, or none.
    var lengths: [UInt64] = []

    mutating func watch(_ cells: [[UInt8]]) {
        names = cells
        count = cells.count
        lengths = [UInt64](repeating: 0, count: 256)
        for cell in cells {
            guard let first = cell.first else { continue }
            let bit: UInt64 = 1 << UInt64(min(63, cell.count))
            lengths[Int(first)] |= bit
            if (first | 0x20) &- 0x61 < 26 { lengths[Int(first ^ 0x20)] |= bit }
        }
    }
}

extension DelimitedReader {
    /// Whether the first cell is as long as a name of the header and starts like one.
    @inline(__always)
    var isLikeHeader: Bool {
        guard fieldCount == header.count else { return header.count > 1 && fieldCount > 0 && startsLikeHeader }
        let first = self[0]
        guard !first.isEmpty else { return false }
        return header.lengths[Int(first[0])] >> UInt64(min(63, first.count)) & 1 != 0
    }

    /// The same for a record of another width, which `ragged` may allow; its first cell may have the names of several columns.
    private var startsLikeHeader: Bool {
        let first = self[0]
        return !first.isEmpty && header.lengths[Int(first[0])] != 0
    }

    /// A record is the header of another table if it has another width than the header and its cells are names of columns, or its
    /// only cell has them with another delimiter.
    private mutating func checkOtherHeader() throws(PluginError) {
        let cells = (0..<fieldCount).map { self[$0].trimmed.array }
        func known(_ cells: [[UInt8]]) -> Int {
            cells.count { cell in header.names.contains { Self.isAlike($0, cell) } }
        }
        func isHeader(_ cells: [[UInt8]]) -> Bool {
            guard cells.count > 1, let first = cells.first else { return false }
            let count = known(cells)
            return known([first]) == 1 && count > 1 && count * 2 >= cells.count
        }
        if isHeader(cells) { throw repeatedHeader("is a header that differs from the first") }
        guard fieldCount == 1 else { return }
        // Only the first column, as in an export that lost the others: its name is not a value.
        if cells[0] == header.names[0] { return noteRecord(.repeatedHeader) }
        for other in ColumnAdvice.delimiters where other.text != dialect.delimiter {
            let mark = Array(other.text.utf8)[0]
            let parts = cells[0].split(separator: mark, omittingEmptySubsequences: false).map { part in
                let quote = dialect.quote
                let inner = part.count > 1 && part.first == quote && part.last == quote ? part.dropFirst().dropLast() : part
                let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
                return Array(inner.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
            }
            if isHeader(parts) { throw repeatedHeader("is a header that is cut at \(other.title), another than the first") }
        }
    }

    private func repeatedHeader(_ what: String) -> PluginError {
        PluginError(
            .refused,
            "The line at byte \(recordOffset), after record \(record), \(what). Are two exports joined? Deliver them one by one, "
                + "or set dialect.repeatedHeader: record if it is a record.",
            offset: recordOffset)
    }

    /// Takes the current record as a repeated header; false if it is a record.
    ///
    /// Errors: `refused` for a header that says something else than the first.
    mutating func takeRepeatedHeader() throws(PluginError) -> Bool {
        guard fieldCount == header.count else {
            try checkOtherHeader()
            return false
        }
        var isSame = true
        var known = 0
        for index in 0..<fieldCount {
            let cell = self[index].trimmed.array
            if cell != header.names[index] { isSame = false }
            if header.names.contains(where: { Self.isAlike($0, cell) }) { known += 1 }
        }
        let isOther = !isSame && fieldCount > 1 && known * 2 >= fieldCount && known > 1
        guard isSame || isOther else { return false }
        guard isSame, dialect.repeatedHeader != .fail else {
            throw repeatedHeader(
                isSame ? "says the names of the columns again" : "is a header that differs from the first")
        }
        if fieldCount == 1 || dialect.repeatedHeader == .reject {
            noteRecord(.repeatedHeader)
            return false
        }
        frame.isDoubted = false
        output.span(.remainder, at: recordOffset, length: recordLength, name: "repeated header")
        return true
    }

    private static func isAlike(_ name: [UInt8], _ cell: [UInt8]) -> Bool {
        name.count == cell.count && !name.isEmpty && zip(name, cell).allSatisfy { Bytes.lowered($0) == Bytes.lowered($1) }
    }

    // MARK: - The header line

    mutating func readHeader() throws(PluginError) {
        switch dialect.header {
        case .none: return
        case .named(let names):
            columns = names
            watchHeader(names.map { Array($0.utf8) })
        case .present, .replaced:
            try takeHeaderLine()
        }
        width = columns.count
        if let offset = frame.preambleCells[width] { throw preambleIsRecord(offset) }
    }

    private mutating func takeHeaderLine() throws(PluginError) {
        guard try locate() else { throw PluginError(.refused, "The file has no header line.") }
        frame.isDoubted = false  // A second byte order mark at the start of a file is harmless.
        header.line = unsafe Bytes(start: base + Int(slots[0].start), count: headerBytes).text
        if fault == nil { finishRecord(isHeader: true) }
        if let fault {
            if let kind = window.kind { throw PluginError(.refused, kind.sentence, offset: recordOffset) }
            throw PluginError(.refused, "The header is unusable: \(fault.message)", offset: fault.offset)
        }
        output.span(.header, at: recordOffset, length: recordLength, name: "header")
        let cells = (0..<fieldCount).map { self[$0].trimmed.array }
        if case .replaced(let names) = dialect.header {
            try checkReplaced(cells, names)
            columns = names
        } else {
            columns = try headerNames()
        }
        watchHeader(cells)
    }

    /// Bytes from the header's first cell to the end of its last, at most 4096.
    private var headerBytes: Int {
        guard fieldCount > 0 else { return 0 }
        return unsafe min(4096, max(0, Int(slots[fieldCount - 1].end & Slot.mask) - Int(slots[0].start)))
    }

    private mutating func watchHeader(_ cells: [[UInt8]]) {
        if dialect.repeatedHeader != .record { header.watch(cells) }
    }

    /// A header whose names are replaced must have the expected names. Another line may be a record, or have its columns in
    /// another order.
    private func checkReplaced(_ cells: [[UInt8]], _ names: [String]) throws(PluginError) {
        let expected = dialect.headerNames ?? names
        guard cells != expected.map({ Array($0.utf8) }) else { return }
        if let kind = window.kind { throw PluginError(.refused, kind.sentence, offset: recordOffset) }
        func list(_ names: [String]) -> String { names.prefix(40).joined(separator: ", ") + (names.count > 40 ? " …" : "") }
        let found = cells.map { String(decoding: $0, as: UTF8.self) }
        let key = dialect.headerNames == nil ? "dialect.columns" : "dialect.headerNames"
        var message = "The line at byte \(recordOffset) is not the header that \(key) names: \(list(expected)). "
        // A line without any of the names may be a record, so a message must not show its cells.
        message +=
            Set(found).isDisjoint(with: expected)
            ? "It has \(found.count) cells, and none of these names. " : "It says: \(list(found)). "
        message +=
            Set(found) == Set(expected)
            ? "The columns stand in another order: leave dialect.columns out to follow the header, or correct the export."
            : "If it is the header, set dialect.headerNames to what it says; if the file has no header, set dialect.header: false."
        throw PluginError(.refused, message, offset: recordOffset)
    }

    private func headerNames() throws(PluginError) -> [String] {
        var names: [String] = []
        var seen: Set<[UInt8]> = []
        for index in 0..<fieldCount {
            var name = self[index].trimmed.text
            if name.isEmpty {
                guard dialect.blankHeaders == .number else {
                    throw PluginError(
                        .refused,
                        "Column \(index + 1) has no name. Set blankHeaders: number, or name the columns in the settings.",
                        offset: recordOffset)
                }
                name = "column_\(index + 1)"
            }
            if seen.contains(Array(name.utf8)) {
                guard dialect.duplicateHeaders == .number else {
                    throw PluginError(
                        .refused, "Two columns are called '\(name)'. Set duplicateHeaders: number, or name the columns.",
                        offset: recordOffset)
                }
                var number = 2
                while seen.contains(Array("\(name)_\(number)".utf8)) { number += 1 }
                name = "\(name)_\(number)"
            }
            seen.insert(Array(name.utf8))
            names.append(name)
        }
        return names
    }
}
