extension ZoneRules {
    /// The name of a zone that can be looked for in a folder of zone data: `Europe/Berlin`, `Etc/GMT+5`.
    package static func isName(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = text.utf8.first, first | 0x20 >= 0x61, first | 0x20 <= 0x7A, text.utf8.count <= 128 else {
            return false
        }
        return parts.allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy { byte in
                    (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || "+-_".utf8.contains(byte)
                }
        }
    }

    /// Minutes of an offset from UTC: `Z`, `UTC`, `+01:00`, `-0530`; nil if `text` is not an offset.
    package static func offsetMinutes(_ text: String) -> Int32? {
        if text == "Z" || text == "UTC" { return 0 }
        var bytes = Array(text.utf8)
        if bytes.count == 6, bytes[3] == UInt8(ascii: ":") { bytes.remove(at: 3) }
        guard bytes.count == 5, bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-"),
            bytes[1...].allSatisfy({ $0 &- 0x30 < 10 })
        else { return nil }
        let digits = bytes[1...].map { Int32($0 - 0x30) }
        let (hours, minutes) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
        guard hours < 24, minutes < 60 else { return nil }
        return (hours * 60 + minutes) * (bytes[0] == UInt8(ascii: "-") ? -1 : 1)
    }

    // MARK: - The compiled form

    /// Reads zone data as the system keeps them (RFC 9636, "TZif"); nil if `bytes` are not zone data, or count leap seconds.
    package init?(tzif bytes: [UInt8]) {
        var reader = TZifReader(bytes: bytes)
        guard let rules = reader.rules() else { return nil }
        self = rules
    }

    // MARK: - The form in which plugins get it

    private static let firstLine = "twindrop-zone 1"

    /// Lines of text: what it starts with, one line a change, and the rule after the last.
    package var text: String {
        var text = Self.firstLine + "\n\(first)\n"
        for change in changes { text += "\(change.at) \(change.offset)\n" }
        if let rule { text += rule.text + "\n" }
        return text
    }

    /// Reads what `text` writes; nil if it is something else.
    package init?(text: String) {
        var lines = text.utf8.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }[...]
        guard lines.popFirst() == Self.firstLine, let first = lines.popFirst().flatMap({ Int64($0) }) else { return nil }
        var changes: [Change] = []
        var rule: YearlyRule?
        for line in lines {
            let parts = line.split(separator: " ")
            if parts.count == 2, let at = Int64(parts[0]), let offset = Int64(parts[1]) {
                guard rule == nil, at > changes.last?.at ?? .min else { return nil }
                changes.append(Change(at: at, offset: offset))
            } else {
                guard rule == nil, let read = YearlyRule(line) else { return nil }
                rule = read
            }
        }
        self.init(first: first, changes: changes, rule: rule)
    }
}

private struct TZifReader {
    let bytes: [UInt8]
    var at = 0

    private struct Header {
        let version: UInt8
        let utcFlags, standardFlags, leaps, times, types, characters: Int
    }

    mutating func rules() -> ZoneRules? {
        guard let old = header() else { return nil }
        guard old.version >= UInt8(ascii: "2") else { return block(old, timeBytes: 4, footer: false) }
        at += old.times * 5 + old.types * 6 + old.characters + old.leaps * 8 + old.standardFlags + old.utcFlags
        guard let header = header() else { return nil }
        return block(header, timeBytes: 8, footer: true)
    }

    private mutating func header() -> Header? {
        guard at >= 0, bytes.count - at >= 44, bytes[at..<at + 4].elementsEqual("TZif".utf8) else { return nil }
        let version = bytes[at + 4]
        at += 20
        let counts = (0..<6).map { _ in Int(number(4)) }
        guard counts.allSatisfy({ $0 >= 0 && $0 < 1 << 20 }) else { return nil }
        return Header(
            version: version, utcFlags: counts[0], standardFlags: counts[1], leaps: counts[2], times: counts[3], types: counts[4],
            characters: counts[5])
    }

    private mutating func block(_ header: Header, timeBytes: Int, footer: Bool) -> ZoneRules? {
        let length =
            header.times * (timeBytes + 1) + header.types * 6 + header.characters + header.standardFlags + header.utcFlags
        guard header.leaps == 0, header.types > 0, bytes.count - at >= length else { return nil }
        let moments = (0..<header.times).map { _ in number(timeBytes) }
        let kinds = (0..<header.times).map { _ in Int(number(1) & 0xFF) }
        let offsets = (0..<header.types).map { _ in
            let offset = number(4)
            at += 2
            return offset
        }
        guard kinds.allSatisfy({ $0 < offsets.count }), offsets.allSatisfy({ abs($0) < 26 * 3600 }) else { return nil }
        guard zip(moments, moments.dropFirst()).allSatisfy({ $0 < $1 }) else { return nil }
        at += header.characters + header.standardFlags + header.utcFlags
        var changes: [ZoneRules.Change] = []
        for (moment, kind) in zip(moments, kinds) {
            // Moments long before the year 1 are of no use, and far enough to overflow.
            let change = ZoneRules.Change(at: max(moment, -100_000_000_000), offset: offsets[kind])
            if changes.last?.at == change.at { changes.removeLast() }
            changes.append(change)
        }
        var rule: YearlyRule?
        if footer {
            guard at < bytes.count, bytes[at] == 0x0A, let end = bytes[(at + 1)...].firstIndex(of: 0x0A) else { return nil }
            let text = String(decoding: bytes[(at + 1)..<end], as: UTF8.self)
            if !text.isEmpty {
                rule = YearlyRule(text)
                guard rule != nil else { return nil }
            }
        }
        return ZoneRules(first: offsets[0], changes: changes, rule: rule)
    }

    /// A signed number, the highest byte first.
    private mutating func number(_ count: Int) -> Int64 {
        var value: Int64 = bytes[at] >= 0x80 && count > 1 ? -1 : 0
        for _ in 0..<count {
            value = value << 8 | Int64(bytes[at])
            at += 1
        }
        return value
    }
}

extension YearlyRule {
    /// Reads the form of POSIX, with the hours beyond a day that TZif allows; nil if `text` is something else.
    init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        guard Self.takeName(&rest), let west = Self.takeTime(&rest, most: 25) else { return nil }
        standard = -west
        guard !rest.isEmpty else {
            summer = nil
            return
        }
        guard Self.takeName(&rest) else { return nil }
        var offset = standard + 3600
        if let first = rest.first, first != UInt8(ascii: ",") {
            guard let west = Self.takeTime(&rest, most: 25) else { return nil }
            offset = -west
        }
        guard let from = Self.takeTurn(&rest), let to = Self.takeTurn(&rest), rest.isEmpty else { return nil }
        summer = (offset, from, to)
    }

    /// As `init(_:)` reads it; the names are left out, since nobody asks for them.
    var text: String {
        guard let summer else { return "<S>\(Self.time(-standard))" }
        return "<S>\(Self.time(-standard))<D>\(Self.time(-summer.offset)),\(Self.text(summer.from)),\(Self.text(summer.to))"
    }

    private static func text(_ turn: Turn) -> String {
        let day =
            switch turn.day {
            case .withoutLeapDay(let number): "J\(number)"
            case .ofYear(let number): "\(number)"
            case .weekday(let month, let week, let day): "M\(month).\(week).\(day)"
            }
        return "\(day)/\(time(turn.time))"
    }

    private static func time(_ seconds: Int64) -> String {
        let size = seconds.magnitude
        return (seconds < 0 ? "-" : "") + "\(size / 3600):\(size / 60 % 60):\(size % 60)"
    }

    private static func takeName(_ rest: inout ArraySlice<UInt8>) -> Bool {
        if rest.first == UInt8(ascii: "<") {
            guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
            rest = rest[(end + 1)...]
            return true
        }
        let name = rest.prefix { ($0 | 0x20) &- 0x61 < 26 }
        rest = rest.dropFirst(name.count)
        return name.count >= 3
    }

    private static func takeNumber(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        let digits = rest.prefix { $0 &- 0x30 < 10 }
        guard (1...3).contains(digits.count) else { return nil }
        rest = rest.dropFirst(digits.count)
        return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }

    private static func take(_ character: Unicode.Scalar, _ rest: inout ArraySlice<UInt8>) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    /// Seconds of `[+-]h[:m[:s]]`.
    private static func takeTime(_ rest: inout ArraySlice<UInt8>, most: Int64) -> Int64? {
        let isNegative = take("-", &rest)
        if !isNegative { _ = take("+", &rest) }
        guard let hours = takeNumber(&rest), hours <= most else { return nil }
        var seconds = hours * 3600
        for unit in [Int64(60), 1] {
            guard take(":", &rest) else { break }
            guard let part = takeNumber(&rest), part < 60 else { return nil }
            seconds += part * unit
        }
        return isNegative ? -seconds : seconds
    }

    private static func takeTurn(_ rest: inout ArraySlice<UInt8>) -> Turn? {
        guard take(",", &rest), let day = takeDay(&rest) else { return nil }
        guard take("/", &rest) else { return Turn(day: day, time: 2 * 3600) }
        return takeTime(&rest, most: 167).map { Turn(day: day, time: $0) }
    }

    private static func takeDay(_ rest: inout ArraySlice<UInt8>) -> Day? {
        if take("M", &rest) {
            guard let month = takeNumber(&rest), (1...12).contains(month), take(".", &rest), let week = takeNumber(&rest),
                (1...5).contains(week), take(".", &rest), let day = takeNumber(&rest), day < 7
            else { return nil }
            return .weekday(month: month, week: week, day: day)
        }
        if take("J", &rest) { return takeNumber(&rest).flatMap { (1...365).contains($0) ? .withoutLeapDay($0) : nil } }
        return takeNumber(&rest).flatMap { $0 < 366 ? .ofYear($0) : nil }
    }
}
