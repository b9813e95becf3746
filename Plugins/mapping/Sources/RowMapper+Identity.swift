import TwinDropPluginSDK

extension RowMapper {
    // MARK: - Ids

    func missing(_ rule: Rule, _ part: String, _ template: Int) -> Bool {
        guard rule.missing == .reject else { return true }
        output.reject(
            "missing-id",
            "\(plan.titles[rule.title]).\(part): a column of '\(plan.templates[template].text)' is empty. Correct the record.")
        return false
    }

    /// Ids have at most 128 characters.
    func isShort(_ id: Bytes, _ rule: Rule) -> Bool {
        if id.count <= 128 { return true }
        var characters = 0
        for index in 0..<id.count where id[index] & 0xC0 != 0x80 { characters += 1 }
        if characters <= 128 { return true }
        output.reject(
            "id-too-long", "\(plan.titles[rule.title]): an id of \(characters) characters; 128 are allowed. Shorten the template."
        )
        return false
    }

    mutating func lookForMark(_ value: Bytes) {
        var index = 0
        while index + 2 < value.count {
            if value[index] == 0xEF, value[index + 1] == 0xBB, value[index + 2] == 0xBF { hasMark = true }
            index += 1
        }
    }

    /// No byte order mark is in a cell of an id.
    func isUnmarked(_ rule: Rule) -> Bool {
        guard hasMark else { return true }
        output.reject(
            "byte-order-mark",
            "\(plan.titles[rule.title]): a byte order mark (U+FEFF), which nobody sees, stands in a cell of an id. Take it out.")
        return false
    }

    /// Whether only the same cells gave the text of a template; `context` distinguishes equal texts.
    @inline(__always)
    mutating func isOwn(_ template: Int, _ text: Bytes, _ context: Bytes, _ rule: Rule) -> Bool {
        guard plan.templates[template].isAmbiguous else { return true }
        return isOwnSlowly(template, text, context, rule)
    }

    mutating func isOwnSlowly(_ template: Int, _ text: Bytes, _ context: Bytes, _ rule: Rule) -> Bool {
        var key = OccurrenceKey()
        key.add(context)
        key.add(text)
        let wasFull = origins[template].isFull
        if origins[template].isOwn(key, cells) {
            if origins[template].isFull, !wasFull {
                host.log(
                    "More than \(IDOrigins.idsMax) different ids of '\(plan.templates[template].text)': the rest is not compared. "
                        + "Set escape: separate in the mapping, so that different cells always give different ids.",
                    level: .warning)
            }
            return true
        }
        output.reject(
            "id-collision",
            "\(plan.titles[rule.title]): other cells gave the same text by '\(plan.templates[template].text)' in an earlier record. "
                + "Set escape: separate in the mapping, or correct the record.")
        return false
    }

    // MARK: - Scope

    /// Gives the file's scope with its first record, and checks it with every other; false when the record was rejected.
    mutating func giveScope(_ reader: borrowing DelimitedReader) throws(PluginError) -> Bool {
        scratch.removeAll()
        guard append(plan.scopeTemplate, reader) else {
            output.reject(
                "missing-scope", "scope: a column of '\(plan.templates[plan.scopeTemplate].text)' is empty. Correct the record.")
            return false
        }
        let text = scratch.bytes()
        if scope.isGiven {
            if text == scope.text { return true }
            throw PluginError(
                .refused,
                "Record \(reader.record) gives another scope than record \(scope.record), by "
                    + "'\(plan.templates[plan.scopeTemplate].text)'"
                    + (plan.showsValues ? ": '\(text.text)', not '\(scope.text.text)'" : "")
                    + ". A file lists one part of its source: deliver one file for each, or leave scope out of the mapping.",
                offset: reader.recordOffset)
        }
        guard !FileScope.isUnfit(text) else {
            output.reject(
                "bad-scope", "scope: a control character or byte order mark stands in a cell of it. Correct the record.")
            return false
        }
        scope.give(text, record: reader.record)
        output.scope(scope.text.text)
        return true
    }

    /// Ends the file. If the records give the scope and the file has none, it lists no part of the source.
    func finish() {
        if plan.scopeTemplate >= 0, !scope.isGiven { output.scope(FileScope.none) }
    }
}
