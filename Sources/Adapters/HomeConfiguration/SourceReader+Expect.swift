import CodecKit
import DropCore
import Foundation
import TwinModel

extension SourceReader {
    /// `expect: 24h`, or a mapping that says when.
    func readExpectation(_ source: Section) -> Expectation? {
        if let node = source.node?["expect"], !node.isMappingOrNull {
            _ = source.take("expect", type: "duration|mapping", standard: "none")
            if case .text(let text) = node.kind, let pause = Quantity.duration(text), pause >= .seconds(1) {
                return Expectation(rhythm: .every(pause))
            }
            source.refuse("expect", node, expected: "a duration of at least 1s (24h), or a mapping with every or at")
            return nil
        }
        _ = source.take("expect", type: "duration|mapping", standard: "none")
        let section = source.section("expect")
        let every = section.duration("every", standard: .zero, atLeast: .seconds(1))
        let times = section.texts("at")
        let days = days(section)
        let grace = section.duration("grace", standard: .zero, atLeast: .zero)
        let zone = section.text("zone", standard: "UTC", expected: "the name of a time zone: Europe/Berlin") ?? "UTC"
        section.finish()
        guard section.node != nil else { return nil }
        if TimeZone(identifier: zone) == nil {
            section.report(
                .badValue, "zone", "\"\(Escaping.visible(zone, scalarsMax: 60))\" is no time zone this machine knows.",
                hint: "Names are those of the IANA: UTC, Europe/Berlin, America/New_York.")
        }
        guard (every == .zero) == !times.isEmpty else {
            section.report(
                .badValue, "every", at: section.place,
                times.isEmpty ? "neither every nor at is given." : "both every and at are given.", hint: "Give one of the two.")
            return nil
        }
        guard !times.isEmpty else { return Expectation(rhythm: .every(every), grace: grace, zone: zone) }
        let minutes = times.compactMap { text, place in
            if let minutes = Self.minutes(text) { return minutes }
            section.report(
                .badValue, "at", at: place,
                "found \"\(Escaping.visible(text, scalarsMax: 20))\", expected a time of day: \"06:30\".")
            return nil
        }
        guard !minutes.isEmpty, !days.isEmpty else { return nil }
        return Expectation(rhythm: .at(minutes: Array(Set(minutes)).sorted(), days: days), grace: grace, zone: zone)
    }

    static let weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    /// `[mon, wed]`, `mon-fri`; 0 is Monday.
    private func days(_ section: Section) -> Set<Int> {
        var days: Set<Int> = []
        for (text, place) in section.texts("days", standard: ["mon-sun"]) {
            let ends = text.split(separator: "-", omittingEmptySubsequences: false).map {
                Self.weekdays.firstIndex(of: String($0))
            }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else {
                section.report(
                    .badValue, "days", at: place,
                    "found \"\(Escaping.visible(text, scalarsMax: 20))\", expected days: mon, tue, wed, thu, fri, sat, sun, or mon-fri."
                )
                continue
            }
            days.formUnion(first <= last ? Array(first...last) : Array(first...6) + Array(0...last))
        }
        return days
    }

    /// Minutes after midnight of `06:30`.
    private static func minutes(_ text: String) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let hours = Int(parts[0]), let minutes = Int(parts[1]), hours < 24, minutes < 60
        else { return nil }
        return hours * 60 + minutes
    }
}

extension Expectation {
    /// As `expect` is written.
    var json: JSON {
        var members: [JSON.Member]
        switch rhythm {
        case .every(let pause): members = [JSON.Member("every", .string(Quantity.text(pause)))]
        case .at(let minutes, let days):
            let times: [JSON] = minutes.map { .string("\($0 / 600)\($0 / 60 % 10):\($0 % 60 / 10)\($0 % 10)") }
            let names: [JSON] = days.sorted().map { .string(SourceReader.weekdays[$0]) }
            members = [JSON.Member("at", .array(times)), JSON.Member("days", .array(names))]
        }
        members.append(JSON.Member("grace", .string(Quantity.text(grace))))
        members.append(JSON.Member("zone", .string(zone)))
        return .object(members)
    }
}

extension YAMLNode {
    fileprivate var isMappingOrNull: Bool {
        switch kind {
        case .map, .null: true
        case .bool, .int, .double, .text, .list: false
        }
    }
}
