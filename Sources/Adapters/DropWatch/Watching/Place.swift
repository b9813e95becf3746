import DropCore

/// Where a file stands among the waiting files of its source (docs/failure-model.md, "In which order files are taken"): by when
/// it came or changed last, then by its name; in a source with `order: name` by its name alone.
///
/// The file system's clock ticks every few milliseconds, so files that came together often have the same time.
struct Place: Comparable, Sendable {
    /// The change time; 0 where names alone decide.
    private let changed: Int64
    private let name: FileName

    init(changed: Int64, name: FileName, byName: Bool) {
        self.changed = byName ? 0 : changed
        self.name = name
    }

    static func < (left: Self, right: Self) -> Bool {
        left.changed != right.changed ? left.changed < right.changed : left.name < right.name
    }
}
