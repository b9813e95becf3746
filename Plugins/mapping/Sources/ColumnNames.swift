import TwinDropPluginSDK

/// The columns that a mapping names, each with a number. Their places are known when the header of a file was read.
struct ColumnNames {
    /// By name, or by place (from 1).
    enum Reference: Equatable {
        case name(String)
        case place(Int)

        static func == (left: Self, right: Self) -> Bool {
            switch (left, right) {
            case (.name(let one), .name(let other)): one.utf8.elementsEqual(other.utf8)
            case (.place(let one), .place(let other)): one == other
            default: false
            }
        }
    }

    private(set) var references: [Reference] = []

    /// The number of the column that `text` names: a name, or `#3` for the third.
    mutating func number(of text: String) -> Int {
        var reference = Reference.name(text)
        if text.utf8.first == UInt8(ascii: "#"), let place = Int(text.dropFirst()), (1...100_000).contains(place) {
            reference = .place(place)
        }
        if let known = references.firstIndex(of: reference) { return known }
        references.append(reference)
        return references.count - 1
    }

    /// How messages call the column.
    func title(_ number: Int) -> String {
        switch references[number] {
        case .name(let name): name
        case .place(let place): "#\(place)"
        }
    }

    /// The places of the columns in the file of `reader`. A missing column reads as empty if that is allowed.
    ///
    /// Errors: kind `refused`, with the names there are. A file without any of the named columns is another file.
    func places(in reader: borrowing DelimitedReader, allowingMissing: Bool) throws(PluginError) -> [Int] {
        var places: [Int] = []
        var missing: [String] = []
        var named = 0
        for reference in references {
            switch reference {
            case .place(let place):
                if !allowingMissing, !reader.columns.isEmpty, place > reader.columns.count {
                    throw PluginError(
                        .refused,
                        "The file has \(reader.columns.count) columns; the mapping reads #\(place). Is the delimiter right?")
                }
                places.append(place - 1)
            case .name(let name):
                named += 1
                let place = reader.column(name)
                if place == nil { missing.append(name) }
                places.append(place ?? .max)
            }
        }
        if let name = missing.first, !allowingMissing || missing.count == named { throw reader.missingColumn(name) }
        return places
    }

    /// Checks the first record of a file without names: the mapping's last place must be in it.
    ///
    /// Errors: kind `refused`.
    func check(cells: Int) throws(PluginError) {
        var last = 0
        for case .place(let place) in references { last = max(last, place) }
        guard last > cells else { return }
        throw PluginError(
            .refused,
            "The first record has \(cells) \(cells == 1 ? "cell" : "cells"); the mapping reads #\(last). Is the delimiter right? Set "
                + "missingColumns: empty if cells may be missing.")
    }
}
