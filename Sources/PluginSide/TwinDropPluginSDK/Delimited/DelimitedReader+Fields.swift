/// Why a record is refused.
struct RecordFault {
    enum Kind {
        case strayQuote, textAfterQuote, openCell, tooManyColumns, nul, notUnicode, fieldTooLong, tooFewCells, tooManyCells
        case byteOrderMark, repeatedHeader, preambleIsRecord, cutOff
    }

    let kind: Kind
    let code: StaticString
    let message: String
    /// The byte of the file.
    let offset: UInt64
}

extension DelimitedReader {
    /// Notes the first fault of a record: `at` is its place in the window, `column` the cell it is in, from 0.
    mutating func note(_ kind: RecordFault.Kind, _ at: Int, column: Int) {
        guard fault == nil else { return }
        let offset = fileOffset(of: at)
        let name = column < columns.count ? "column '\(columns[column])'" : "cell \(column + 1)"
        let (code, text) = describe(kind)
        fault = RecordFault(kind: kind, code: code, message: "\(name), byte \(offset): \(text)", offset: offset)
    }

    private func describe(_ kind: RecordFault.Kind) -> (code: StaticString, text: String) {
        switch kind {
        case .strayQuote:
            ("stray-quote", "a quotation mark stands inside a cell. Double it and quote the cell, or set quoting: lenient.")
        case .textAfterQuote:
            ("text-after-quote", "text follows the closing quotation mark. Double marks inside a cell, or set quoting: lenient.")
        case .openCell:
            (
                "open-cell",
                "a quotation mark opens the cell, and it goes on over the end of the line without closing at its end: it may have "
                    + "taken other records in. Close or remove the mark, or set quoting: none."
            )
        case .tooManyColumns:
            ("too-many-columns", "the record has more than \(dialect.columnsMax) columns. Is the delimiter right?")
        case .nul:
            ("nul", "a NUL stands in the text. Correct the export; if each second byte is NUL, the encoding is UTF-16.")
        case .notUnicode:
            (
                "bad-text",
                "the bytes are no valid \(window.encoding.title). Correct the export, or name its encoding in the dialect"
                    + (window.encoding == .utf8 ? ", such as encoding: windows-1252." : ".")
            )
        case .fieldTooLong:
            ("cell-too-long", "the cell is longer than \(dialect.fieldBytesMax) bytes.")
        case .tooFewCells:
            (
                "too-few-cells",
                "\(fieldCount) cells; \(width) were expected. " + (delimiterAdvice ?? "Correct the record, or set ragged: pad.")
            )
        case .tooManyCells:
            ("too-many-cells", "\(fieldCount) cells; \(width) were expected. Is a delimiter inside a cell not quoted?")
        case .byteOrderMark, .repeatedHeader, .preambleIsRecord, .cutOff: describeFrame(kind)
        }
    }

    private func describeFrame(_ kind: RecordFault.Kind) -> (code: StaticString, text: String) {
        switch kind {
        case .byteOrderMark:
            (
                "byte-order-mark",
                "a byte order mark stands before the record. Are two exports joined? Take the mark out, or deliver them one by one."
            )
        case .repeatedHeader:
            (
                "repeated-header",
                "the record says what the header says. Take it out, or set dialect.repeatedHeader: record if it is one."
            )
        case .cutOff:
            (
                "cut-off",
                "the file ends within a line end or behind an escape mark: the record may be cut off. Deliver the file again, whole."
            )
        default: ("preamble", "a line of the preamble may be a record.")
        }
    }

    /// The delimiter that would split a record of one cell correctly.
    private var delimiterAdvice: String? {
        guard fieldCount == 1, width > 1 else { return nil }
        let text = self[0].prefix(4096).text
        for other in ColumnAdvice.delimiters where other.text != dialect.delimiter {
            if text.split(separator: other.text, omittingEmptySubsequences: false).count == width {
                return "Cut at \(other.title) it would have them: set dialect.delimiter: \(other.setting)."
            }
        }
        return nil
    }

    /// The error for a quotation mark that is never closed.
    func openQuote(_ at: Int) -> PluginError {
        if record == 0, let kind = window.kind { return PluginError(.refused, kind.sentence, offset: 0) }
        return PluginError(
            .refused,
            "A quotation mark is never closed: the cell it opens would take the rest of the file in. Correct the export, or choose "
                + "another quoting in the dialect.",
            offset: fileOffset(of: at))
    }

    /// The error for a line at `offset` that is skipped and looks like a record.
    func preambleIsRecord(_ offset: UInt64) -> PluginError {
        PluginError(
            .refused,
            "The line at byte \(offset) would be left out as preamble, and has \(width) cells as a record has. Is the preamble "
                + "missing? Correct dialect.skipLines, or say by dialect.skipUntil or comment which lines are none.",
            offset: offset)
    }

    /// Turns the doubt about the current record into its fault.
    mutating func noteDoubt() {
        frame.isDoubted = false
        if fault == nil { noteRecord(.byteOrderMark) }
    }

    /// The place in the file of `at`, a place in the window not before its position.
    func fileOffset(of at: Int) -> UInt64 {
        window.fileOffset + window.fileLength(window.position, at)
    }

    /// Looks for forbidden text before the record's bytes are taken; `end` is where its content ends.
    mutating func checkText(_ end: Int) {
        let start = window.position
        if needsCheck, fault == nil, let defect = unsafe TextCheck.firstDefect(UnsafePointer(window.memory), start, end) {
            switch defect {
            case .nul(let at): note(.nul, at, column: cell(at: at))
            case .notUTF8(let at): note(.notUnicode, at, column: cell(at: at))
            }
        }
        guard end - start > dialect.fieldBytesMax else { return }
        for index in 0..<fieldCount {
            let slot = unsafe slots[index]
            if Int(slot.end & Slot.mask) - Int(slot.start) > dialect.fieldBytesMax {
                note(.fieldTooLong, Int(slot.start), column: index)
            }
        }
    }

    /// Prepares the cells of a good record: removes escapes, trims, and checks their number.
    mutating func finishRecord(isHeader: Bool = false) {
        if hasFlags || marks.escapes {
            for index in 0..<fieldCount where unsafe slots[index].end & (Slot.escaped | Slot.mixed) != 0 { unescape(index) }
        }
        if dialect.trim != .none {
            for index in 0..<fieldCount where unsafe dialect.trim == .all || slots[index].end & Slot.quoted == 0 { trim(index) }
        }
        guard fieldCount != width, !isHeader else { return }
        settleWidth()
    }

    /// Rejects the current record, or refuses the file if the dialect says so.
    mutating func refuse(_ fault: RecordFault) throws(PluginError) {
        if fault.kind == .preambleIsRecord { throw preambleIsRecord(frame.preambleCells[width] ?? 0) }
        if record == 1 { try refuseOtherKind(fault) }
        let policy: FaultPolicy =
            switch fault.kind {
            case .nul, .notUnicode: dialect.badText
            case .tooFewCells, .tooManyCells: dialect.ragged == .fail ? .fail : .reject
            default: dialect.badRecord
            }
        guard policy == .reject else {
            throw PluginError(.refused, "Record \(record), \(fault.message)", offset: fault.offset)
        }
        output.reject(fault.code, fault.message)
    }

    /// If the first record is split wrongly, the file is of another kind or has another delimiter, and all records would be
    /// wrong.
    private func refuseOtherKind(_ fault: RecordFault) throws(PluginError) {
        switch fault.kind {
        case .strayQuote, .textAfterQuote, .openCell, .tooFewCells, .tooManyCells, .tooManyColumns:
            if let kind = window.kind { throw PluginError(.refused, kind.sentence, offset: 0) }
            if fault.kind == .tooFewCells, dialect.header != .present, delimiterAdvice != nil {
                throw PluginError(.refused, "Record 1 has \(fault.message)", offset: fault.offset)
            }
        default: return
        }
    }

    /// The cell of the byte at `at`.
    private func cell(at: Int) -> Int {
        var index = 0
        while index + 1 < fieldCount, Int(unsafe slots[index + 1].start) <= at { index += 1 }
        return index
    }

    private mutating func settleWidth() {
        if width == 0 {
            width = fieldCount
            if frame.preambleCells[width] != nil { noteRecord(.preambleIsRecord) }
            return
        }
        switch dialect.ragged {
        case .keep: return
        case .pad:
            if fieldCount < width { return }  // A missing cell reads as empty.
            for index in width..<fieldCount where !self[index].isEmpty {
                noteRecord(.tooManyCells)
                return
            }
            fieldCount = width
        case .reject, .fail:
            noteRecord(fieldCount < width ? .tooFewCells : .tooManyCells)
        }
    }

    /// A fault of the record as a whole.
    mutating func noteRecord(_ kind: RecordFault.Kind) {
        let (code, text) = describe(kind)
        fault = RecordFault(kind: kind, code: code, message: text, offset: recordOffset)
    }

    private func trim(_ index: Int) {
        let slot = unsafe slots[index]
        var low = Int(slot.start)
        var high = Int(slot.end & Slot.mask)
        while low < high, unsafe base[low] == 0x20 || base[low] == 0x09 { low += 1 }
        while high > low, unsafe base[high - 1] == 0x20 || base[high - 1] == 0x09 { high -= 1 }
        unsafe slots[index] = Slot(start: UInt32(low), end: UInt32(high) | slot.end & ~Slot.mask)
    }

    /// Removes doubled quotation marks, escapes and, in a mixed cell, the outer marks, in the window itself, because the text
    /// only gets shorter.
    private func unescape(_ index: Int) {
        let slot = unsafe slots[index]
        let memory = unsafe window.memory
        let isMixed = slot.end & Slot.mixed != 0
        var from = Int(slot.start)
        var to = from
        let end = Int(slot.end & Slot.mask)
        var isInQuotes = slot.end & Slot.quoted != 0
        if isMixed {
            while from < end, unsafe memory[from] != marks.quote { from += 1 }
            from += 1
        }
        while from < end {
            let byte = unsafe memory[from]
            from += 1
            if marks.escapes, byte == marks.escape, from < end {
                unsafe memory[to] = memory[from]
                from += 1
                to += 1
                continue
            }
            if byte == marks.quote, isInQuotes {
                if from < end, unsafe memory[from] == marks.quote, !marks.escapes {
                    from += 1
                } else if isMixed {
                    isInQuotes = false
                    continue
                }
            }
            unsafe memory[to] = byte
            to += 1
        }
        unsafe slots[index] = Slot(start: slot.start, end: UInt32(to) | slot.end & Slot.quoted)
    }
}
