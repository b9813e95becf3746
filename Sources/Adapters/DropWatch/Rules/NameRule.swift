import CodecKit
package import DropCore

/// What a name means to a source, before anybody looks at the file.
package struct NameRule: Sendable, Equatable {
    package enum Answer: Sendable, Equatable {
        case data
        /// Vouches for another file.
        case marker
        /// A name TwinDrop itself uses in landing folders.
        case ours
        /// A temporary name, by this pattern.
        case ignored(String)
        /// None of the source's patterns matches.
        case unmatched
    }

    /// Prefix of the names that TwinDrop itself uses in a landing folder.
    package static let ownPrefix = Array(".twindrop-".utf8)

    private let patterns: [Glob]
    private let ignore: [Glob]
    /// Nil unless the source waits for markers.
    private let markerSuffix: [UInt8]?

    package init(_ source: WatchedSource) {
        patterns = source.patterns.map { Glob($0) }
        ignore = source.readiness.ignore.map { Glob($0) }
        markerSuffix = source.readiness.kind == .marker ? Array(source.readiness.markerSuffix.utf8) : nil
    }

    package func answer(for name: FileName) -> Answer {
        if name.bytes.starts(with: Self.ownPrefix) { return .ours }
        if let suffix = markerSuffix, name.bytes.count > suffix.count, name.bytes.suffix(suffix.count) == suffix[...] {
            return .marker
        }
        if let pattern = ignore.first(where: { $0.matches(name.bytes) }) { return .ignored(pattern.text) }
        // Corrected rejects are taken under the name that TwinDrop gave them.
        return patterns.isEmpty || matchesPattern(name) || FileName.amendedDrop(in: name) != nil ? .data : .unmatched
    }

    /// Whether one of the source's patterns matches; false when it has none.
    package func matchesPattern(_ name: FileName) -> Bool { patterns.contains { $0.matches(name.bytes) } }

    /// The names that would vouch for `name`, in order of preference: `X.csv.done`, then `X.done`.
    ///
    /// The second form vouches for one file only: it is removed when the first file it vouches for is claimed.
    package func markers(for name: FileName) -> [FileName] {
        guard let suffix = markerSuffix else { return [] }
        var names = [FileName(bytes: name.bytes + suffix)]
        if let dot = name.bytes.lastIndex(of: UInt8(ascii: ".")), dot > 0 {
            names.append(FileName(bytes: name.bytes[..<dot] + suffix))
        }
        return names
    }

    /// The part of a marker's name that data files share with it: `X` of `X.done`.
    package func stem(of marker: FileName) -> FileName {
        FileName(bytes: Array(marker.bytes.dropLast(markerSuffix?.count ?? 0)))
    }
}
