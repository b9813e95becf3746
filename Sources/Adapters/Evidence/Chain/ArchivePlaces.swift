import DropCore

/// Where things are in an archive folder. Paths given out are absolute, names relative to the archive.
struct ArchivePlaces: Sendable {
    let root: String

    /// - Parameter root: the archive folder, absolute.
    init(root: String) { self.root = root.hasSuffix("/") && root.utf8.count > 1 ? String(root.dropLast()) : root }

    var chain: String { root + "/chain.log" }
    /// What the writer has made durable: a hint for readers and for a quick start, never evidence.
    var head: String { root + "/chain.head" }
    var seals: String { root + "/seals" }
    /// Containers in the making; emptied at each start.
    var temporary: String { root + "/.tmp" }
    /// Containers that recovery could not explain.
    var aside: String { root + "/aside" }

    func path(of name: String) -> String { root + "/" + name }

    static let containerSuffix = ".tar.zst"

    /// `2026/11/21/000001.tar.zst`
    static func container(day: String, number: Int) -> String {
        let digits = String(number)
        return day + "/" + String(repeating: "0", count: max(0, 6 - digits.utf8.count)) + digits + containerSuffix
    }

    /// Day and number of a container's name; nil if it is not valid.
    static func parts(ofContainer name: String) -> (day: String, number: Int)? {
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Array($0) }
        guard parts.count == 4, zip(parts, [4, 2, 2]).allSatisfy({ $0.count == $1 && $0.allSatisfy(isDigit) }) else { return nil }
        let suffix = Array(containerSuffix.utf8)
        guard parts[3].count >= 6 + suffix.count, parts[3].count <= 18 + suffix.count,
            parts[3].suffix(suffix.count) == suffix[...],
            parts[3].dropLast(suffix.count).allSatisfy(isDigit),
            let number = Int(String(decoding: parts[3].dropLast(suffix.count), as: UTF8.self))
        else { return nil }
        let day = parts[..<3].map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
        return container(day: day, number: number).utf8.elementsEqual(name.utf8) ? (day, number) : nil
    }

    /// True when container `left` was made before container `right`.
    static func isBefore(_ left: String, _ right: String) -> Bool {
        guard let left = parts(ofContainer: left), let right = parts(ofContainer: right) else { return false }
        return left.day == right.day ? left.number < right.number : left.day < right.day
    }

    /// Days that have a folder, from `first` (`2026/11/21`) on, in order.
    func days(from first: String = "") throws(DropError) -> [String] {
        var days: [String] = []
        for year in try Storage.names(in: root) where Self.isNumber(year, digits: 4) && year >= first.prefix(4) {
            for month in try Storage.names(in: root + "/" + year) where Self.isNumber(month, digits: 2) {
                for day in try Storage.names(in: root + "/\(year)/\(month)") where Self.isNumber(day, digits: 2) {
                    days.append("\(year)/\(month)/\(day)")
                }
            }
        }
        return days.filter { $0 >= first }
    }

    /// Files in the day folders, oldest first: containers, and whatever else lies there.
    func files(from day: String = "") throws(DropError) -> [String] {
        var names: [String] = []
        for day in try days(from: day) { names += try Storage.names(in: path(of: day)).map { day + "/" + $0 } }
        return names
    }

    /// All of them; a folder that cannot be listed is passed to `skipped`.
    func files(skipped: (_ folder: String, DropError) -> Void) throws(DropError) -> [String] {
        func list(_ folder: String, digits: Int?) -> [String] {
            do throws(DropError) {
                let names = try Storage.names(in: path(of: folder))
                guard let digits else { return names.map { folder + "/" + $0 } }
                return names.filter { Self.isNumber($0, digits: digits) }.map { folder.isEmpty ? $0 : folder + "/" + $0 }
            } catch {
                skipped(folder, error)
                return []
            }
        }
        let months = try Storage.names(in: root).filter { Self.isNumber($0, digits: 4) }.flatMap { list($0, digits: 2) }
        return months.flatMap { list($0, digits: 2) }.flatMap { list($0, digits: nil) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isNumber(_ text: String, digits: Int) -> Bool {
        text.utf8.count == digits && text.utf8.allSatisfy(isDigit)
    }
}

/// The names of a drop's members in its container: generated, one path component each.
enum MemberName {
    /// `01J….erp.drop.json`: what is known about the drop.
    static func header(_ drop: DropID, _ source: SourceName) -> String { "\(drop).\(source).drop.json" }

    /// `01J….erp.content.csv`: its bytes, with the sender's extension if that is plain ASCII.
    static func content(_ drop: DropID, _ source: SourceName, _ name: FileName) -> String {
        let ending = name.pathExtension
        return "\(drop).\(source).content" + (ending.isEmpty ? "" : "." + ending)
    }
}
