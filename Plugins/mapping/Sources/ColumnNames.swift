import TwinDropPluginSDK

/// The columns a mapping speaks of, each with a number of its own; where they stand is known when a file's header is.
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

    /// Where the columns stand in a file with these `columns`; a column that is not there reads as empty where that is allowed.
    ///
    /// Errors: kind `refused`, with the names there are.
    func places(in columns: [String], allowingMissing: Bool) throws(PluginError) -> [Int] {
        var places: [Int] = []
        for reference in references {
            switch reference {
            case .place(let place): places.append(place - 1)
            case .name(let name):
                if let place = columns.firstIndex(where: { $0.utf8.elementsEqual(name.utf8) }) {
                    places.append(place)
                } else if allowingMissing {
                    places.append(.max)
                } else {
                    let shown = columns.prefix(40).joined(separator: ", ") + (columns.count > 40 ? " …" : "")
                    throw PluginError(
                        .refused,
                        "The file has no column '\(name)'. "
                            + (columns.isEmpty ? "It has no names: set dialect.columns." : "Its columns are: \(shown)."))
                }
            }
        }
        return places
    }
}
